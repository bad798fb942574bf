package io.netpark.coroutines.parking

import kotlinx.coroutines.CancellableContinuation
import kotlinx.coroutines.Job
import kotlinx.coroutines.ThreadContextElement
import kotlinx.coroutines.suspendCancellableCoroutine
import kotlin.coroutines.Continuation
import kotlin.coroutines.CoroutineContext
import kotlin.coroutines.resume
import kotlin.coroutines.startCoroutine

/**
 * Feels the cancellation of a job, and calls [cancelled] on the canceller's thread, once.
 *
 * It is a coroutine of nobody, suspended in the job's context until [dispose]: a suspended coroutine is what a job tells of its
 * cancellation at once, while a completion listener would be called only after the job's own code has left. It is no child of the
 * job. A child would be there for user code to cancel, which ends the feeling, or to join, which waits for ever.
 */
internal class HandlerSensor(job: Job, private val cancelled: () -> Unit) : Continuation<Unit> {

    override val context: CoroutineContext = job // without a dispatcher: it is resumed where it is cancelled
    private var feeler: CancellableContinuation<Unit>? = null

    init {
        val feel: suspend () -> Unit = { suspendCancellableCoroutine { feeler = it } }
        feel.startCoroutine(this)
    }

    /** The end of the feeling: by cancellation, also of a job that had been cancelled before, or by [dispose]. */
    override fun resumeWith(result: Result<Unit>) {
        if (result.isFailure) cancelled()
    }

    /** The job goes on, or has ended, without this. Called once. */
    fun dispose() {
        feeler?.resume(Unit)
    }
}

/** Whether resuming in this context takes more than a call: some element wants to know which thread it is on. */
internal fun CoroutineContext.hasThreadContext(): Boolean = fold(false) { found, element ->
    found || element is ThreadContextElement<*>
}
