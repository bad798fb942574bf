package io.netpark.coroutines.serving

import io.netpark.core.net.serving.Shutdown
import io.netpark.core.net.serving.rules.Ending
import io.netpark.core.net.serving.rules.Server
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.Job
import kotlinx.coroutines.NonCancellable
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.launch
import kotlinx.coroutines.selects.select
import kotlinx.coroutines.withContext
import kotlinx.coroutines.withTimeoutOrNull
import kotlin.time.Duration.Companion.nanoseconds

/**
 * An [Ending] for which coroutines wait: the first goes through the phases, the others wait for its report.
 *
 * @param awaitNoneLeft suspends until no handler is left
 */
internal class SuspendingEnding(server: Server, private val awaitNoneLeft: suspend () -> Unit) {

    private val ending = Ending.ofHandlers(server)
    private val report = CompletableDeferred<Shutdown.Report>()

    /** Completes when there is no more time. */
    private val hurried = Job()

    /**
     * Comes to an end, and returns what became of the connections. A call that is not the first cuts the ending short when its own times
     * are over.
     *
     * **Cancelled**, the first call cuts the ending short at once, and sees it through. Another call just ends.
     */
    suspend fun run(phases: Shutdown): Shutdown.Report {
        if (ending.begin(phases)) {
            goThrough()
        } else {
            withTimeoutOrNull(Ending.longest(phases).nanoseconds) { report.join() } ?: hurry()
        }
        return report.await()
    }

    private fun hurry() {
        ending.hurry()
        hurried.complete()
    }

    private suspend fun goThrough() {
        try {
            goOn()
        } finally {
            ending.hurry()
            withContext(NonCancellable) {
                try {
                    goOn()
                } finally { // where the caller's own loop has ended there is no time to wait
                    ending.abandon()
                    report.complete(ending.report())
                }
            }
        }
    }

    /** Goes on from phase to phase, to the end. */
    private suspend fun goOn() {
        while (true) {
            val nanos = ending.next()
            if (nanos == Ending.OVER) return
            if (nanos == 0L) continue
            if (ending.phase() == Ending.Phase.LEAVE) { // handlers that were cut off have their moment, whoever is cancelled
                withContext(NonCancellable) { withTimeoutOrNull(nanos.nanoseconds) { awaitNoneLeft() } }
            } else {
                withTimeoutOrNull(nanos.nanoseconds) { awaitEndOf(ending.phase()) }
            }
        }
    }

    private suspend fun awaitEndOf(phase: Ending.Phase) {
        if (phase == Ending.Phase.ANNOUNCE) return hurried.join()
        coroutineScope {
            val waiting = launch { awaitNoneLeft() }
            select {
                waiting.onJoin { }
                hurried.onJoin { }
            }
            waiting.cancel()
        }
    }
}
