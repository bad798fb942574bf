package io.netpark.ktor.serving

import java.util.concurrent.atomic.AtomicReferenceFieldUpdater
import kotlin.coroutines.Continuation
import kotlin.coroutines.CoroutineContext
import kotlin.coroutines.intrinsics.COROUTINE_SUSPENDED
import kotlin.coroutines.intrinsics.createCoroutineUnintercepted
import kotlin.coroutines.intrinsics.intercepted
import kotlin.coroutines.intrinsics.startCoroutineUninterceptedOrReturn
import kotlin.coroutines.intrinsics.suspendCoroutineUninterceptedOrReturn
import kotlin.coroutines.resume
import kotlinx.coroutines.Job
import kotlinx.coroutines.job

/**
 * Runs the calls of a connection, one after another, in a context of their own, on the stack of the connection's coroutine. A
 * call is no coroutine with a job: the job in [context] is that of all calls of the connection.
 *
 * ```text
 * null --the call returns--> OVER
 * null --await--> Continuation --the call returns--> OVER, and the continuation is resumed
 * ```
 */
internal class CallRun(
    override val context: CoroutineContext,
    private val handle: suspend NetparkCall.() -> Unit,
) : Continuation<Unit> {

    /** That of all calls of the connection. */
    val job: Job = context.job

    private val elements = ThreadElements.of(context)

    @Volatile private var state: Any? = null

    /** What the last call has thrown. It is read when the call is over. */
    var failure: Throwable? = null
        private set

    /** Whether the dispatcher has not taken the last call. Then that was the last of the connection. */
    var isRefused: Boolean = false
        private set

    /** Runs a call here and now, until it returns or suspends. Whether it has returned. */
    fun start(call: NetparkCall): Boolean {
        state = null
        failure = null
        try {
            if (isSuspended(call)) return false
        } catch (e: Throwable) {
            failure = e
        }
        state = OVER
        return true
    }

    private fun isSuspended(call: NetparkCall): Boolean {
        val elements = elements ?: return begin(call) === COROUTINE_SUSPENDED
        val found = elements.put()
        try {
            return begin(call) === COROUTINE_SUSPENDED
        } finally {
            elements.restore(found)
        }
    }

    private fun begin(call: NetparkCall): Any? = handle.startCoroutineUninterceptedOrReturn(call, this)

    /** Has a call run by the dispatcher of [context]. Whether it is over, as the dispatcher does not take it. */
    fun dispatch(call: NetparkCall): Boolean {
        state = null
        failure = null
        try {
            handle.createCoroutineUnintercepted(call, this).intercepted().resume(Unit)
        } catch (e: Throwable) {
            failure = e
            isRefused = true
            state = OVER
        }
        return isRefused
    }

    override fun resumeWith(result: Result<Unit>) {
        failure = result.exceptionOrNull()
        val waiter = STATE.getAndSet(this, OVER)
        @Suppress("UNCHECKED_CAST")
        if (waiter != null) (waiter as Continuation<Unit>).resume(Unit)
    }

    /** Suspends until the call has returned, whoever is cancelled. */
    suspend fun await(): Unit = suspendCoroutineUninterceptedOrReturn { continuation ->
        if (STATE.compareAndSet(this, null, continuation.intercepted())) COROUTINE_SUSPENDED else Unit
    }

    private companion object {
        val OVER = Any()

        val STATE: AtomicReferenceFieldUpdater<CallRun, Any?> =
            AtomicReferenceFieldUpdater.newUpdater(CallRun::class.java, Any::class.java, "state")
    }
}
