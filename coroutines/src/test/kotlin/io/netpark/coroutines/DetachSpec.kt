package io.netpark.coroutines

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.netpark.core.sys.NetparkException
import io.netpark.core.sys.OpenDescriptor
import io.netpark.core.testing.Bindings
import io.netpark.core.testing.Flavour
import io.netpark.core.testing.HandMovedClock
import io.netpark.core.testing.NetparkSpec
import io.netpark.coroutines.handover.detach
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.seconds
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.async
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.launch

class DetachSpec : NetparkSpec(body = {
    for (flavour in Flavour.all) {
        test("$flavour: a connection moves to another reactor with its unread bytes") {
            onReactor(flavour) { reactor ->
                onReactor(flavour) { other ->
                    reactor.withPair { client, server ->
                        client.write("PROXY line\r\nrest")
                        server.reader.awaitLine() shouldBe "PROXY line"
                        server.reader.await(4)
                        val detached = server.detach()
                        String(detached.unread) shouldBe "rest"
                        shouldThrow<NetparkException.Closed> { server.read(ByteArray(1)) }
                        other.adopt(detached).use { adopted ->
                            adopted.remoteAddress shouldBe client.localAddress
                            client.write(" and more")
                            adopted.reader.await(13)
                            adopted.reader.takeString(13) shouldBe "rest and more"
                            adopted.write("answer")
                            client.readText(6) shouldBe "answer"
                        }
                    }
                }
            }
        }
    }

    test("what is in use, unflushed or closed is not detached") {
        onReactor { reactor, _ ->
            reactor.withPair { client, _ ->
                val reading = launch(start = CoroutineStart.UNDISPATCHED) { client.reader.await() }
                shouldThrow<IllegalStateException> { client.detach() }.message!! shouldContain "an operation is going on"
                reading.cancelAndJoin()
                client.writer.putInt(1)
                shouldThrow<IllegalStateException> { client.detach() }.message!! shouldContain "flush"
                client.writer.flush()
                client.close()
                shouldThrow<NetparkException.Closed> { client.detach() }
            }
        }
    }

    test("what is no connected TCP socket is not adopted, and stays the caller's") {
        onReactor { reactor, _ ->
            val event = OpenDescriptor.eventFd(0)
            val socket = OpenDescriptor.of(Bindings.best.socket(2, 1, 0))
            shouldThrow<NetparkException> { reactor.adopt(event) }.message!! shouldContain "not a connected stream socket"
            shouldThrow<NetparkException> { reactor.adopt(socket) }.message!! shouldContain "adopt descriptor ${socket.number()}"
            event.isOpen shouldBe true
            event.close()
            socket.close()
            shouldThrow<IllegalStateException> { reactor.adopt(event) }.message!! shouldContain "closed"
            shouldThrow<NetparkException> { reactor.adopt(OpenDescriptor.of(1_000_000)) }.message!! shouldContain "EBADF"
        }
    }

    for (flavour in Flavour.all) {
        test("$flavour: an idle timeout closes a connection on which no byte moves, and says so") {
            val clock = HandMovedClock()
            onReactor(flavour, clock = clock) { reactor ->
                reactor.withPair { client, server ->
                    server.idleTimeout = 2.seconds
                    val echo = async { runCatching { while (server.reader.await()) { server.writer.append(server.reader); server.writer.flush() } } }
                    repeat(5) { // bytes keep it open
                        client.write("x")
                        client.readText(1) shouldBe "x"
                        clock.move(900.milliseconds, reactor.group)
                    }
                    client.write("x") // after all of that time
                    client.readText(1) shouldBe "x"
                    soon {
                        clock.move(2.seconds, reactor.group)
                        echo.isCompleted shouldBe true
                    }
                    val failure = echo.await().exceptionOrNull() as NetparkException.TimedOut
                    failure.timeout() shouldBe NetparkException.Timeout.IDLE
                    failure.message!! shouldContain "no byte moved in either direction for 2000 ms"
                    client.read(ByteArray(1)) shouldBe Connection.END_OF_STREAM
                }
            }
        }
    }

    test("a handshake that takes too long is ended by its own deadline, and the connection is as before") {
        onReactor { reactor, _ ->
            reactor.withPair { client, server ->
                val failure = shouldThrow<NetparkException.TimedOut> {
                    server.within(50.milliseconds, "handshake") { it.reader.awaitLine() }
                }
                failure.timeout() shouldBe NetparkException.Timeout.EXCHANGE
                failure.message!! shouldContain "handshake with"
                client.write("hello\n")
                server.within(10.seconds, "handshake") { it.reader.awaitLine() } shouldBe "hello"
            }
        }
    }
})
