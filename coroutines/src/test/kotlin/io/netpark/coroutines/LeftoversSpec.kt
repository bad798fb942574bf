package io.netpark.coroutines

import io.kotest.matchers.shouldBe
import io.netpark.core.buffer.LeakDetection
import io.netpark.core.buffer.SegmentPool
import io.netpark.core.sys.NetparkException
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.loopback
import io.netpark.core.testing.tls.Wire
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.DelicateCoroutinesApi
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.GlobalScope
import kotlinx.coroutines.async
import kotlinx.coroutines.awaitAll
import kotlinx.coroutines.delay
import kotlinx.coroutines.launch
import kotlinx.coroutines.withContext
import kotlinx.coroutines.withTimeout
import java.util.concurrent.atomic.AtomicInteger
import kotlin.time.Duration.Companion.seconds

private const val LIMIT = 1024L * 1024

/** What closed connections have not read or written is given back when they are closed, and not when a collector finds it. */
@OptIn(DelicateCoroutinesApi::class)
class LeftoversSpec : NetparkSpec(body = {
    fun onSmallPool(body: suspend (Reactor, SegmentPool) -> Unit) {
        lateinit var pool: SegmentPool
        onReactor(
            loops = 2,
            buffering = { Buffering(it).also { buffering -> pool = buffering.pool } },
            pool = { limit(LIMIT).leakDetection(LeakDetection.OFF) },
        ) { reactor, _ -> withTimeout(60.seconds) { body(reactor, pool) } }
    }

    suspend fun Reactor.serving(handler: suspend (Connection) -> Unit, body: suspend (Listener) -> Unit) = kotlinx.coroutines.coroutineScope {
        listenOver(loopback()).use { listener ->
            val serving = launch { listener.serve { handler(it) } }
            body(listener)
            serving.cancel()
        }
    }

    val greeting = "a greeting that nobody reads to its end"

    for ((name, dispatcher) in listOf("the default dispatcher" to Dispatchers.Default, "one thread" to null)) {
        test("dialed connections that were closed with unread and unflushed bytes stop no reader, on $name") {
            onSmallPool { reactor, pool ->
                reactor.serving({ it.write(greeting); it.reader.await() }) { listener ->
                    suspend fun use() = reactor.dialOver(listener.localAddress).use { client ->
                        client.reader.await(10)
                        client.reader.next(3)
                        client.writer.putString("not flushed")
                    }
                    repeat(150) { if (dispatcher == null) use() else withContext(dispatcher) { use() } }
                    reactor.dialOver(listener.localAddress).use { it.reader.await(greeting.length) shouldBe true }
                }
                soon { check(pool.statistics().lentBytes() == 0L) { "still lent: ${pool.statistics()}" } }
            }
        }
    }

    test("close by another coroutine, of a connection that is being read, gives everything back when that has ended") {
        onSmallPool { reactor, pool ->
            reactor.serving({ it.write(greeting); it.reader.await() }) { listener ->
                repeat(100) {
                    val client = reactor.dialOver(listener.localAddress)
                    val reading = GlobalScope.async(Dispatchers.Default) {
                        try {
                            client.reader.await(10)
                            client.reader.takeByte()
                            client.reader.await(1000)
                            true
                        } catch (_: NetparkException) { // whether it waits or takes at that moment
                            false
                        }
                    }
                    if (it % 2 == 0) delay(1)
                    client.close()
                    reading.await() shouldBe false
                }
            }
            soon { check(pool.statistics().lentBytes() == 0L) { "still lent: ${pool.statistics()}" } }
        }
    }

    test("a handler that has used its reader on another dispatcher, and left a byte, leaves no memory behind") {
        onSmallPool { reactor, pool ->
            val ended = AtomicInteger()
            reactor.serving({ connection ->
                withContext(Dispatchers.Default) {
                    connection.reader.await(2)
                    connection.reader.next(1)
                    connection.writer.putString("never flushed").let { connection.close() }
                }
                ended.incrementAndGet()
            }) { listener ->
                (0 until 200).chunked(20).forEach { chunk ->
                    chunk.map {
                        GlobalScope.async { reactor.sendAndSeeItEnd(listener) }
                    }.awaitAll()
                }
                soon { check(ended.get() == 200) { "${ended.get()} handlers have ended" } }
            }
            soon { check(pool.statistics().lentBytes() == 0L) { "still lent: ${pool.statistics()}" } }
        }
    }

    test("a coroutine that outlives the handler and its connection finds nothing, and holds nothing up") {
        onSmallPool { reactor, pool ->
            val outliving = ArrayList<kotlinx.coroutines.Deferred<Boolean>>()
            reactor.serving({ connection ->
                connection.reader.await(2)
                val begun = CompletableDeferred<Unit>()
                val after = GlobalScope.async(Dispatchers.Default) {
                    begun.complete(Unit)
                    try {
                        while (true) {
                            connection.reader.peek(1)
                            connection.reader.release()
                        }
                        @Suppress("UNREACHABLE_CODE")
                        false
                    } catch (_: NetparkException.Closed) {
                        true
                    }
                }
                synchronized(outliving) { outliving += after }
                begun.await()
            }) { listener ->
                repeat(40) { reactor.sendAndSeeItEnd(listener) }
                soon { check(synchronized(outliving) { outliving.size } == 40) { "not all have come" } }
                outliving.awaitAll().all { it } shouldBe true
            }
            soon { check(pool.statistics().lentBytes() == 0L) { "still lent: ${pool.statistics()}" } }
        }
    }

    test("who holds memory in a writer does not wait for more of it to read") {
        onSmallPool { reactor, pool ->
            val failed = AtomicInteger()
            reactor.serving({ connection ->
                try {
                    connection.reader.await(1)
                    connection.writer.put(ByteArray(64 * 1024))
                    connection.reader.skip(connection.reader.available())
                    connection.reader.release()
                    connection.reader.await(1)
                } catch (_: NetparkException.LimitExceeded) {
                    failed.incrementAndGet()
                    connection.close()
                }
            }) { listener ->
                val clients = List(40) { reactor.dialOver(listener.localAddress) }
                clients.map { client ->
                    GlobalScope.async {
                        client.write("a")
                        while (client.isOpen && failed.get() == 0) {
                            try {
                                client.write("b")
                            } catch (_: NetparkException) {
                                break
                            }
                            delay(5)
                        }
                    }
                }.awaitAll()
                clients.forEach(Connection::close)
                (failed.get() > 0) shouldBe true
            }
            soon { check(pool.statistics().lentBytes() == 0L) { "still lent: ${pool.statistics()}" } }
        }
    }
})

/** The server leaves bytes unread, or unflushed, so that the end is none, or may be a reset. */
private suspend fun Reactor.sendAndSeeItEnd(listener: Listener) = dialOver(listener.localAddress).use {
    try {
        it.write("two and more")
        it.reader.await()
    } catch (_: NetparkException.Reset) {
        // As it should be.
    } catch (e: NetparkException.Truncated) {
        if (wire == Wire.PLAIN) throw e
    }
}
