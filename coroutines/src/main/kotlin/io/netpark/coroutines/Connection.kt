package io.netpark.coroutines

import io.netpark.core.buffer.LinkBuffer
import io.netpark.core.buffer.OwnedBuffer
import io.netpark.core.fd.Descriptor
import io.netpark.core.fd.Direction
import io.netpark.core.loop.EventLoop
import io.netpark.core.net.streams.ConnectionDescriptor
import io.netpark.core.net.streams.PeerState
import io.netpark.core.sys.AddressText
import io.netpark.core.sys.Due
import io.netpark.core.sys.NetparkException
import io.netpark.coroutines.loops.LoopDispatcher
import io.netpark.coroutines.parking.OPERATIONS_WITHOUT_YIELDING
import io.netpark.coroutines.parking.PAUSE
import io.netpark.coroutines.parking.Parking
import io.netpark.coroutines.parking.deadlineMark
import io.netpark.coroutines.parking.perform
import io.netpark.coroutines.parking.setDeadline
import io.netpark.coroutines.parking.timeoutNanos
import io.netpark.coroutines.parking.timeoutOf
import io.netpark.coroutines.parking.toWrite
import java.net.SocketAddress
import java.nio.ByteBuffer
import java.util.concurrent.atomic.AtomicIntegerFieldUpdater
import kotlin.coroutines.CoroutineContext
import kotlin.coroutines.coroutineContext
import kotlin.time.Duration
import kotlin.time.Duration.Companion.seconds
import kotlin.time.TimeMark
import kotlinx.coroutines.Job
import kotlinx.coroutines.withTimeoutOrNull
import kotlinx.coroutines.yield

/**
 * A connection, of TCP or of unix sockets: two byte streams, one in, one out, each of which ends on its own. Operations suspend
 * until they can proceed; no thread waits.
 *
 * **Threads.** Any coroutine on any dispatcher may use it. One may read while another writes and a third closes; a second
 * reader, or a second writer, gets an [IllegalStateException]. A handler started by [Listener.serve] runs on the
 * connection's own event loop and uses it without allocating.
 *
 * **Ownership.** Whoever got the connection closes it; a handler's is closed when the handler returns. Buffers stay the
 * caller's and are used only during the call. Direct ones are handed to the kernel as they are.
 *
 * **Cancellation.** Every suspending function can be cancelled, also while data keeps it from suspending, and says what
 * that leaves behind. `withTimeout` works; [readTimeout] and its like do the same for a fraction of the cost.
 *
 * **Errors.** [NetparkException] says which: `Closed` here, `Reset` by the peer, `TimedOut`. If several apply, cancellation
 * is reported first, then closed, then a timeout or deadline. The end of the stream is not an error.
 *
 * @see Reactor.dial
 * @see Listener
 */
