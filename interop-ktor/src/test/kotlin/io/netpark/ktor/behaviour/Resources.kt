package io.netpark.ktor.behaviour

import io.ktor.server.engine.ApplicationEngine
import io.netpark.core.buffer.SegmentPool
import io.netpark.core.testing.Baseline
import io.netpark.core.testing.eventually
import io.netpark.coroutines.Buffering
import io.netpark.ktor.NetparkApplicationEngine
import kotlinx.coroutines.Job
import kotlinx.coroutines.job

/** What servers have taken of a machine, and must have given back by their ends: descriptors, threads, segments and coroutines. */
class Resources {
    /** The context of servers: what they start is below it. */
    val parent = Job()
    private val pool = SegmentPool.builder().build()
    private val baseline: Baseline

    init {
        check(!jdkClient.executor().isPresent) // the client is there, with the descriptors that it keeps
        baseline = Baseline.now()
    }

    /** Segments that are lent just now. */
    val segments: Long get() = pool.statistics().lentSegments()

    /** What a server is told, so that it takes its segments from here. */
    fun use(configuration: ApplicationEngine.Configuration) {
        if (configuration is NetparkApplicationEngine.Configuration) configuration.buffering = Buffering(pool)
    }

    fun shouldBeBack() {
        baseline.shouldBeRestored()
        eventually {
            check(segments == 0L) { "segments are still lent: ${pool.statistics()}" }
            val left = parent.job.children.toList()
            check(left.isEmpty()) { "still running: $left" }
        }
    }
}
