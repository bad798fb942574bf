package io.netpark.ktor.serving

import io.ktor.utils.io.ClosedWriteChannelException
import io.netpark.core.loop.EventLoop
import io.netpark.http.Method
import io.netpark.http.Refusal
import java.util.concurrent.atomic.AtomicIntegerFieldUpdater
import java.util.concurrent.atomic.AtomicReferenceFieldUpdater
import kotlinx.coroutines.CompletableJob
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Job
import kotlinx.coroutines.launch

/**
 * A request that is being answered, between its connection and its call. An object serves one request after another.
 *
 * A call has the connection's writer when all calls before it are over. The connection's coroutine leaves the writer to calls
 * while they run, but for one thing: answers that were left in the writer are flushed when a call suspends before it has begun
 * its own. A coroutine of the call that waits for the request's body sends them as well, with a "100 Continue" if that is owed.
 */
internal class Exchange(val link: Link) {

    /** What runs the call. Replaced when the application is. */
    lateinit var run: CallRun

    val runOrNull: CallRun? get() = if (::run.isInitialized) run else null

    /** The call; null between calls. */
    @Volatile var call: NetparkCall? = null

    // What the head has said, which is not there any more when the head of the next request has come

    /** Answers to HEAD have no body. */
    var isHead: Boolean = false
        private set

    /** Whether the client knows chunks. */
    var knowsChunks: Boolean = false
        private set
    var mustBeToldToStay: Boolean = false
        private set
    var hasBody: Boolean = false
        private set

    /** Whether the next request may be handled beside this one: both are safe then, and it is certain that it is a request. */
    var hasCompany: Boolean = false
        private set

    /** Why the body of the request has been refused, if it has. */
    @Volatile var refusal: Refusal? = null

    /** The connection ends when this call is over. */
    @Volatile var closes: Boolean = false

    /** The call runs on the connection's loop and has not suspended yet. So it alone is running. */
    @Volatile var isInPlace: Boolean = false

    /** The connection has ended before this call could answer. */
    @Volatile private var isAborted = false

    /**
     * Completes when the call whose answer goes before is over; null if there is none. It is that call's own, and not its exchange,
     * which may serve another one by then.
     */
    @Volatile private var before: CompletableJob? = null

    /** Completes when the call is over. There is one if another call waits for that. Only the connection's coroutine knows it. */
    private var over: CompletableJob? = null

    /**
     * Who may use the writer, in the last two bits: nobody needs it, the call for its answer, or who sends what goes before that. The
     * other bits are the [turn], so that a coroutine that is left of an earlier call claims nothing.
     */
    @Volatile private var writerState = FREE

    /** Which call this is, of those that the object serves. It changes when the call is over. */
    val turn: Int get() = writerState and KINDS.inv()

    /** Completes when the last flush of what goes before the answer is over, or has found that it may not begin. */
    @Volatile private var flushing: CompletableJob? = null

    /** A head has been parsed, and a call begins, behind another if there is one. */
    fun begin(behind: Exchange?) {
        val head = link.head
        isHead = head.method == Method.HEAD
        hasCompany = head.isSafe && !head.hasBody && !head.asksForUpgrade
        knowsChunks = head.isPersistentByDefault
        mustBeToldToStay = head.mustBeToldToStay
        hasBody = head.hasBody
        if (refusal != null) refusal = null // a volatile write costs more than a look
        if (isAborted) isAborted = false
        closes = !head.keepsAlive || link.connection.isDraining
        if (behind != null) before = behind.over ?: Job().also { behind.over = it }
    }

    /** The call begins its answer now, with the writer. */
    fun beginAnswer() {
        if (link.connection.isDraining) closes = true
    }

    /**
     * Suspends until the writer is the call's. It stays so until the call is over, or its answer has been sent.
     *
     * @param turn of the call
     * @throws ClosedWriteChannelException the call is over, or the connection has ended
     */
    suspend fun claimWriter(turn: Int) {
        if (!claimFreeWriter(turn)) awaitWriter(turn)
    }

    private fun claimFreeWriter(turn: Int): Boolean =
        isNext(turn) && (WRITER.compareAndSet(this, turn or FREE, turn or CALLS) || isAnswers(turn))

    private suspend fun awaitWriter(turn: Int) {
        do awaitOthers() while (!claimFreeWriter(turn))
    }

