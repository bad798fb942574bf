package io.netpark.coroutines.serving

import io.netpark.core.net.serving.Shutdown
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.Job
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.launch
import kotlinx.coroutines.selects.select
import kotlinx.coroutines.withTimeoutOrNull
import kotlin.time.Duration
import kotlin.time.toKotlinDuration

/** The end of a [Listener][io.netpark.coroutines.Listener]: one call of [Listener.shutdown][io.netpark.coroutines.Listener.shutdown] brings it about, others may be in more of a hurry. */
internal class Ending {

    val report = CompletableDeferred<Shutdown.Report>()

    /** Completes when there is no more time. */
    private val over = Job()

    /** Suspends until [body] has returned, for so long at most, or until somebody is in a hurry. */
    suspend fun wait(time: Duration, body: suspend () -> Unit) {
        withTimeoutOrNull(time) {
            coroutineScope {
                val waiting = launch { body() }
                select {
                    waiting.onJoin { }
                    over.onJoin { }
                }
                waiting.cancel()
            }
        }
    }

    /** Waits for the report, and no longer than the times of these phases for what comes before it. */
    suspend fun hurry(phases: Shutdown) {
        withTimeoutOrNull(phases.announce().toKotlinDuration() + phases.timeToEnd()) { report.join() } ?: over.complete()
    }
}

/** For requests in progress and what they write, which is a handler's own affair. */
internal fun Shutdown.timeToEnd(): Duration = finish().toKotlinDuration() + flush().toKotlinDuration()
