package io.netpark.core.net.messages

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.netpark.core.fd.Direction
import io.netpark.core.net.socket.PassedDescriptors
import io.netpark.core.sys.Errno
import io.netpark.core.sys.LibC
import io.netpark.core.sys.NetparkException
import io.netpark.core.sys.OpenDescriptor
import io.netpark.core.sys.UnixAddress
import io.netpark.core.testing.Bindings
import io.netpark.core.testing.Family
import io.netpark.core.testing.FaultyLibC
import io.netpark.core.testing.Flavour
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.TestReactor
import io.netpark.core.testing.async
import io.netpark.core.testing.awaitParkedThreads
import io.netpark.core.testing.dialDatagrams
import io.netpark.core.testing.dialPackets
import io.netpark.core.testing.eventually
import io.netpark.core.testing.failure
import io.netpark.core.testing.fromNow
import io.netpark.core.testing.listenPackets
import io.netpark.core.testing.loopback
import io.netpark.core.testing.packetPair
import io.netpark.core.testing.result
import io.netpark.core.testing.temporaryPath
import io.netpark.core.testing.use
import java.nio.ByteBuffer
import java.nio.file.Files
import java.util.concurrent.atomic.AtomicInteger
import kotlin.time.Duration.Companion.milliseconds

/** Sequenced packets of unix, over every binding, poller and kind of address. */
class PacketSpec : NetparkSpec(body = {
    for (flavour in Flavour.all) for (family in Family.entries.filter { it.unix }) {
        context("$flavour $family") {
            suspend fun reactor(name: String, body: TestReactor.() -> Unit) =
                test(name) { TestReactor(flavour, loops = 2).use(body) }

            reactor("packets keep their boundaries, in both directions, and end") {
                val address = family.freshAddress()
                packetPair(address).use { client, server ->
                    client.socket.remoteAddress() shouldBe address
                    client.socket.isSequenced shouldBe true
                    server.address shouldBe address
                    server.socket.remoteAddress() shouldBe UnixAddress.UNNAMED
                    client.send("one")
                    client.send("two")
                    server.receive().text shouldBe "one"
                    server.receive().text shouldBe "two"
                    server.send("three and more")
                    client.receive(5).also { it.isTruncated shouldBe true }.length shouldBe 14
                    client.socket.shutdownOutput()
                    repeat(2) { server.receiveIsAtEnd() shouldBe true }
                    server.send("still")
                    client.receive().text shouldBe "still"
                    shouldThrow<NetparkException.Reset> { client.send("x") }
                    server.close()
                    client.receiveIsAtEnd() shouldBe true
                }
            }

            reactor("a parked receiver learns of the end, and one that closes with packets unread resets") {
                packetPair(family.freshAddress()).use { client, server ->
                    val receiver = async { server.receiveIsAtEnd() }
                    awaitParkedThreads()
                    client.close()
                    receiver.result() shouldBe true
                    shouldThrow<NetparkException.Reset> { server.send("x") }
                }
                packetPair(family.freshAddress()).use { client, server ->
                    client.send("unread")
                    server.close()
                    repeat(3) { shouldThrow<NetparkException.Reset> { client.receive() } }
                }
                packetPair(family.freshAddress()).use { client, server ->
                    client.send("unread")
                    server.close()
                    shouldThrow<NetparkException.Reset> { client.send("x") } // a sender that is told does not hide it
                    repeat(2) { shouldThrow<NetparkException.Reset> { client.receive() } }
                }
            }

            reactor("each side knows who is at the other end") {
                packetPair(family.freshAddress()).use { client, server ->
                    val me = ProcessHandle.current().pid().toInt()
                    client.socket.peerCredentials().processId() shouldBe me
                    server.socket.peerCredentials().processId() shouldBe me
                    server.socket.peerCredentials().userId() shouldBe client.socket.peerCredentials().userId()
                }
            }

            reactor("nobody listens, or somebody of another type") {
                val address = family.freshAddress()
                shouldThrow<NetparkException.Refused> { dialPackets(address) }.message!! shouldContain address.toString()
                listenPackets(address).use { listener ->
                    // Abstract names are looked up together with the type.
                    if (family == Family.ABSTRACT) shouldThrow<NetparkException.Refused> { dialDatagrams(address) }
                    else shouldThrow<NetparkException.SystemError> { dialDatagrams(address) }.errnoName() shouldBe "EPROTOTYPE"
                    val accepting = async { listener.accept() }
                    awaitParkedThreads()
                    listener.close()
                    (accepting.failure() is NetparkException.Closed) shouldBe true
                }
                // poll(2) holds on to what it waits for until it has returned.
                eventually { shouldThrow<NetparkException.Refused> { dialPackets(address).close() } }
            }

            reactor("an accept has a deadline") {
                listenPackets(family.freshAddress()).use { listener ->
                    listener.listener.setDeadline(Direction.READ, fromNow(10.milliseconds))
                    shouldThrow<NetparkException.TimedOut> { listener.accept() }
                        .timeout() shouldBe NetparkException.Timeout.ACCEPT
                }
            }

            reactor("a sender waits for its peer's room") {
                packetPair(family.freshAddress()).use { client, server ->
                    val sending = async { repeat(3000) { client.send("$it".padEnd(1000)) } }
                    awaitParkedThreads()
                    List(3000) { server.receive().text.trim().toInt() } shouldBe List(3000) { it }
                    sending.result()
                }
            }
        }
    }

    for (flavour in Flavour.all) test("$flavour: accepting goes on after descriptors ran out") {
        val failures = AtomicInteger(2)
        val real = flavour.libc
        val libc = object : LibC by real {
            override fun accept4(fd: Int, sockaddr: Long, lengthAddress: Long, flags: Int): Int =
                if (failures.getAndDecrement() > 0) -Errno.EMFILE else real.accept4(fd, sockaddr, lengthAddress, flags)
        }
        TestReactor(libc, flavour.poller.factory).use { reactor ->
            reactor.packetPair().use { client, server ->
                client.send("there")
                server.receive().text shouldBe "there"
            }
            reactor.reporter.drain().single().what shouldContain "pauses"
        }
    }

    for (libc in Bindings.all) test("${libc.binding()}: a bad day of the C library loses nothing and doubles nothing") {
        TestReactor(FaultyLibC(libc)).use { reactor ->
            repeat(20) {
                reactor.packetPair(Family.PATH.freshAddress()).use { client, server ->
                    val sending = async { repeat(100) { client.send("$it") } }
                    List(100) { server.receive().text.toInt() } shouldBe List(100) { it }
                    sending.result()
                }
            }
            reactor.reporter.drain()
        }
    }

    test("the file of a listener goes with it, and one that is left is named") {
        TestReactor().use { reactor ->
            val path = temporaryPath()
            val address = UnixAddress.path(path)
            reactor.listenPackets(address).use { shouldThrow<NetparkException> { reactor.listenPackets(address) } }
            Files.exists(path) shouldBe false
            reactor.listenPackets(address).use { it.listener.keepFile() }
            shouldThrow<NetparkException> { reactor.listenPackets(address) }.message!! shouldContain "the file is left"
            Files.delete(path)
        }
    }

    test("what only unix has is refused elsewhere") {
        TestReactor().use { reactor ->
            shouldThrow<IllegalArgumentException> { reactor.listenPackets(loopback()) }.message!! shouldContain "only unix"
            shouldThrow<IllegalArgumentException> { reactor.dialPackets(loopback(port = 9)) }
            reactor.dialDatagrams(loopback(port = 9)).use { socket ->
                shouldThrow<IllegalStateException> { socket.socket.peerCredentials() }
                shouldThrow<IllegalStateException> { socket.send(ByteBuffer.allocate(1), null, OpenDescriptor.of(0)) }
                    .message!! shouldContain "only unix sockets can"
                shouldThrow<IllegalStateException> { socket.receive(ByteBuffer.allocate(1), null, PassedDescriptors(1)) }
            }
            reactor.packetPair().use { client, _ ->
                shouldThrow<IllegalStateException> { client.socket.connect(UnixAddress.abstractName("x")) }
            }
        }
    }
})
