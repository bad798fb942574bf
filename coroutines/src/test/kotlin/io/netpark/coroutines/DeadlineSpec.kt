package io.netpark.coroutines

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.longs.shouldBeGreaterThanOrEqual
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.netpark.core.sys.NetparkException
import io.netpark.core.testing.Flavour
import io.netpark.core.testing.NetparkSpec
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.async
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.delay
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.supervisorScope
import java.nio.ByteBuffer
import kotlin.system.measureTimeMillis
import kotlin.time.Duration
import kotlin.time.Duration.Companion.hours
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.seconds

class DeadlineSpec : NetparkSpec(body = {
    BlackHole().close() // the JDK's sockets keep a descriptor of their own once they have been used

    for (flavour in Flavour.all) {
        test("$flavour: a read deadline wakes a parked read, not early, and names itself") {
            onReactor(flavour) { reactor ->
                reactor.withPair { client, server ->
                    val millis = measureTimeMillis {
                        server.setReadDeadline(50.milliseconds)
                        val failure = shouldThrow<NetparkException.TimedOut> { server.read(ByteArray(1)) }
                        failure.timeout() shouldBe NetparkException.Timeout.READ
                        failure.message!! shouldContain "read from"
                    }
                    millis shouldBeGreaterThanOrEqual 50
                    shouldThrow<NetparkException.TimedOut> { server.read(ByteArray(1)) } // stays until it is moved
                    server.setReadDeadline(Duration.INFINITE)
                    client.write("x")
                    server.readText(1) shouldBe "x"
                }
            }
        }
    }

    test("a write deadline wakes a parked write, which says how far it got") {
        onReactor { reactor, _ ->
            reactor.withPair(options = TINY_BUFFERS) { client, _ ->
                client.setWriteDeadline(50.milliseconds)
                val source = ByteBuffer.allocateDirect(1 shl 20)
                shouldThrow<NetparkException.TimedOut> { client.write(source) }.timeout() shouldBe NetparkException.Timeout.WRITE
                (source.position() in 1 until source.capacity()) shouldBe true
            }
        }
    }

    test("progress extends a write deadline: a peer that is slow is not one that has stopped") {
        onReactor { reactor, _ ->
            reactor.withPair(options = TINY_BUFFERS) { client, server ->
                val sent = pattern(300_000)
                client.setWriteDeadline(1.seconds)
                val writer = async { client.write(ByteBuffer.wrap(sent)) }
                val received = java.io.ByteArrayOutputStream()
                val millis = measureTimeMillis {
                    while (received.size() < sent.size) {
                        received.writeBytes(server.readFully(minOf(6_000, sent.size - received.size())))
                        delay(40)
                    }
                }
                millis shouldBeGreaterThanOrEqual 2000 // twice the deadline
                writer.await()
                received.toByteArray() shouldBe sent
            }
        }
    }

    test("an accept deadline wakes a parked accept") {
        onReactor { reactor, _ ->
            reactor.listen("127.0.0.1", 0).use { listener ->
                listener.setDeadline(30.milliseconds)
                shouldThrow<NetparkException.TimedOut> { listener.accept() }.timeout() shouldBe NetparkException.Timeout.ACCEPT
            }
        }
    }

    test("a dial to a listener that does not answer times out and leaks nothing") {
        onReactor { reactor, _ ->
            // A backlog that is full answers no further handshake.
            BlackHole().use { hole ->
                shouldThrow<NetparkException.TimedOut> { reactor.dial(hole.address, 100.milliseconds) }
                    .timeout() shouldBe NetparkException.Timeout.CONNECT
            }
        }
    }

    test("moving a deadline while an operation is parked extends it, or ends it at once") {
        onReactor { reactor, _ ->
            reactor.withPair { client, server ->
                server.setReadDeadline(60.milliseconds)
                val extended = async(start = CoroutineStart.UNDISPATCHED) { server.readText(1) }
                server.setReadDeadline(10.seconds)
                delay(120)
                client.write("x")
                extended.await() shouldBe "x"

                server.setReadDeadline(1.hours)
                supervisorScope {
                    val ended = async(start = CoroutineStart.UNDISPATCHED) { server.readText(1) }
                    server.setReadDeadline(Duration.ZERO)
                    shouldThrow<NetparkException.TimedOut> { ended.await() }
                }
            }
        }
    }

    test("an expired deadline wins over bytes that are there, and the bytes stay") {
        onReactor { reactor, _ ->
            reactor.withPair { client, server ->
                client.write("x")
                server.setReadDeadline((-1).seconds)
                shouldThrow<NetparkException.TimedOut> { server.read(ByteArray(1)) }
                server.setReadDeadline(Duration.INFINITE)
                server.readText(1) shouldBe "x"
            }
        }
    }

    test("a deadline set before every read ends only the read that has to wait for too long") {
        onReactor { reactor, _ ->
            reactor.listen("127.0.0.1", 0).use { listener ->
                val timedOut = CompletableDeferred<NetparkException>()
                val serving = launch {
                    listener.serve { connection ->
                        val buffer = ByteBuffer.allocateDirect(64)
                        try {
                            while (true) {
                                connection.setReadDeadline(800.milliseconds)
                                connection.read(buffer)
                                connection.write(buffer.flip())
                                buffer.clear()
                            }
                        } catch (e: NetparkException) {
                            timedOut.complete(e)
                        }
                    }
                }
                reactor.dial(listener.localAddress).use { client ->
                    repeat(10) {
                        client.write("ping")
                        client.readText(4) shouldBe "ping"
                        delay(100) // together longer than the deadline
                    }
                    (timedOut.await() is NetparkException.TimedOut) shouldBe true
                    client.read(ByteArray(1)) shouldBe Connection.END_OF_STREAM
                }
                serving.cancelAndJoin()
            }
        }
    }

    test("neither an idle timeout nor a deadline outlives its connection, also if it is set after the end") {
        Reactor(1) { daemon(true).metrics(true) }.use { reactor ->
            runBlocking {
                reactor.withPair { client, server ->
                    for (connection in listOf(client, server)) {
                        connection.setIdleTimeout(1.hours)
                        connection.setReadDeadline(1.hours)
                        connection.close()
                        connection.setIdleTimeout(2.hours)
                        connection.setWriteDeadline(2.hours)
                    }
                }
                soon { reactor.group.snapshot().total().pendingTimers() shouldBe 0 }
            }
        }
    }
})

/** A listening socket whose queue is full, so that it drops further handshakes (tcp(7), tcp_abort_on_overflow). */
private class BlackHole : AutoCloseable {
    private val server = java.net.ServerSocket(0, 1, java.net.InetAddress.getByName("127.0.0.1"))
    private val queued = List(3) {
        java.nio.channels.SocketChannel.open().apply {
            configureBlocking(false)
            connect(server.localSocketAddress)
        }
    }

    val address = server.localSocketAddress as java.net.InetSocketAddress

    override fun close() {
        queued.forEach { it.close() }
        server.close()
    }
}
