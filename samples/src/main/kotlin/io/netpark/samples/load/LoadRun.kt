package io.netpark.samples.load

import io.netpark.samples.LiveLine
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.async
import kotlinx.coroutines.awaitAll
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.delay
import kotlinx.coroutines.joinAll
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeoutOrNull
import org.HdrHistogram.Histogram
import java.util.Locale
import java.util.concurrent.TimeUnit
import kotlin.time.Duration.Companion.seconds

/** One load, from the first connection to the result. Runs on the thread that calls it, beside the lanes' own. */
internal class LoadRun(private val options: LoadOptions, private val line: LiveLine = LiveLine()) {

    private val errors = Errors()
    private val stop = CompletableDeferred<Unit>()
    @Volatile private var running = false
    private val total = Histogram(TimeUnit.HOURS.toNanos(1), 3)

    /** Ends the load before its time. Returns false if it is not going on. */
    fun stop(): Boolean = running && stop.complete(Unit)

    /** Loads the server, and says what goes on meanwhile. Fails if the server does not echo to begin with. */
    fun execute(): Result {
        val lanes = ArrayList<Lane>()
        try {
            val content = Content(options.size)
            val count = minOf(options.loops, options.connections)
            repeat(count) { lanes += Lane(options, content, errors, it, count) }
            return runBlocking {
                lanes.first().probe()
                lanes.map { async { it.open() } }.awaitAll()
                measure(lanes)
            }
        } finally {
            lanes.forEach { it.close() }
        }
    }

    private suspend fun measure(lanes: List<Lane>): Result = coroutineScope {
        val start = System.nanoTime()
        running = true
        val loads = lanes.map { launch { it.run(start, stop) } }
        val live = showEachSecond(lanes, start)
        withTimeoutOrNull(options.duration) { stop.await() }
        val end = System.nanoTime()
        val backlog = lanes.map { it.backlog(end) }.reduce(Backlog::plus)
        live.cancelAndJoin() // before connections close: the last line would show some of them
        line.clear()
        stop.complete(Unit)
        loads.joinAll()
        takeLatencies(lanes)
        Result(
            options, total,
            elapsedNanos = maxOf(end, lanes.maxOf { it.lastAnswer }) - start,
            errors = errors.counts(lanes.sumOf { it.poolState().second }),
            lost = lanes.sumOf { it.lost },
            unanswered = lanes.sumOf { it.unanswered },
            backlog = backlog,
        )
    }

    private fun takeLatencies(lanes: List<Lane>): Histogram {
        val interval = lanes.map { it.takeLatencies() }.reduce { all, lane -> all.apply { add(lane) } }
        total.add(interval)
        return interval
    }

    private fun CoroutineScope.showEachSecond(lanes: List<Lane>, start: Long) = launch {
        var before = start
        while (true) {
            delay(1.seconds)
            val interval = takeLatencies(lanes)
            val now = System.nanoTime()
            line.show(progress(lanes, interval, now - start, now - before))
            before = now
        }
    }

    private fun progress(lanes: List<Lane>, interval: Histogram, elapsed: Long, span: Long): String {
        val pools = lanes.map { it.poolState() }
        val failed = errors.counts(pools.sumOf { it.second }).values.sum()
        val latency = if (interval.totalCount == 0L) "no answers" else
            "p50 ${Result.time(interval.getValueAtPercentile(50.0))}, p99 ${Result.time(interval.getValueAtPercentile(99.0))}"
        val behind = lanes.map { it.backlog(System.nanoTime()) }.reduce(Backlog::plus).requests
        return String.format(Locale.ROOT, "%3.0f s %,11d requests %,9d/s, %s, %d errors, %d open",
            elapsed / 1e9, total.totalCount, (interval.totalCount * 1e9 / span).toLong(), latency, failed,
            pools.sumOf { it.first }) + if (behind > 0) String.format(Locale.ROOT, ", %,d behind", behind) else ""
    }

    /** What the first error of each kind said. */
    fun errors(): Map<String, String> = errors.firsts()
}
