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
import io.netpark.core.linux.Linux
import io.netpark.core.memory.NativeMemory
import io.netpark.core.testing.NetparkSpec
import java.net.Inet6Address
import java.net.InetAddress
import java.net.InetSocketAddress
import java.net.SocketAddress
import java.net.UnixDomainSocketAddress
import java.nio.file.Path

class SockAddrSpec : NetparkSpec(body = {
    val memory = NativeMemory.allocate(128).buffer()

    fun roundTrip(address: SocketAddress, length: Int) {
        // Leftovers of another address must not shine through.
        for (i in 0 until memory.capacity()) memory.put(i, -1)
        SockAddr.write(memory, 8, address) shouldBe length
        SockAddr.read(memory, 8, length) shouldBe address
        SockAddr.of(SockAddr.copy(memory, 8, length)) shouldBe address
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
            ((SockAddr.read(memory, 8, 28) as InetSocketAddress).address as Inet6Address).scopeId shouldBe scope
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
        SockAddr.read(memory, 0, 28) shouldBe InetSocketAddress(InetAddress.getByName("10.0.0.1"), 80)
    }

    test("an unresolved address and an unknown family are refused") {
        shouldThrow<IllegalArgumentException> {
            SockAddr.write(memory, 0, InetSocketAddress.createUnresolved("nowhere.example", 80))
        }.message!! shouldContain "nowhere.example"
        memory.putShort(0, 17)
        shouldThrow<IllegalArgumentException> { SockAddr.read(memory, 0, 28) }.message!! shouldContain "family 17"
        shouldThrow<IllegalArgumentException> {
            SockAddr.write(memory, 0, object : SocketAddress() {})
        }.message!! shouldContain "UnixAddress"
    }

    test("any unix path and abstract name of up to 107 bytes come back") {
        for (length in 1..107) {
            roundTrip(UnixAddress.path("p".repeat(length)), 2 + length + 1)
            roundTrip(UnixAddress.abstractName("n".repeat(length)), 2 + 1 + length)
        }
        roundTrip(UnixAddress.abstractName("a\u0000b"), 6)
        roundTrip(UnixAddress.path("/täst"), 9)
        roundTrip(UnixAddress.UNNAMED, 2)
        SockAddr.read(memory, 0, 0) shouldBe UnixAddress.UNNAMED
        SockAddr.of(SockAddr.copy(memory, 0, 0)) shouldBe UnixAddress.UNNAMED
    }

    test("a unix address says what it is, and refuses what cannot be one") {
        UnixAddress.path("/run/a.sock").toString() shouldBe "unix:/run/a.sock"
        UnixAddress.abstractName("a").toString() shouldBe "unix:@a"
        UnixAddress.UNNAMED.toString() shouldBe "unix:unnamed"
        UnixAddress.of(UnixDomainSocketAddress.of("/run/a.sock")) shouldBe UnixAddress.path("/run/a.sock")
        UnixAddress.path("a").path() shouldBe Path.of("a")
        UnixAddress.abstractName("a").path() shouldBe null
        for (path in listOf("", "p".repeat(108), "a\u0000b")) {
            shouldThrow<IllegalArgumentException> { UnixAddress.path(path) }.message!! shouldContain "107"
        }
        for (name in listOf("", "n".repeat(108))) {
            shouldThrow<IllegalArgumentException> { UnixAddress.abstractName(name) }.message!! shouldContain "107"
        }
    }

    test("a unix socket is of this machine: all have one source") {
        val copy = SockAddr.copy(memory.also { SockAddr.write(it, 0, UnixAddress.path("/a")) }, 0, 5)
        SockAddr.addressBytes(copy).size shouldBe 0
        SockAddr.addressHash(copy) shouldBe 0
    }
})
