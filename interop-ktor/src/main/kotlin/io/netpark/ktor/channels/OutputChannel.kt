package io.netpark.ktor.channels

import io.ktor.utils.io.ByteWriteChannel
import io.ktor.utils.io.ClosedWriteChannelException
import io.ktor.utils.io.InternalAPI
import io.netpark.coroutines.Connection
import java.io.IOException
import java.nio.ByteBuffer
import java.util.concurrent.atomic.AtomicReferenceFieldUpdater
import kotlinx.coroutines.CancellationException
import kotlinx.io.Buffer
import kotlinx.io.Sink
import kotlinx.io.UnsafeIoApi
import kotlinx.io.unsafe.UnsafeBufferOperations

/**
 * The output of a connection, or a part of it, as Ktor writes it. Bytes are copied once, from the segments of kotlinx-io to
 * those of the connection's writer, when they are flushed. A flush suspends while the peer, or the network, does not take more.
 *
 * What is not flushed stays here. With more than [KEPT] bytes of that, Ktor's functions that write flush by themselves.
 *
 * **Threads.** One coroutine at a time writes, on any thread. Any thread may cancel.
 */
internal abstract class OutputChannel(protected val connection: Connection) : ByteWriteChannel {

    private val buffer = Buffer()

    /** Why nothing can be written any more; null if something can. */
    @Volatile private var closed: Any? = null

    /** How many bytes have been written and not been passed on. */
    protected val pending: Long get() = buffer.size

    // What the output is

    /**
     * Passes on all that is pending, by [move], as far as it need not wait for the peer: it may [flush the
     * writer][Connection.writer].
     */
    protected abstract suspend fun passOn()

    /** Writes what comes after the last byte, and flushes. */
    protected abstract suspend fun end()

    /** The last flush was cancelled, or has failed, and nobody could say how far it got. */
    protected open fun endFailed(why: Throwable): Unit = cancel(why)

    /** The output ends before its end, as the channel was cancelled, or as it could not be finished. */
    protected abstract fun cutOff()

    // What Ktor asks

    /** Ktor's functions that write flush when this is true. */
    override val autoFlush: Boolean get() = buffer.size >= KEPT

    override val isClosedForWrite: Boolean get() = closed != null

    override val closedCause: Throwable? get() = (closed as? CloseCause)?.told()

    @InternalAPI
    override val writeBuffer: Sink
        get() {
            when (val why = closed) {
                null -> return buffer
                is CloseCause -> throw why.told(::ClosedWriteChannelException)
                else -> throw ClosedWriteChannelException()
            }
        }

    override suspend fun flush() {
        closedCause?.let { throw it }
        if (closed != null) return // it has been flushed, and the connection may be others' by now
        failing {
            passOn()
            connection.writer.flush()
        }
    }

    override suspend fun flushAndClose() {
        if (closed != null) return
        try {
            failing {
                passOn()
                end()
            }
        } catch (e: Throwable) {
            endFailed(e)
            throw e
        }
        CLOSED.compareAndSet(this, null, FINISHED)
    }

    override fun cancel(cause: Throwable?) {
        if (close(cause ?: IOException("the channel was cancelled"))) cutOff()
    }

    /** Closes it, if it is not closed. */
    private fun close(why: Throwable): Boolean = CLOSED.compareAndSet(this, null, CloseCause(why))

    /** How many of the pending bytes the writer has room for, with something around them. It must not be full. */
    protected fun nextPart(): Long = minOf(pending, PART, maxOf(1L, connection.writer.highWaterMark - AROUND))

    /** Moves so many of the pending bytes to the writer, which has room for them. */
    @OptIn(UnsafeIoApi::class)
    protected fun move(count: Long) {
        val writer = connection.writer
        var left = count
        while (left > 0) {
            left -= UnsafeBufferOperations.readFromHead(buffer) { array, start, end ->
                minOf(left, (end - start).toLong()).toInt().also { writer.put(array, start, it) }
            }
        }
    }

    /** Forgets what is pending. */
    protected fun drop() {
        buffer.clear()
    }

    /** A failure closes the channel. A writer whose coroutine is cancelled may go on where the flush was cancelled. */
    private suspend inline fun failing(block: () -> Unit) {
        try {
            if (!connection.isOpen) connection.write(NOTHING) // fails, and says why
            block()
        } catch (e: IOException) {
            throw failed(e)
        } catch (e: IllegalStateException) {
            if (e is CancellationException || connection.isOpen) throw e
            throw failed(e) // closed just now, with the writer
        }
    }

    private fun failed(why: Exception): Throwable {
        if (close(why)) cutOff()
        return (closed as? CloseCause ?: CloseCause(why)).told(::ClosedWriteChannelException)
    }

    internal companion object {
        /** With so many bytes pending, functions that write flush. */
        const val KEPT: Long = 64L * 1024

        /** How many bytes are moved to the writer at most before it is looked at again, whether it is full. */
        private const val PART = 32L * 1024

        /** What an output may put around each part of its bytes. */
        private const val AROUND = 16L

        private val FINISHED = Any()
        private val NOTHING: ByteBuffer = ByteBuffer.allocate(0)

        private val CLOSED: AtomicReferenceFieldUpdater<OutputChannel, Any?> =
            AtomicReferenceFieldUpdater.newUpdater(OutputChannel::class.java, Any::class.java, "closed")
    }
}
