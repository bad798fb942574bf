package io.netpark.samples.demo

import io.netpark.core.sys.Due
import io.netpark.coroutines.Reactor
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.awaitAll
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.delay
import kotlinx.coroutines.launch
import kotlinx.coroutines.withContext
import org.HdrHistogram.Histogram
import java.net.SocketAddress
import kotlin.time.Duration
import kotlin.time.Duration.Companion.minutes
import kotlin.time.Duration.Companion.seconds

/**
 * A number of clients of one server: a coroutine each, all on one loop of [reactor]. So everything below runs on one
 * thread, and needs neither locks nor atomics. Each client sends its next message when the echo of the last has come.
 */
internal class Load private constructor(private val reactor: Reactor, private val clients: List<EchoClient>) {

    /** What happened in a span of time. */
    class Traffic {
        val latencies = Histogram(1.minutes.inWholeNanoseconds, 3)
        val messages: Long get() = latencies.totalCount
        var elapsedNanos = 0L
    }

    /** Exchanges messages for [duration]. Fails on the first byte that is wrong, or connection that is lost. */
    suspend fun run(duration: Duration, progress: Progress): Traffic = onLoop(reactor) {
        val traffic = Traffic()
        val start = System.nanoTime()
        val end = Due.after(start, duration.inWholeNanoseconds)
        coroutineScope {
            val live = launch { show(traffic, progress) }
            clients.map { client -> launch { exchange(client, traffic.latencies, end) } }.forEach { it.join() }
            live.cancel()
        }
        traffic.elapsedNanos = System.nanoTime() - start
        traffic
    }

    private suspend fun exchange(client: EchoClient, latencies: Histogram, end: Long) {
        while (true) {
            val start = System.nanoTime()
            if (start - end >= 0) break
            client.exchange()
            latencies.recordValue((System.nanoTime() - start).coerceAtMost(latencies.highestTrackableValue))
        }
    }

    private suspend fun show(traffic: Traffic, progress: Progress) {
        var before = 0L
        while (true) {
            delay(progress.interval)
            val now = traffic.messages
            val rate = (now - before) * 1.seconds.inWholeNanoseconds / progress.interval.inWholeNanoseconds
            before = now
            withContext(Dispatchers.IO) { progress.show(rate) } // a terminal can be slow, and the loop must not wait for it
        }
    }

    /** Ends every connection, each after it has seen the server end it. */
    suspend fun finish() = onLoop(reactor) { clients.forEach { it.finish() } }

    companion object {
        /** Connects to a server. What is open if that fails, or later, is closed with the reactor. */
        suspend fun connect(reactor: Reactor, server: SocketAddress, connections: Int): Load = onLoop(reactor) {
            val clients = (0 until connections).map { number ->
                async { EchoClient(number, reactor.dial(server, timeout = 10.seconds)) }
            }
            Load(reactor, clients.awaitAll())
        }

        private suspend fun <T> onLoop(reactor: Reactor, block: suspend CoroutineScope.() -> T): T =
            withContext(reactor.loopDispatchers.first(), block)
    }
}
