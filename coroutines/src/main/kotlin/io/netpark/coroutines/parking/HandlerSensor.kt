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
 * The sensor is a coroutine of nobody, suspended in the job's context until [dispose]. A job tells a suspended coroutine of its
 * cancellation at once; it would call a completion listener only after the job's own code has left. The sensor is no child of the
 * job. User code could cancel a child, which would end the feeling, or join it, which would wait for ever.
 */
internal class HandlerSensor(job: Job, private val cancelled: () -> Unit) : Continuation<Unit> {

    override val context: CoroutineContext = job // without a dispatcher: it is resumed where it is cancelled
    private var feeler: CancellableContinuation<Unit>? = null

    init {
        val feel: suspend () -> Unit = { suspendCancellableCoroutine { feeler = it } }
        feel.startCoroutine(this)
    }

    /** Ends the feeling: by cancellation, also of a job that had been cancelled before, or by [dispose]. */
    override fun resumeWith(result: Result<Unit>) {
        if (result.isFailure) cancelled()
    }

    /** Ends the feeling. The job goes on, or has ended. To be called once. */
    fun dispose() {
        feeler?.resume(Unit)
    }
}

/** Whether resuming in this context takes more than a call, because an element restores something on the thread. */
internal fun CoroutineContext.hasThreadContext(): Boolean = fold(false) { found, element ->
    found || element is ThreadContextElement<*>
}
