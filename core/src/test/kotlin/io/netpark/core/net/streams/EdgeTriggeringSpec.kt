package io.netpark.core.net.streams

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.longs.shouldBeLessThan
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.netpark.core.fd.Descriptor
import io.netpark.core.fd.Direction
import io.netpark.core.sys.NetparkException
import io.netpark.core.testing.BlockingConnection
import io.netpark.core.testing.CallCounter
import io.netpark.core.testing.Flavour
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.TestReactor
import io.netpark.core.testing.ThreadWaiter
import io.netpark.core.testing.async
import io.netpark.core.testing.awaitParkedThreads
import io.netpark.core.testing.result
import io.netpark.core.testing.use
import java.net.Socket
import java.nio.ByteBuffer
import java.util.Random

/** What edge triggering and the skipped EAGAIN probe must not lose; the poll(2) poller has to keep the same promises. */
class EdgeTriggeringSpec : NetparkSpec(body = {
    class Rig(flavour: Flavour) : AutoCloseable {
        val calls = CallCounter(flavour.libc)
        val reactor = TestReactor(calls.libc, flavour.poller.factory)

        override fun close() = reactor.close()
    }

    for (flavour in Flavour.all) {
        context("$flavour") {
            suspend fun pair(name: String, body: Rig.(client: BlockingConnection, server: BlockingConnection) -> Unit) =
                test(name) { Rig(flavour).use { rig -> rig.reactor.pair().use { client, server -> rig.body(client, server) } } }

            pair("R2: ten bytes and the end in one batch are read as ten bytes and the end") { client, server ->
                repeat(2) {
                    val busy = async { server.readSome(4096) }
                    if (it == 0) awaitParkedThreads()
                    client.write("0123456789")
                    if (it == 1) client.connection.shutdownOutput()
                    busy.result() shouldBe "0123456789"
                }
                server.readIsAtEnd() shouldBe true
            }

            pair("R2: the end that comes after a short read is noticed by a reader that parked without asking") { client, server ->
                client.write("x")
                server.readSome(4096) shouldBe "x"
                val atEnd = async { server.readIsAtEnd() }
                awaitParkedThreads()
                client.connection.shutdownOutput()
                atEnd.result() shouldBe true
            }

            pair("R6: a burst read one byte at a time is read to its end") { client, server ->
                val bytes = ByteArray(1 shl 18).also { Random(5).nextBytes(it) }
                val writer = async { client.write(bytes) }
                val one = ByteBuffer.allocateDirect(1)
                for (byte in bytes) {
                    server.read(one.clear()) shouldBe 1
                    check(one.get(0) == byte)
                }
                writer.result()
            }

            pair("R3: the peer's half-close does not keep waking a parked writer") { client, server ->
                val writer = async { client.write(ByteArray(8_000_000)) }
                awaitParkedThreads()
                calls.awaitQuiet()
                val sends = calls["send"]
                val waits = calls.waits
                server.connection.shutdownOutput()
                Thread.sleep(100)
                calls["send"] shouldBe sends
                calls.waits - waits shouldBeLessThan 5
                server.readFully(8_000_000)
                writer.result()
                client.readIsAtEnd() shouldBe true
            }

            pair("an idle connection costs no system call, parked or not") { client, server ->
                client.write("x")
                server.readSome() shouldBe "x"
                val reader = async { server.readSome() }
                awaitParkedThreads()
                calls.awaitQuiet()
                val before = calls.waits + calls["recv"]
                Thread.sleep(100)
                calls.waits + calls["recv"] - before shouldBeLessThan 3
                client.write("y")
                reader.result() shouldBe "y"
            }

            pair("E7: an operation woken without cause parks again") { client, server ->
                val connection = server.connection
                repeat(3) {
                    val waiter = ThreadWaiter()
                    val target = ByteBuffer.allocate(1)
                    var outcome = connection.startRead(target)
                    outcome shouldBe Descriptor.PARK
                    if (connection.park(Direction.READ, waiter)) {
                        connection.nudge(Direction.READ)
                        waiter.await() shouldBe true
                    }
                    outcome = connection.retryRead(target)
                    outcome shouldBe Descriptor.PARK
                    connection.abandon(Direction.READ)
                }
                client.write("x")
                server.readSome() shouldBe "x"
            }

            pair("S5: a second reader is told so, and the first is not disturbed") { client, server ->
                val first = async { server.readSome() }
                awaitParkedThreads()
                repeat(3) {
                    shouldThrow<IllegalStateException> { server.readSome() }.message!! shouldContain "one reader and one writer"
                }
                server.write("a writer is welcome")
                client.write("x")
                first.result() shouldBe "x"
            }

            pair("C1: a reader that gave up leaves the connection to the next") { client, server ->
                val connection = server.connection
                connection.startRead(ByteBuffer.allocate(1)) shouldBe Descriptor.PARK
                val waiter = ThreadWaiter()
                connection.park(Direction.READ, waiter) shouldBe true
                connection.unpark(Direction.READ, waiter) shouldBe true
                connection.unpark(Direction.READ, waiter) shouldBe false
                connection.abandon(Direction.READ)
                val next = async { server.readSome() }
                awaitParkedThreads()
                client.write("x")
                next.result() shouldBe "x"
                waiter.runs shouldBe 0
            }

            pair("S6: reading, writing and closing on three threads") { client, server ->
                val echo = async { runCatching { while (true) server.write(server.readSome().ifEmpty { break }) } }
                val writer = async { runCatching { while (true) client.write("abcdefgh") } }
                val reader = async { runCatching { client.readFully(200_000); client.close(); client.readSome() } }
                for (end in listOf(writer.result(), reader.result())) {
                    (end.exceptionOrNull() is NetparkException.Closed) shouldBe true
                }
                echo.result()
            }

            test("urgent data does not stall a reader") {
                Rig(flavour).use { rig ->
                    rig.reactor.listen().use { listener ->
                        Socket(listener.address.address, listener.address.port).use { peer ->
                            listener.accept().use { server ->
                                for (round in 0 until 20) {
                                    val reader = async { server.readText(8) }
                                    if (round % 2 == 0) awaitParkedThreads()
                                    peer.getOutputStream().write("abcd".toByteArray())
                                    peer.sendUrgentData('!'.code)
                                    peer.getOutputStream().write("efgh".toByteArray())
                                    reader.result() shouldBe "abcdefgh"
                                }
                                peer.shutdownOutput()
                                server.readIsAtEnd() shouldBe true
                            }
                        }
                    }
                }
            }
        }
    }
})
