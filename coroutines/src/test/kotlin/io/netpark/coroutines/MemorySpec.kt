package io.netpark.coroutines

import io.kotest.matchers.longs.shouldBeLessThan
import io.kotest.matchers.longs.shouldBeLessThanOrEqual
import io.kotest.matchers.shouldBe
import io.netpark.core.buffer.LeakDetection
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.eventually
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.delay
import kotlinx.coroutines.launch
import kotlinx.coroutines.withContext
import java.lang.management.ManagementFactory
import java.nio.ByteBuffer
import java.util.concurrent.Callable
import java.util.concurrent.atomic.AtomicInteger
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.minutes
import kotlin.time.Duration.Companion.seconds
import kotlin.time.TimeSource

private const val MIB = 1024 * 1024

private suspend fun Reactor.cpuNanos(): Long = withContext(Dispatchers.IO) {
    group.loops().sumOf { loop ->
        loop.submit(Callable { ManagementFactory.getThreadMXBean().currentThreadCpuTime }).get()
    }
}

class MemorySpec : NetparkSpec(body = {
    timeout = 10.minutes.inWholeMilliseconds

    test("after a burst of 8 MiB on each of 1000 connections memory is back at the idle level") {
        onReactor(pool = { leakDetection(LeakDetection.OFF).retained(16L * MIB).retainedPerLoop(2L * MIB) }) { reactor, _ ->
            val pool = reactor.buffering.pool
            val whole = AtomicInteger()
            val listener = reactor.listen("127.0.0.1", 0)
            val serving = launch {
                listener.serve { connection ->
                    while (connection.reader.await(8 * MIB)) {
                        connection.reader.skip(8L * MIB)
                        whole.incrementAndGet()
                        connection.write(ByteArray(1))
                    }
                }
            }
            val clients = List(1000) { reactor.dial(listener.localAddress) }
            val burst = ByteBuffer.allocateDirect(8 * MIB)
            clients.chunked(125).map { some ->
                launch(Dispatchers.Default) {
                    val source = burst.duplicate()
                    for (client in some) {
                        client.write(source.clear())
                        client.read(ByteArray(1)) shouldBe 1
                    }
                }
            }.forEach { it.join() }
            whole.get() shouldBe 1000
            eventually {
                pool.statistics().lentSegments() shouldBe 0
                pool.statistics().allocatedBytes() shouldBeLessThanOrEqual 18L * MIB
            }
            clients.forEach { it.close() }
            serving.cancel()
        }
    }

    test("a slow reader and a slow writer cost bounded memory and next to no processor time, for a minute") {
        onReactor { reactor, _ ->
            val pool = reactor.buffering.pool
            reactor.withPair(options = TINY_BUFFERS) { fast, slow ->
                reactor.withPair(options = TINY_BUFFERS) { trickle, listener ->
                    val end = TimeSource.Monotonic.markNow() + 60.seconds
                    val cpu = reactor.cpuNanos()
                    var most = 0L
                    coroutineScope {
                        val flood = launch {
                            while (true) {
                                fast.writer.put(pattern(10_000))
                                fast.writer.flushIfFull()
                            }
                        }
                        val waiting = launch { while (listener.reader.await(16 * MIB)) listener.reader.release() }
                        while (end.hasNotPassedNow()) {
                            delay(100.milliseconds)
                            slow.reader.await(100)
                            slow.reader.skip(100)
                            trickle.write(ByteArray(10))
                            most = maxOf(most, pool.statistics().lentBytes())
                        }
                        flood.cancel()
                        waiting.cancel()
                    }
                    most shouldBeLessThan 512L * 1024
                    (reactor.cpuNanos() - cpu) shouldBeLessThan 1.seconds.inWholeNanoseconds
                }
            }
        }
    }
})
