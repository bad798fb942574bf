package io.netpark.ktor.serving

import io.ktor.server.application.Application
import io.ktor.server.engine.DefaultUncaughtExceptionHandler
import java.util.concurrent.ConcurrentHashMap
import kotlin.coroutines.ContinuationInterceptor
import kotlin.coroutines.CoroutineContext
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CompletableJob
import kotlinx.coroutines.CoroutineDispatcher
import kotlinx.coroutines.CoroutineName
import kotlinx.coroutines.Job
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.job

/**
 * The calls of one application. Their jobs are a tree of three levels: the application's job; a supervisor a loop; a supervisor a
 * connection. What a call launches is a child of the last, outlives the call, and fails alone.
 */
internal class Calls(val application: Application, private val dispatcher: CoroutineDispatcher?) {

    private val parent: Job = application.coroutineContext.job
    private val perLoop = ConcurrentHashMap<CoroutineDispatcher, CompletableJob>()
    private val context: CoroutineContext = application.parentCoroutineContext.minusKey(Job).minusKey(ContinuationInterceptor) +
        CoroutineName("call-handler") + DefaultUncaughtExceptionHandler(application.environment.log)

    /** Whether the application has not been replaced. */
    val isActive: Boolean get() = parent.isActive

    /** Why calls give up that have not begun yet, too. */
    @Volatile private var end: CancellationException? = null

    /** A job for the calls of one connection. */
    fun newJob(loop: CoroutineDispatcher): CompletableJob {
        val job = SupervisorJob(perLoop.computeIfAbsent(loop) { SupervisorJob(parent) })
        end?.let { job.cancel(it) } // the loop's may be younger than the end, and nobody has cancelled it
        return job
    }

    /** The context of the calls of a connection on [loop]. */
    fun contextOf(job: Job, loop: CoroutineDispatcher): CoroutineContext = context + (dispatcher ?: loop) + job

    /** Has all calls give up that are still at work, and those that begin from now on. */
    fun cancel(why: String) {
        val cause = CancellationException(why)
        end = cause
        perLoop.values.forEach { it.cancel(cause) }
    }

    /** No more calls come. */
    fun complete() {
        perLoop.values.forEach { it.complete() }
    }
}
