package io.netpark.core.sys

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.kotest.property.Arb
import io.kotest.property.arbitrary.byte
import io.kotest.property.arbitrary.byteArray
import io.kotest.property.arbitrary.constant
import io.kotest.property.arbitrary.int
import io.kotest.property.checkAll
import io.netpark.core.testing.NetparkSpec
import java.net.Inet6Address
import java.net.InetAddress
import java.net.InetSocketAddress

class SockAddrSpec : NetparkSpec(body = {
    val memory = NativeMemory.allocate(64).buffer()

    fun roundTrip(address: InetSocketAddress, length: Int) {
        // Leftovers of another address must not shine through.
        for (i in 0 until memory.capacity()) memory.put(i, -1)
        SockAddr.write(memory, 8, address) shouldBe length
        SockAddr.read(memory, 8) shouldBe address
    }

    test("any IPv4 address and port come back") {
        checkAll(200, Arb.byteArray(Arb.constant(4), Arb.byte()), Arb.int(0..65535)) { bytes, port ->
            roundTrip(InetSocketAddress(InetAddress.getByAddress(bytes), port), 16)
        }
    }

    test("any IPv6 address, port and scope come back") {
        checkAll(200, Arb.byteArray(Arb.constant(16), Arb.byte()), Arb.int(0..65535), Arb.int(0..1000)) { bytes, port, scope ->
            bytes[0] = 0xfe.toByte()
            val address = InetSocketAddress(Inet6Address.getByAddress(null, bytes, scope), port)
            roundTrip(address, 28)
            (SockAddr.read(memory, 8).address as Inet6Address).scopeId shouldBe scope
        }
    }

    test("the port is in network order and the family in the machine's") {
        SockAddr.write(memory, 0, InetSocketAddress(InetAddress.getByName("1.2.3.4"), 0x1F90))
        memory.getShort(0) shouldBe Linux.AF_INET.toShort()
        List(6) { memory.get(2 + it).toInt() } shouldBe listOf(0x1F, 0x90.toByte().toInt(), 1, 2, 3, 4)
    }

    test("an IPv4 address in IPv6 form comes back as IPv4") {
        for (i in 0 until 28) memory.put(i, 0)
        memory.putShort(0, Linux.AF_INET6.toShort())
        memory.put(3, 80)
        memory.put(18, -1)
        memory.put(19, -1)
        listOf<Byte>(10, 0, 0, 1).forEachIndexed { i, byte -> memory.put(20 + i, byte) }
        SockAddr.read(memory, 0) shouldBe InetSocketAddress(InetAddress.getByName("10.0.0.1"), 80)
    }

    test("an unresolved address and an unknown family are refused") {
        shouldThrow<IllegalArgumentException> {
            SockAddr.write(memory, 0, InetSocketAddress.createUnresolved("nowhere.example", 80))
        }.message!! shouldContain "nowhere.example"
        memory.putShort(0, Linux.AF_UNIX.toShort())
        shouldThrow<IllegalArgumentException> { SockAddr.read(memory, 0) }.message!! shouldContain "family 1"
    }
})