public class Connection internal constructor(
    internal val core: ConnectionDescriptor,
    private val reactor: Reactor,
    unread: LinkBuffer? = null,
    internal val lease: Lease? = null,
) : AutoCloseable {

    internal val reading = Parking(core, Direction.READ)
    internal val writing = Parking(core, Direction.WRITE)
    internal var budget = OPERATIONS_WITHOUT_YIELDING
    @Volatile internal var brokenOutput: String? = null
    internal var brokenInput: String? = null

    /** Reads have to look at [reader]'s bytes, or [brokenInput], first. Belongs to who reads. */
    internal var hasReturned = false

    /** Something has been written since a read was last begun: who ends now ends in the midst of an answer, for all that is known. */
    internal var answering = false

    /** How many wait for the peer's end. */
    @Volatile internal var watching = 0

    /** Its handler has been told that no request is wanted, and there was none. */
    internal var isToldNone = false

    /** It was waiting for a request when it was told so, and not at work on the last one. */
    internal var endedIdle = false

    /**
     * The context of the handler that this connection belongs to, if it runs on the connection's own loop. A coroutine
     * started inside the handler, by `withContext` too, has a context of its own: so identity tells who is calling.
     */
    internal var ownerContext: CoroutineContext? = null
    internal var owner: Job? = null

    /** The peer's address, also after closing: an [java.net.InetSocketAddress], or a unix address, often unnamed. */
    public val remoteAddress: SocketAddress get() = core.remoteAddress()

    /**
     * The address of this side.
     *
     * @throws NetparkException.Closed if the connection was closed before this was first asked
     */
    public val localAddress: SocketAddress get() = core.localAddress()

    /** Whether [close] has not been called yet. Says nothing about the peer. */
    public val isOpen: Boolean get() = !core.isClosed && lease?.isLent != false

    /**
     * Whether the [Listener] that serves it is [shutting down][Listener.shutdown], or the call of [Listener.serve] was cancelled and
     * lets handlers finish: no time to begin anything long. False for a connection that [Listener.serve] does not handle.
     */
    public val isDraining: Boolean get() = handlers?.isDraining == true

    /** The dispatcher of its event loop: for coroutines that want to live beside it, of whatever dispatcher its handler is. */
    public val dispatcher: LoopDispatcher get() = reactor.dispatcherOf(core.loop())

    internal val buffering: Buffering get() = reactor.buffering

    /**
     * Suspends until the first byte of a request is there, or until no request is wanted any more, as the connection
     * [is draining][isDraining] and its listener does not accept any more: then the handler is told that there is none, and should
     * return. A request that has arrived by then is not lost. For a connection that [Listener.serve] does not handle this is
     * [Reader.await].
     *
     * ```
     * while (connection.awaitRequest()) {
     *     answer(connection)
     * }
     * ```
     *
     * **Cancelled**, it has taken nothing: what has come is unread.
     *
     * @return false if the input has ended, or no request is wanted any more
     * @throws NetparkException as [read]
     */
    // Inline: see Seam.kt.
    public suspend inline fun awaitRequest(): Boolean =
        perform({ previous, context -> requestStep(previous, context) }, { pause(it) }) > 0

    internal val loop: EventLoop get() = core.loop()

    // Readers and writers

    @Volatile internal var madeReader: Reader? = unread?.let { newReader(it) }
    @Volatile internal var madeWriter: Writer? = null
    /** What reader and writer hold has been given back; nobody gets anything from now on. */
    @Volatile internal var buffersEnded = false

    /** Among which its own handler is: its buffers end with that, and not before. Null for a connection without one. */
    internal var handlers: Handlers? = null

    /** Once made, every write looks whether it is its turn. */
    @Volatile internal var madeFrames: Frames? = null

    /**
     * Parses the input: bytes in pooled memory, numbers, lines, delimiters. What it has read from the connection and not
     * been asked for is in [Reader], so from then on [read] would miss it. It ends with the handler: coroutines that use it
     * are that handler's children.
     */
    public val reader: Reader
        get() {
            lease?.checkLent()
            return madeReader ?: newReader(buffering.newInput()).also {
                madeReader = it
                if (buffersEnded) it.owned.end() // that looks after saying so, this the other way round
            }
        }

    private fun newReader(buffer: LinkBuffer): Reader {
        madeWriter?.let { buffer.beside(it.buffer) }
        return Reader(this, OwnedBuffer(core.loop(), buffer), buffer, buffering.inputLimit)
    }

    /** Builds output in pooled memory, and flushes it. It ends with the handler, as [reader] does. */
    public val writer: Writer
        get() {
            lease?.checkLent()
            return madeWriter ?: newWriter(buffering.newOutput()).also {
                madeWriter = it
                if (buffersEnded) it.owned.end()
            }
        }

    /** What it holds counts when the reader wants memory and there is none: both are in the same hands. */
    private fun newWriter(buffer: LinkBuffer): Writer {
        madeReader?.buffer?.beside(buffer)
        return Writer(this, OwnedBuffer(core.loop(), buffer), buffer, buffering.effectiveMark)
    }

    /** Takes whole frames from many coroutines. Other writes take turns with them. */
    public val frames: Frames
        get() = madeFrames ?: synchronized(core) { madeFrames ?: Frames(this, core, buffering).also { madeFrames = it } }

    // Reading

    /**
     * Reads what has arrived, at most what [target] has room for, and advances its position. Suspends until there is at
     * least one byte. With no room it returns 0 at once.
     *
     * **Cancelled**, it has consumed nothing and the connection is as before.
     *
     * @return the number of bytes read, or [END_OF_STREAM] once the peer has shut down its output
     * @throws NetparkException.Reset the peer has reset the connection
     * @throws NetparkException.TimedOut it has waited for [readTimeout], or [readDeadline] has passed
     * @throws NetparkException.Closed the connection is closed, before or meanwhile
     * @throws IllegalStateException another coroutine is reading
     */
    // Inline, as the others of the data path are: see Seam.kt.
    public suspend inline fun read(target: ByteBuffer): Int =
        perform({ previous, context -> readStep(previous, context, target) }, { pause(it) })

    /**
     * Reads into an array; otherwise as [read] into a buffer.
     *
     * **Cancelled**, it has consumed nothing and the connection is as before.
     */
    public suspend fun read(target: ByteArray, offset: Int = 0, length: Int = target.size - offset): Int =
        read(ByteBuffer.wrap(target, offset, length))

    /**
     * Reads into several buffers, filling one after another, by one system call (readv); otherwise as [read].
     *
     * **Cancelled**, it has consumed nothing and the connection is as before.
     */
    public suspend fun read(targets: Array<ByteBuffer>): Int {
        if (isBudgetSpent()) yield()
        beginRead(coroutineContext)
        if (hasReturned) {
            val returned = targets.sumOf { readReturned(it) }
            if (returned > 0) return returned
        }
        var count = core.startRead(targets).also { chargeBudget(it.toLong()) }
        while (count == Descriptor.PARK) {
            awaitReadable()
            checkActive(coroutineContext, Direction.READ)
            count = core.retryRead(targets)
        }
        return count
    }

    // Writing

    /**
     * Writes all of [source], after everything that [writer] holds: the peer gets bytes in the order in which they were written,
     * whichever way that was. Suspends while the peer, or the network, does not take more.
     *
     * **Cancelled**, timed out or failed, the position of [source] says how much has been written. That much is on its
     * way and cannot be taken back; the connection can still be written to.
     *
     * @throws NetparkException.Reset the peer is gone, or [shutdownOutput] was called
     * @throws NetparkException.TimedOut it has waited for [writeTimeout], or [writeDeadline] has passed
     * @throws NetparkException.Closed the connection is closed, before or meanwhile
     * @throws IllegalStateException another coroutine is writing
     */
    public suspend inline fun write(source: ByteBuffer) {
        perform({ previous, context -> writeStep(previous, context, source) }, { pause(it) })
    }

    /**
     * Writes a part of an array; otherwise as [write] of a buffer.
     *
     * **Cancelled**, timed out or failed after a part of it was written, it **breaks the output**: since nobody could tell
     * how far it got, every later write fails with [NetparkException.Closed] and says so. Reading goes on. Cancelled
     * before the first byte, it leaves the connection as before.
     */
    public suspend fun write(source: ByteArray, offset: Int = 0, length: Int = source.size - offset) {
        val buffer = ByteBuffer.wrap(source, offset, length)
        wholly(buffer) {
            try {
                perform({ previous, context -> writeStep(previous, context, buffer, isWhole = true) }, { pause(it) })
            } catch (e: Throwable) {
                val written = buffer.position() - offset
                if (written in 1 until length) {
                    breakOutput("an earlier write ended after $written of $length bytes ($e)")
                }
                throw e
            }
        }
    }

    /**
     * Writes all of several buffers, gathered into as few system calls as possible (writev); otherwise as [write].
     *
     * **Cancelled**, timed out or failed, the positions say how much has been written.
     */
    public suspend fun write(sources: Array<ByteBuffer>) {
        if (isBudgetSpent()) yield()
        if (hasUnflushed()) flushRest()
        beginWrite(coroutineContext)
        val before = sources.sumOf { it.remaining().toLong() }
        var state = inTurn({ core.startWrite(sources) }, { core.retryWrite(sources) })
        chargeBudget(before - sources.sumOf { it.remaining().toLong() })
        while (state <= PAUSE) {
            pause(state)
            checkActive(coroutineContext, Direction.WRITE)
            state = toWrite(core.retryWrite(sources))
        }
    }

    /** Says that a failure is about this connection. */
    internal fun <E : NetparkException> about(failure: E): E = failure.apply { setAbout(core) }

    // Ending

    /**
     * Ends the outgoing stream: the peer reads what was written, then the end. Reading goes on, so an answer can still
     * come. Later writes fail with [NetparkException.Reset]. Calling it again has no effect.
     *
     * @throws IllegalStateException [writer] holds bytes, which would be lost: flush it first; or frames are still being written
     * @throws NetparkException.Closed the connection is closed, or an earlier write has broken the output, which must not look complete
     */
    public fun shutdownOutput() {
        requireFlushed("shut down the output to")
        checkOutput()
        requireFramesSent("shut down the output to") { it.endIfIdle() }
        lease?.spoil()
        answering = false
        core.shutdownOutput()
    }

    /**
     * Closes the connection. Operations in progress on it, in other coroutines, end with [NetparkException.Closed]. What
     * has been sent is still delivered, unless unread bytes have arrived or arrive later: then the kernel sends a reset, and
     * [closeLingering] does not. If [writer] holds bytes they are dropped, and the connection ends with a reset, so that the peer does
     * not take what it has got for all there is. Never suspends; calling it again has no effect.
     *
     * What [reader] and [writer] hold is given back when the handler of the connection ends; for a connection that was dialed, at
     * once, and views of it are empty then. If another thread is using them, it is given back when that call returns, and a view
     * that another thread may be looking at stays what it is until the garbage collector finds it.
     */
    override fun close() {
        if (lease?.isLent == false) return // it is another borrower's by now
        val dropped = unsent()
        if (dropped > 0 && !core.isClosed) brokenOutput = "$dropped bytes that the writer held, or frames had, were dropped when it was closed"
        if (isOutputBroken) core.reset() else core.close()
        if (handlers == null) endBuffers()
    }

    /**
     * Flushes what [writer] holds, ends the outgoing stream, and closes the connection so that nothing is lost that is on its way to
     * the peer, though that may be sending still: for a handler that answers early, by a refusal of a long upload, say. After [close]
     * the first byte of it would be answered by a reset, and the peer would lose the answer.
     *
     * To everybody here it is closed when this returns. In the background what comes is read and thrown away, until the peer ends its
     * own stream; that holds a descriptor and no memory, and ends with the reactor.
     *
     * If an earlier write has broken the output, it is [close], by a reset.
     *
     * **Cancelled**, timed out or failed in flushing, it leaves the connection open, and in the writer what has not been sent.
     *
     * @param time how long the peer has at most to come to its end
     * @param bytes how much of it is thrown away at most
     * @throws NetparkException as [write]
     */
    public suspend fun closeLingering(time: Duration = LINGERS, bytes: Long = Long.MAX_VALUE) {
        require(bytes >= 0) { "a number of bytes cannot be negative: $bytes" }
        if (lease?.isLent == false) return // as for close
        finishOutput()
        if (isOutputBroken) return close() // its end would look like that of something whole
        core.closeLingering(bytes, time.inWholeNanoseconds.coerceIn(0, Due.FOREVER))
        close()
    }

    // The peer

    /**
     * What is known of the peer, though nobody may be reading: whether it has ended its output, or is gone. Costs no system call;
     * [awaitPeerClosed] says more.
     */
    public val peerState: PeerState get() = if (lease?.isLent == false) PeerState.CLOSED else core.peerState()

    /**
     * Closes the connection by a reset: what is unsent is dropped and the peer's next operation fails. For a peer that
     * misbehaves.
     */
    public fun reset() {
        if (lease?.isLent == false) return // as for close
        core.reset()
        close()
    }

    // Timeouts and deadlines

    /**
     * How long a read may wait; then it fails with [NetparkException.TimedOut], `READ`, has consumed nothing, and the connection is
     * as before. The time begins anew with each read, and a read that finds bytes takes none of it. [Duration.INFINITE], the default,
     * is no timeout.
     *
     * To be set once, by any thread; for a read that is suspended a change counts from now. It costs a read that suspends some tens
     * of nanoseconds, and any other nothing.
     *
     * @throws IllegalArgumentException it is set to zero or less
     */
    public var readTimeout: Duration
        get() = timeoutOf(core.timeoutNanos(Direction.READ))
        set(value) {
            lease?.checkLent()
            core.setTimeout(Direction.READ, value.timeoutNanos("read timeout"))
        }

    /**
     * As [readTimeout], for writes; what has been written by then is what the write says of cancellation. Progress begins the time
     * anew: whenever a write has got rid of some bytes and has to wait again, and while the peer takes bytes that the kernel holds. So
     * it ends a write to a peer that has stopped, not to one that is slow.
     */
    public var writeTimeout: Duration
        get() = timeoutOf(core.timeoutNanos(Direction.WRITE))
        set(value) {
            lease?.checkLent()
            core.setTimeout(Direction.WRITE, value.timeoutNanos("write timeout"))
        }

    /**
     * Closes the connection when no byte has moved in either direction for so long; its operations then fail with
     * [NetparkException.TimedOut], `IDLE`. Counts from when it is set. [Duration.INFINITE], the default, is no timeout.
     *
     * This is about bytes. Whether the peer is still there is what TCP keepalive finds out, which is on by default.
     *
     * @throws IllegalArgumentException it is set to zero or less
     */
    public var idleTimeout: Duration
        get() = timeoutOf(core.idleTimeoutNanos())
        set(value) {
            lease?.checkLent()
            core.setIdleTimeout(value.timeoutNanos("idle timeout"))
        }

    /**
     * An instant from which on reads fail with [NetparkException.TimedOut], `READ`, even if there are bytes; null, the default, for
     * none. A read that is suspended is woken by it, and a change counts for such a read as well. One in the past lets reads fail at
     * once. It stays until it is replaced: after it has passed, set another, or null, to go on reading. It is for what must be over
     * however many reads it takes, the head of a request, say: `TimeSource.Monotonic.markNow() + 10.seconds`.
     *
     * There may be a [readTimeout] as well: the earlier strikes, and the error says which it was. A mark of another clock than the
     * monotonic one becomes an instant of that when it is set.
     */
    public var readDeadline: TimeMark?
        get() = core.deadlineMark(Direction.READ)
        set(value) {
            lease?.checkLent()
            core.setDeadline(Direction.READ, value)
        }

    /** As [readDeadline], for writes. Progress does not move it. */
    public var writeDeadline: TimeMark?
        get() = core.deadlineMark(Direction.WRITE)
        set(value) {
            lease?.checkLent()
            core.setDeadline(Direction.WRITE, value)
        }

    /**
     * Runs a stretch of an exchange, a handshake say, that must be over in [limit] however many operations it has.
     *
     * **Cancelled**, or when the time is over, [block] is cancelled, with what its operations say about that; the
     * connection stays open.
     *
     * @param name what it is called in the message
     * @throws NetparkException.TimedOut it took longer; the timeout is `EXCHANGE`
     */
    public suspend fun <T> within(limit: Duration, name: String, block: suspend (Connection) -> T): T {
        var result: Result<T>? = null
        withTimeoutOrNull(limit) { result = Result.success(block(this@Connection)) }
        return (result ?: throw about(
            NetparkException.TimedOut(
                NetparkException.Timeout.EXCHANGE,
                "$name with ${AddressText.of(remoteAddress)}: not finished within $limit",
            ),
        )).getOrThrow()
    }

    override fun toString(): String = core.toString()

    public companion object {
        /** Returned by a read once the peer has shut down its output and everything before that has been read. */
        public const val END_OF_STREAM: Int = ConnectionDescriptor.END_OF_STREAM

        internal val WATCHING: AtomicIntegerFieldUpdater<Connection> =
            AtomicIntegerFieldUpdater.newUpdater(Connection::class.java, "watching")

        private val LINGERS = 10.seconds
    }
}
