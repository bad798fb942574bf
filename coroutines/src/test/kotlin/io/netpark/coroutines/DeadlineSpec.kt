package io.netpark.coroutines

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.longs.shouldBeGreaterThanOrEqual
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.netpark.core.sys.NetparkException
import io.netpark.core.testing.Flavour
import io.netpark.core.testing.HandMovedClock
import io.netpark.core.testing.NetparkSpec
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.async
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.supervisorScope
import kotlinx.coroutines.withContext
import java.nio.ByteBuffer
import kotlin.system.measureTimeMillis
import kotlin.time.Duration
import kotlin.time.Duration.Companion.days
import kotlin.time.Duration.Companion.hours
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.minutes
import kotlin.time.Duration.Companion.seconds
import kotlin.time.TestTimeSource
import kotlin.time.TimeSource

class DeadlineSpec : NetparkSpec(body = {
    BlackHole().close() // the JDK's sockets keep a descriptor of their own once they have been used

    for (flavour in Flavour.all) {
        test("$flavour: a read deadline wakes a parked read, not early, and names itself") {
            onReactor(flavour) { reactor ->
                reactor.withPair { client, server ->
                    val millis = measureTimeMillis {
                        server.readDeadline = fromNow(50.milliseconds)
                        val failure = shouldThrow<NetparkException.TimedOut> { server.read(ByteArray(1)) }
                        failure.timeout() shouldBe NetparkException.Timeout.READ
                        failure.message!! shouldContain "read from"
                        failure.message!! shouldContain "the deadline passed"
                    }
                    millis shouldBeGreaterThanOrEqual 50
                    shouldThrow<NetparkException.TimedOut> { server.read(ByteArray(1)) } // stays until it is moved
                    server.readDeadline = null
                    client.write("x")
                    server.readText(1) shouldBe "x"
                }
            }
        }

        test("$flavour: a read timeout wakes a parked read, not early, names itself, and is not about the next read") {
            onReactor(flavour) { reactor ->
                reactor.withPair { client, server ->
                    server.readTimeout = 50.milliseconds
                    repeat(2) {
                        val millis = measureTimeMillis {
                            val failure = shouldThrow<NetparkException.TimedOut> { server.read(ByteArray(1)) }
                            failure.timeout() shouldBe NetparkException.Timeout.READ
                            failure.message!! shouldContain "the timeout of 50 ms passed"
                        }
                        millis shouldBeGreaterThanOrEqual 50
                    }
                    client.write("x")
                    server.readText(1) shouldBe "x"
                }
            }
        }
    }

    test("a write deadline or timeout wakes a parked write, which says how far it got") {
        for (set in listOf<Connection.() -> Unit>(
            { writeTimeout = 50.milliseconds },
            { writeDeadline = fromNow(1.seconds) },
        )) {
            onReactor { reactor, _ ->
                reactor.withPair(options = TINY_BUFFERS) { client, _ ->
                    client.set()
                    val source = ByteBuffer.allocateDirect(1 shl 20)
                    shouldThrow<NetparkException.TimedOut> { client.write(source) }.timeout() shouldBe NetparkException.Timeout.WRITE
                    (source.position() in 1 until source.capacity()) shouldBe true
                }
            }
        }
    }

    test("times read as they were set; a timeout that is not positive is refused, and the message says what none is") {
        onReactor { reactor, _ ->
            reactor.withPair { _, server ->
                val timeouts = listOf(server::readTimeout, server::writeTimeout, server::idleTimeout)
                for (timeout in timeouts) {
                    timeout.get() shouldBe Duration.INFINITE
                    timeout.set(90.seconds)
                    timeout.get() shouldBe 90.seconds
                    for (refused in listOf(Duration.ZERO, (-1).seconds, -Duration.INFINITE)) {
                        shouldThrow<IllegalArgumentException> { timeout.set(refused) }.message!! shouldContain "Duration.INFINITE is none"
                    }
                    timeout.get() shouldBe 90.seconds
                    timeout.set(Duration.INFINITE)
                    timeout.get() shouldBe Duration.INFINITE
                }
                for (deadline in listOf(server::readDeadline, server::writeDeadline)) {
                    deadline.get() shouldBe null
                    deadline.set(fromNow(1.hours))
                    (-deadline.get()!!.elapsedNow() in 59.minutes..60.minutes) shouldBe true
                    deadline.set(fromNow(Duration.INFINITE))
                    (deadline.get()!!.elapsedNow() < (-365 * 100).days) shouldBe true
                    deadline.set(null)
                    deadline.get() shouldBe null
                }
                val clock = TestTimeSource() // becomes the real one
                server.readDeadline = clock.markNow() + 1.hours
                clock += 2.hours
                server.readDeadline!!.hasPassedNow() shouldBe false
            }
        }
    }

    test("progress begins a write timeout anew: a peer that is slow is not one that has stopped") {
        val clock = HandMovedClock()
        onReactor(clock = clock) { reactor, _ ->
            reactor.withPair(options = TINY_BUFFERS) { client, server ->
                val sent = pattern(600_000)
                client.writeTimeout = 2.seconds
                val source = ByteBuffer.wrap(sent)
                val writer = async { client.write(source) }
                val received = java.io.ByteArrayOutputStream()
                repeat(5) { // together longer than twice the timeout
                    soon { client.core.parked() shouldBe 1 } // the peer has stopped
                    clock.move(900.milliseconds, reactor.group)
                    val before = source.position()
                    while (source.position() == before) received.writeBytes(server.readFully(6_000)) // and goes on
                }
                writer.isActive shouldBe true
                received.writeBytes(server.readFully(sent.size - received.size()))
                writer.await()
                received.toByteArray() shouldBe sent
            }
        }
    }

    test("a dial to a listener that does not answer times out and leaks nothing") {
        onReactor { reactor, _ ->
            // A backlog that is full answers no further handshake.
            BlackHole().use { hole ->
                shouldThrow<NetparkException.TimedOut> { reactor.dialOver(hole.address, 100.milliseconds) }
                    .timeout() shouldBe NetparkException.Timeout.CONNECT
            }
        }
    }

    test("changing a timeout or a deadline while an operation is parked extends it, or ends it at once") {
        val clock = HandMovedClock()
        onReactor(clock = clock) { reactor, _ ->
            reactor.withPair { client, server ->
                server.readTimeout = 2.seconds
                val extended = async(start = CoroutineStart.UNDISPATCHED) { server.readText(1) }
                server.readTimeout = 10.seconds
                clock.move(9.seconds, reactor.group)
                repeat(2) { withContext(reactor.loopDispatchers[0]) {} } // what is due has run
                extended.isActive shouldBe true
                client.write("x")
                extended.await() shouldBe "x"

                server.readTimeout = 1.hours
                supervisorScope {
                    val ended = async(start = CoroutineStart.UNDISPATCHED) { server.readText(1) }
                    server.readDeadline = TimeSource.Monotonic.markNow()
                    shouldThrow<NetparkException.TimedOut> { ended.await() }
                }
            }
        }
    }

    test("an expired deadline wins over bytes that are there, and the bytes stay") {
        onReactor { reactor, _ ->
            reactor.withPair { client, server ->
                client.write("x")
                server.readDeadline = fromNow((-1).seconds)
                shouldThrow<NetparkException.TimedOut> { server.read(ByteArray(1)) }
                server.readDeadline = null
                server.readText(1) shouldBe "x"
            }
        }
    }

    test("a read timeout ends only the read that has to wait for too long") {
        val clock = HandMovedClock()
        onReactor(clock = clock) { reactor, _ ->
            reactor.listenOver("127.0.0.1", 0).use { listener ->
                val timedOut = CompletableDeferred<NetparkException>()
                val serving = launch {
                    listener.serve { connection ->
                        val buffer = ByteBuffer.allocateDirect(64)
                        try {
                            connection.readTimeout = 2.seconds
                            while (true) {
                                connection.read(buffer)
                                connection.write(buffer.flip())
                                buffer.clear()
                            }
                        } catch (e: NetparkException) {
                            timedOut.complete(e)
                        }
                    }
                }
                reactor.dialOver(listener.localAddress).use { client ->
                    repeat(5) {
                        client.write("ping")
                        client.readText(4) shouldBe "ping"
                        clock.move(900.milliseconds, reactor.group) // together longer than the timeout
                    }
                    client.write("ping")
                    client.readText(4) shouldBe "ping"
                    soon {
                        clock.move(2.seconds, reactor.group)
                        timedOut.isCompleted shouldBe true
                    }
                    (timedOut.await() is NetparkException.TimedOut) shouldBe true
                    client.read(ByteArray(1)) shouldBe Connection.END_OF_STREAM
                }
                serving.cancelAndJoin()
            }
        }
    }

    test("neither a timeout nor a deadline outlives its connection, also if it is set after the end") {
        Reactor(1) { daemon(true).metrics(true) }.use { reactor ->
            runBlocking {
                reactor.withPair { client, server ->
                    for (connection in listOf(client, server)) {
                        connection.idleTimeout = 1.hours
                        connection.readTimeout = 1.hours
                        connection.close()
                        connection.idleTimeout = 2.hours
                        connection.writeTimeout = 2.hours
                        connection.writeDeadline = fromNow(2.hours)
                    }
                }
                soon { reactor.group.snapshot().total().pendingTimers() shouldBe 0 }
            }
        }
    }
})

private fun fromNow(time: Duration) = TimeSource.Monotonic.markNow() + time

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