    /** Whether all calls before this one are over. */
    private fun isNext(turn: Int): Boolean {
        val isNext = before?.isCompleted != false
        if (turn != this.turn) throw ClosedWriteChannelException(IllegalStateException("the call is over"))
        if (!isNext) return false // which was said of this turn: a turn ends before another begins
        if (isAborted) throw ClosedWriteChannelException(IllegalStateException("the connection has ended with an earlier answer"))
        return true
    }

    /** Whether the call has claimed the writer, for its answer. */
    private fun isAnswers(turn: Int): Boolean = writerState == (turn or CALLS)

    private suspend fun awaitOthers() {
        before?.join()
        flushing?.join()
    }

    /**
     * Runs [flush], which sends what goes before the call's answer, unless the call has claimed the writer. Any coroutine may call
     * this while another answers. Suspends until the calls before are over, and others that flush.
     *
     * @param turn of the call
     * @return false if the writer is the answer's, and [flush] has not run
     * @throws ClosedWriteChannelException as [claimWriter]
     */
    suspend fun beforeAnswer(turn: Int, flush: suspend () -> Unit): Boolean {
        var flushed = beginFlush(turn)
        while (flushed == null) {
            if (isAnswers(turn)) return false
            awaitOthers()
            flushed = beginFlush(turn)
        }
        try {
            flush()
        } finally {
            WRITER.compareAndSet(this, turn or FLUSHED, turn or FREE) // unless the call is over
            flushed.complete()
        }
        return true
    }

    /** Takes the writer, unless somebody has it. Returns what is to be completed when it has been given back. */
    private fun beginFlush(turn: Int): CompletableJob? {
        val last = flushing
        if (!isNext(turn) || last?.isActive == true) return null
        val flushed = Job()
        if (!FLUSHING.compareAndSet(this, last, flushed)) return null
        if (WRITER.compareAndSet(this, turn or FREE, turn or FLUSHED)) return flushed // whoever finds that finds the job as well
        flushed.complete()
        return null
    }

    /**
     * Leaves the call's answer in the writer, if its client has sent the next request already: then answers go together.
     * Otherwise, false, it is to be flushed.
     */
    fun leaveAnswer(): Boolean {
        val mayWait = isInPlace && EventLoop.current() === link.loop // nothing else runs meanwhile
        if (!mayWait || !link.body.isOver || link.reader.available() == 0L || closes) return false
        link.isUnflushed = true
        writerState = turn or FREE
        return true
    }

    /** The call has suspended, with nobody's answer before its own. What was answered already is not to wait for it. */
    fun flushMeanwhile() {
        if (!link.isUnflushed) return
        link.isUnflushed = false
        val turn = turn
        link.scope.launch(start = CoroutineStart.UNDISPATCHED) {
            try {
                beforeAnswer(turn) { link.writer.flush() }
            } catch (_: ClosedWriteChannelException) {
                // The call is over, and the connection flushes by itself.
            }
        }
    }

    /** A flush of earlier answers goes on, or has gone on while the call ran. */
    val isFlushing: Boolean get() = flushing != null

    /** The call has returned. Suspends until the writer is the connection's. */
    suspend fun awaitFlushed() {
        flushing?.join()
        flushing = null
    }

    /** The call has returned. Coroutines that it has left behind get the writer no more. */
    fun endTurn() {
        writerState = turn + NEXT_TURN or FREE
    }

    /** The answer has gone out as far as it ever will: the next may follow. */
    fun end() {
        over?.complete()
        over = null
        if (before != null) before = null
    }

    /** The connection has ended: the call can give no answer any more. */
    fun abort() {
        isAborted = true
        before?.complete() // whose call may have failed to end
        over?.complete()
    }

    private companion object {
        const val FREE = 0
        const val CALLS = 1
        const val FLUSHED = 2
        const val KINDS = 3
        const val NEXT_TURN = 4

        val WRITER: AtomicIntegerFieldUpdater<Exchange> = AtomicIntegerFieldUpdater.newUpdater(Exchange::class.java, "writerState")

        val FLUSHING: AtomicReferenceFieldUpdater<Exchange, CompletableJob?> =
            AtomicReferenceFieldUpdater.newUpdater(Exchange::class.java, CompletableJob::class.java, "flushing")
    }
}
