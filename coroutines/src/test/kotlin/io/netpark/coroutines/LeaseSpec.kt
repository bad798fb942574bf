package io.netpark.coroutines

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.netpark.core.net.options.NetOption
import io.netpark.core.pool.PoolOptions
import io.netpark.core.sys.NetparkException
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.loopback
import io.netpark.coroutines.handover.detach
import io.netpark.coroutines.transfer.copyTo
import java.nio.ByteBuffer
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.seconds
import kotlin.time.TimeSource
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.TimeoutCancellationException
import kotlinx.coroutines.async
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.delay
import kotlinx.coroutines.launch
import kotlinx.coroutines.withTimeout
import kotlinx.coroutines.yield

private val ONE = PoolOptions.DEFAULT.withMaxConnections(1)

/** What a lease leaves to the next borrower: nothing. */
class LeaseSpec : NetparkSpec(body = {
    fun pooled(check: (suspend (Connection) -> Boolean)? = null, body: suspend (ConnectionPool, Listener) -> Unit) =
        onReactor { reactor, _ ->
            reactor.listenOver(loopback()).use { listener ->
                coroutineScope {
                    val serving = launch { listener.serve { echo(it) } }
                    ConnectionPool(reactor, ONE, check = check, dialer = reactor.dialerOver).use { pool -> body(pool, listener) }
                    serving.cancel()
                }
            }
        }

    suspend fun Connection.exchange(text: String) {
        write(text)
        readText(text.length) shouldBe text
    }

    test("everything of a lease that was given back refuses, and the next borrower's session has nothing of it") {
        pooled { pool, listener ->
            val lease = pool.borrow(listener.localAddress)
            val old = lease.connection
            old.exchange("first")
            val reader = old.reader
            val writer = old.writer
            val frames = old.frames
            frames.write { putString("frame") }
            reader.await(5)
            val view = reader.next(5)
            val streams = reader.asInputStream() to writer.asOutputStream()
            lease.giveBack()
            val next = pool.borrow(listener.localAddress).connection
            val refusing = listOf<suspend () -> Any?>(
                { old.reader }, { old.writer }, { reader.await(1) }, { reader.available() }, { reader.next(1) },
                { reader.release() }, { reader.awaitLine(10) }, { streams.first.read() },
                { writer.putInt(1) }, { writer.flush() }, { writer.buffered() }, { writer.link(ByteBuffer.allocate(9)) },
                { streams.second.write(1) }, { frames.write { putString("stray") } },
                { old.frames.write { putString("stray") } },
                { old.write("stray") }, { old.write(arrayOf(ByteBuffer.allocate(3))) }, { old.read(ByteBuffer.allocate(1)) },
                { old.read(arrayOf(ByteBuffer.allocate(3))) },
                { old.readTimeout = 1.milliseconds }, { old.writeTimeout = 1.milliseconds }, { old.idleTimeout = 1.seconds },
                { old.setOption(NetOption.NO_DELAY, false) }, { old.getOption(NetOption.NO_DELAY) }, { old.tcpInfo() },
                { old.shutdownOutput() }, { old.detach() }, { old.copyTo(next) }, { next.copyTo(old) }, { lease.giveBack() },
            )
            refusing.forEachIndexed { index, use ->
                val refusal = runCatching { use() }.exceptionOrNull()
                io.kotest.assertions.withClue("$index: $refusal") { (refusal is IllegalStateException) shouldBe true }
            }
            old.isOpen shouldBe false
            old.close()
            old.reset()
            lease.discard()
            view.limit() shouldBe 0
            next.exchange("second")
        }
    }

    test("a frame that comes while its lease is given back is written before that, or refused") {
        onReactor { reactor, _ ->
            reactor.listenOver(loopback()).use { listener ->
                coroutineScope {
                    val received = java.util.concurrent.ConcurrentLinkedQueue<String>()
                    val serving = launch { listener.serve { received += String(it.readToEnd()) } }
                    ConnectionPool(reactor, ONE, dialer = reactor.dialerOver).use { pool ->
                        repeat(200) { round ->
                            val lease = pool.borrow(listener.localAddress)
                            val frames = lease.connection.frames
                            val stray = async(Dispatchers.Default) { runCatching { frames.write { putString("s$round;") } } }
                            if (round % 3 > 0) yield()
                            lease.giveBack()
                            pool.use(listener.localAddress) { it.write("m$round;") }
                            stray.await()
                        }
                    }
                    soon { check(received.sumOf { it.split("m").size - 1 } == 200) { "${received.size} streams" } }
                    for (stream in received) {
                        val parts = stream.split(";").filter { it.isNotEmpty() }
                        for ((index, part) in parts.withIndex()) {
                            if (part[0] == 's') parts.indexOf("m" + part.drop(1)).let { (it < 0 || it > index) shouldBe true }
                        }
                    }
                    serving.cancel()
                }
            }
        }
    }

    test("times that a check has set are not the borrower's, nor is anything that it has kept") {
        var kept: Connection? = null
        pooled(check = { connection ->
            connection.exchange("good?")
            connection.readTimeout = 1.seconds
            connection.writeTimeout = 1.seconds
            connection.idleTimeout = 1.seconds
            connection.readDeadline = TimeSource.Monotonic.markNow() + 1.seconds
            connection.writeDeadline = connection.readDeadline
            kept = connection
            true
        }) { pool, listener ->
            pool.use(listener.localAddress) { it.exchange("first") }
            repeat(2) {
                pool.use(listener.localAddress) {
                    delay(1200)
                    it.exchange("after the check's times")
                    shouldThrow<IllegalStateException> { kept!!.write("stray") }.message!! shouldContain "given back"
                    kept!!.close()
                    it.exchange("still open")
                }
            }
            pool.snapshot().created() shouldBe 1
        }
    }

    test("a lease that ends in the midst of its output, given back or not, ends with a reset") {
        onReactor { reactor, _ ->
            reactor.listenOver(loopback()).use { listener ->
                ConnectionPool(reactor, ONE, dialer = reactor.dialerOver).use { pool ->
                    val ends = listOf<suspend () -> Unit>(
                        { pool.use(listener.localAddress) { it.write("half"); it.writer.putString("the rest") } },
                        {
                            runCatching {
                                pool.use(listener.localAddress) { it.write("half"); it.writer.putString("the rest"); error("fails") }
                            }
                        },
                    )
                    suspend fun accepted(dialing: suspend () -> Unit) = coroutineScope {
                        val accepting = async(start = CoroutineStart.UNDISPATCHED) { listener.accept() }
                        dialing()
                        accepting.await()
                    }
                    for (end in ends) {
                        accepted(end).use { server -> shouldThrow<NetparkException.Reset> { server.readToEnd() } }
                    }
                    accepted { pool.use(listener.localAddress) { it.write("whole") } }.use { pool.snapshot().idle() shouldBe 1 }
                }
            }
        }
    }

    test("who still waits for the peer's end when a lease is given back waits in vain, and not for that of the next borrower's session") {
        pooled { pool, listener ->
            val lease = pool.borrow(listener.localAddress)
            lease.connection.exchange("first")
            coroutineScope {
                val waiting = async(start = CoroutineStart.UNDISPATCHED) { runCatching { lease.connection.awaitPeerClosed() } }
                lease.giveBack()
                pool.use(listener.localAddress) { it.exchange("second") }
                shouldThrow<NetparkException.Closed> { withTimeout(20.seconds) { waiting.await() }.getOrThrow() }
            }
            pool.snapshot().created() shouldBe 2
        }
    }

    test("a check that is not done in time, by a timeout of its own, is no good one") {
        pooled(check = { withTimeout(20) { it.readText(1) } == "x" }) { pool, listener ->
            pool.use(listener.localAddress) { it.exchange("first") }
            withTimeout(20.seconds) { pool.use(listener.localAddress) { it.exchange("second") } }
            pool.snapshot().created() shouldBe 2
            shouldThrow<TimeoutCancellationException> { withTimeout(1) { pool.borrow(listener.localAddress) } }
            pool.use(listener.localAddress) { it.exchange("third") }
        }
    }

    test("a check that leaves something behind is no good one") {
        pooled(check = { connection ->
            connection.write("left unread")
            connection.reader.await(1)
            true
        }) { pool, listener ->
            pool.use(listener.localAddress) { it.exchange("first") }
            pool.use(listener.localAddress) { it.exchange("second") }
            pool.snapshot().created() shouldBe 2
        }
    }
})
