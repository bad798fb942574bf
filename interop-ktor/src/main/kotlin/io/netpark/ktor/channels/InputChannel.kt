package io.netpark.ktor.channels

import io.ktor.utils.io.ByteReadChannel
import io.ktor.utils.io.ClosedReadChannelException
import io.ktor.utils.io.InternalAPI
import io.netpark.coroutines.Connection
import io.netpark.coroutines.Reader
import java.io.IOException
import java.nio.ByteBuffer
import java.util.concurrent.atomic.AtomicIntegerFieldUpdater
import java.util.concurrent.atomic.AtomicReferenceFieldUpdater
import kotlin.time.TimeSource
import kotlinx.coroutines.CancellationException
import kotlinx.io.Buffer
import kotlinx.io.Source
import kotlinx.io.UnsafeIoApi
import kotlinx.io.unsafe.UnsafeBufferOperations

/**
 * The input of a connection, or a part of it, as Ktor reads it. Bytes are copied once, from the segments of [reader] to those of
 * kotlinx-io. There is no coroutine and no other buffer between.
 *
 * No more than [TAKEN] bytes are taken ahead, unless somebody waits for more at once. All else stays with the reader, and at
 * last with the kernel, which lets the peer wait.
 *
 * **Threads.** One coroutine at a time reads, on any thread. Any thread may cancel.
 */
internal abstract class InputChannel(private val connection: Connection, protected val reader: Reader) : ByteReadChannel {

    private val buffer = Buffer()

    /** Why it is closed; null if it is not. */
    @Volatile private var closed: CloseCause? = null

    /**
     * ```text
     * IDLE --a coroutine takes from the reader, or waits for it--> READING --it does no more--> IDLE
     *                                                              READING --cancel, leave--> CUT_OFF
     * IDLE --leave--> LEFT
     * ```
     *
     * It is closed before it is CUT_OFF or LEFT.
     */
    @Volatile private var state = IDLE

    /**
     * Whether [cancel] or [leave] has cut off a coroutine that was reading. Then nobody else can read from the connection: that
     * coroutine may not know yet, and [readDeadline][Connection.readDeadline] is over.
     */
    internal val isCutOff: Boolean get() = state == CUT_OFF

    // What the input is

    /** Whether the input has ended. It may have ended already when this is false, if nobody has looked yet. */
    protected abstract val isOver: Boolean

    /** How many bytes of the input are there to be taken from [reader]. Does not wait. */
    protected abstract fun available(): Long

    /** Suspends until [available] is more than 0; false at the end of the input. */
    protected abstract suspend fun await(): Boolean

    /** So many bytes have been taken from [reader]. */
    protected abstract fun took(count: Int)

    /** Wakes who waits in [await], and has the next wait fail, if it comes to that. Any thread, also while somebody begins to wait. */
    protected open fun stopWaiting() {
        connection.readDeadline = TimeSource.Monotonic.markNow()
    }

    /** What is told of a failure of [available] or [await]; null if that has been no failure of the input. */
    protected open fun explain(failure: Exception): Throwable? = failure as? IOException

    // What Ktor asks

    override val closedCause: Throwable? get() = closed?.told()

    override val isClosedForRead: Boolean get() = closed != null || isOver && buffer.exhausted()

    @InternalAPI
    override val readBuffer: Source
        get() {
            closed?.let { throw it.told(::ClosedReadChannelException) }
            if (buffer.exhausted()) reading { take(1) }
            return buffer
        }

    override suspend fun awaitContent(min: Int): Boolean {
        closed?.let { throw it.told() }
        return buffer.size >= min || reading { awaitUntil(min) }
    }

    private suspend fun awaitUntil(min: Int): Boolean {
        while (true) {
            take(min)
            if (buffer.size >= min) return true
            if (!await()) return false
            closed?.let { throw it.origin }
        }
    }

    override fun cancel(cause: Throwable?) {
        if (CLOSED.compareAndSet(this, null, CloseCause(cause ?: IOException("the channel was cancelled")))) cutOff()
    }

    private fun cutOff() {
        if (STATE.compareAndSet(this, READING, CUT_OFF)) stopWaiting()
    }

    /**
     * Cancels it. From now on the connection is others' to read, unless it [is cut off][isCutOff]: that is certain now, whoever is in
     * the midst of [cancel].
     */
    internal fun leave(cause: Throwable) {
        cancel(cause)
        while (state < CUT_OFF && !STATE.compareAndSet(this, IDLE, LEFT)) cutOff()
    }

    /** Moves what is there, up to [TAKEN], or what is wanted if that is more. */
    @OptIn(UnsafeIoApi::class)
    private fun take(wanted: Int) {
        val most = maxOf(wanted.toLong(), TAKEN)
        while (buffer.size < most) {
            val count = minOf(available(), most - buffer.size)
            if (count == 0L) return
            UnsafeBufferOperations.writeToTail(buffer, 1) { array, start, end ->
                reader.take(ByteBuffer.wrap(array, start, minOf(count, (end - start).toLong()).toInt())).also { took(it) }
            }
        }
    }

    /**
     * Runs what reads. A failure of the input closes the channel. A reader whose coroutine is cancelled has taken nothing, and
     * the channel is as before.
     */
    private inline fun <T> reading(block: () -> T): T {
        STATE.compareAndSet(this, IDLE, READING) // before it looks whether the channel is closed: cancel does it the other way round
        try {
            closed?.let { throw it.origin }
            return block()
        } catch (e: CancellationException) {
            throw e
        } catch (e: Exception) {
            closed?.let { throw it.told() }
            val why = CloseCause(explain(e) ?: throw e)
            CLOSED.compareAndSet(this, null, why)
            throw why.told()
        } finally {
            STATE.compareAndSet(this, READING, IDLE)
        }
    }

    internal companion object {
        /** How many bytes are taken ahead at most. */
        const val TAKEN: Long = 64L * 1024

        private const val IDLE = 0
        private const val READING = 1
        private const val CUT_OFF = 2
        private const val LEFT = 3

        private val STATE: AtomicIntegerFieldUpdater<InputChannel> =
            AtomicIntegerFieldUpdater.newUpdater(InputChannel::class.java, "state")

        private val CLOSED: AtomicReferenceFieldUpdater<InputChannel, CloseCause?> =
            AtomicReferenceFieldUpdater.newUpdater(InputChannel::class.java, CloseCause::class.java, "closed")
    }
}
