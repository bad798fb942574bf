package io.netpark.ktor.channels

import io.ktor.utils.io.ByteReadChannel
import io.ktor.utils.io.ClosedReadChannelException
import io.ktor.utils.io.InternalAPI
import io.netpark.coroutines.Connection
import io.netpark.coroutines.Reader
import java.io.IOException
import java.nio.ByteBuffer
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

    /** A coroutine is taking from [reader], or waits for it. */
    @Volatile private var reading = false

    /**
     * Whether [cancel] has cut off a coroutine that was reading. Then nobody else can read from the connection: that coroutine
     * may not know yet, and [readDeadline][Connection.readDeadline] is over.
     */
    @Volatile
    internal var isCutOff: Boolean = false
        private set

    // What the input is

    /** Whether the input has ended. It may have ended already when this is false, if nobody has looked yet. */
    protected abstract val isOver: Boolean

    /** How many bytes of the input are there to be taken from [reader]. Does not wait. */
    protected abstract fun available(): Long

    /** Suspends until [available] is more than 0; false at the end of the input. */
    protected abstract suspend fun await(): Boolean

    /** So many bytes have been taken from [reader]. */
    protected abstract fun took(count: Int)

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
        if (!CLOSED.compareAndSet(this, null, CloseCause(cause ?: IOException("the channel was cancelled")))) return
        if (reading) {
            isCutOff = true
            connection.readDeadline = TimeSource.Monotonic.markNow() // wakes it
        }
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
        reading = true // before it looks whether the channel is closed: cancel does these two the other way round
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
            reading = false
        }
    }

    internal companion object {
        /** How many bytes are taken ahead at most. */
        const val TAKEN: Long = 64L * 1024

        private val CLOSED: AtomicReferenceFieldUpdater<InputChannel, CloseCause?> =
            AtomicReferenceFieldUpdater.newUpdater(InputChannel::class.java, CloseCause::class.java, "closed")
    }
}
