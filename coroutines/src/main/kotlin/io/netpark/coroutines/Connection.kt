package io.netpark.coroutines

import io.netpark.core.buffer.LinkBuffer
import io.netpark.core.fd.Direction
import io.netpark.core.loop.EventLoop
import io.netpark.core.net.streams.ConnectionDescriptor
import io.netpark.core.net.streams.PeerState
import io.netpark.core.sys.AddressText
import io.netpark.core.sys.Due
import io.netpark.core.sys.NetparkException
import io.netpark.core.tls.TlsSession
import io.netpark.coroutines.loops.LoopDispatcher
import io.netpark.coroutines.parking.OPERATIONS_WITHOUT_YIELDING
import io.netpark.coroutines.parking.Parking
import io.netpark.coroutines.parking.deadlineMark
import io.netpark.coroutines.parking.perform
import io.netpark.coroutines.parking.setDeadline
import io.netpark.coroutines.parking.timeoutNanos
import io.netpark.coroutines.parking.timeoutOf
import java.net.SocketAddress
import java.nio.ByteBuffer
import java.util.concurrent.atomic.AtomicIntegerFieldUpdater
import kotlin.coroutines.CoroutineContext
import kotlin.time.Duration
import kotlin.time.Duration.Companion.seconds
import kotlin.time.TimeMark
import kotlinx.coroutines.Job
import kotlinx.coroutines.withTimeoutOrNull

/**
 * A connection of TCP or of unix sockets: two byte streams, one in and one out, each of which ends on its own. Operations suspend
 * until they can proceed. No thread waits.
 *
 * **Threads.** Any coroutine on any dispatcher may use a connection. One may read while another writes and a third closes. A second
 * reader, or a second writer, gets an [IllegalStateException]. A handler that [Listener.serve] has started runs on the
 * connection's own event loop and uses it without allocating.
 *
 * **Ownership.** Whoever got the connection closes it. The connection of a handler is closed when the handler returns. Buffers stay
 * the caller's and are used only during the call. Direct buffers are handed to the kernel as they are.
 *
 * **Cancellation.** Every suspending function can be cancelled, also while it finds data and does not suspend. Its documentation says
 * what that leaves behind. `withTimeout` works; [readTimeout] and its like do the same for a fraction of the cost.
 *
 * **Errors.** The class of a [NetparkException] says what has happened: `Closed` here, `Reset` by the peer, `TimedOut`. If several
 * apply, cancellation is reported first, then `Closed`, then a timeout or deadline. The end of the stream is not an error.
 *
 * **TLS.** A connection with TLS is a connection like any other. The end of its stream is the peer's close_notify. A stream that ends
 * without that has been cut off, and a read fails with [NetparkException.Truncated]. What goes around the bytes of a stream is refused:
 * [detach][io.netpark.coroutines.handover.detach], and descriptors that are passed along. Files and copies are read and encrypted
 * instead of being moved by the kernel.
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

    // What its operations know (Operations.kt, Reads.kt, Writes.kt, OutputState.kt)

    internal val reading = Parking(core, Direction.READ)
    internal val writing = Parking(core, Direction.WRITE)
    internal var budget = OPERATIONS_WITHOUT_YIELDING

    /**
     * The context of the handler that this connection belongs to, if the handler runs on the connection's own loop. A coroutine that
     * the handler has started, by `withContext` too, has a context of its own. So identity tells whether the handler is calling.
     */
    internal var ownerContext: CoroutineContext? = null
    internal var owner: Job? = null

    /** Why nothing can be written any more; null if that is not so. */
    @Volatile internal var brokenOutput: String? = null

    /** Why nothing can be read any more; null if that is not so. */
    internal var brokenInput: String? = null

    /** Reads have to look at [reader]'s bytes, or at [brokenInput], first. The coroutine that reads owns this. */
    internal var hasReturned = false

    /** Something has been written since a read was last begun. A handler that ends now may end in the midst of an answer. */
    internal var answering = false

    /** How many coroutines wait for the peer's end. */
    @Volatile internal var watching = 0

    // What it has made (ConnectionBuffers.kt)

    @Volatile internal var madeReader: Reader? = unread?.let { newReader(it) }
    @Volatile internal var madeWriter: Writer? = null

    /** Once frames are made, every write looks whether its turn has come. */
    @Volatile internal var madeFrames: Frames? = null

    /** What reader and writer hold has been given back. Nobody gets anything from now on. */
    @Volatile internal var buffersEnded = false

    // How it ends (ConnectionEnd.kt)

    /** The handlers that its own handler is one of; null without a handler. Reader and writer end with the handler, and not before. */
    internal var handlers: Handlers? = null

    /** Its handler has been told that no request is wanted, and there was none. */
    internal var isToldNone = false

    /** Its handler was waiting for a request when it was told so, and not at work on the last one. */
    internal var endedIdle = false

    init {
        core.setAttendant(ConnectionAttendant(this))
    }

    internal val loop: EventLoop get() = core.loop()
    internal val buffering: Buffering get() = reactor.buffering

    /** The peer's address, also after closing: a [java.net.InetSocketAddress], or a unix address, which often has no name. */
    public val remoteAddress: SocketAddress get() = core.remoteAddress()

    /**
     * The address of this side.
     *
     * @throws NetparkException.Closed the connection was closed before this was first asked
     */
    public val localAddress: SocketAddress get() = core.localAddress()

    /**
     * What the TLS handshake has agreed on; null without TLS, and before the end of the handshake. It stays when the connection is
     * closed. [startTls][io.netpark.coroutines.tls.startTls] begins TLS on a connection that is plain.
     */
    public val tlsSession: TlsSession? get() = core.tlsSession()

    /** Whether [close] has not been called yet. It says nothing about the peer. */
    public val isOpen: Boolean get() = !core.isClosed && lease?.isLent != false

    /**
     * Whether a handler should begin nothing long: its [Listener] is [shutting down][Listener.shutdown], or the call of [Listener.serve]
     * was cancelled and lets handlers finish. False for a connection that [Listener.serve] does not handle.
     */
    public val isDraining: Boolean get() = handlers?.isDraining == true

    /** The dispatcher of its event loop, for coroutines that want to live beside it. Its handler may have another dispatcher. */
    public val dispatcher: LoopDispatcher get() = reactor.dispatcherOf(core.loop())

    /**
     * Suspends until the first byte of a request is there, or until no request is wanted any more. No request is wanted when the
     * connection [is draining][isDraining] and its listener does not accept any more. Then the handler is told that there is none,
     * and should return. A request that has arrived by then is not lost. For a connection that [Listener.serve] does not handle this
     * is [Reader.await].
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

    /**
     * Parses the input: bytes in pooled memory, numbers, lines, delimiters. The reader keeps bytes that it has read from the connection
     * and nobody has asked for. From then on [read] would miss them. The reader ends with the handler: coroutines that use
     * it are that handler's children.
     */
    public val reader: Reader
        get() {
            lease?.checkLent()
            return madeReader ?: makeReader()
        }

    /** Builds output in pooled memory, and flushes it. The writer ends with the handler, as [reader] does. */
    public val writer: Writer
        get() {
            lease?.checkLent()
            return madeWriter ?: makeWriter()
        }

    /** Takes whole frames from many coroutines. Other writes take turns with them. */
    public val frames: Frames get() = madeFrames ?: makeFrames()

    // Reading

    /**
     * Reads what has arrived, at most what [target] has room for, and advances its position. Suspends until at least one byte is
     * there. If [target] has no room, the read returns 0 at once.
     *
     * **Cancelled**, it has consumed nothing and the connection is as before.
     *
     * @return the number of bytes read, or [END_OF_STREAM] once the peer has shut down its output
     * @throws NetparkException.Reset the peer has reset the connection
     * @throws NetparkException.TimedOut the read has waited for [readTimeout], or [readDeadline] has passed
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
     * Reads into several buffers, one after another, by one system call (readv); otherwise as [read].
     *
     * **Cancelled**, it has consumed nothing and the connection is as before.
     */
    public suspend fun read(targets: Array<ByteBuffer>): Int =
        runRead({ targets.sumOf { readReturned(it) } }, { core.startRead(targets) }, { core.retryRead(targets) })

    // Writing

    /**
     * Writes all of [source], after everything that [writer] holds. The peer gets bytes in the order in which they were written,
     * by whichever function. Suspends while the peer, or the network, does not take more.
     *
     * **Cancelled**, timed out or failed, the position of [source] says how much has been written. That much is on its
     * way and cannot be taken back. The connection can still be written to.
     *
     * @throws NetparkException.Reset the peer is gone, or [shutdownOutput] was called
     * @throws NetparkException.TimedOut the write has waited for [writeTimeout], or [writeDeadline] has passed
     * @throws NetparkException.Closed the connection is closed, before or meanwhile
     * @throws IllegalStateException another coroutine is writing
     */
    public suspend inline fun write(source: ByteBuffer) {
        perform({ previous, context -> writeStep(previous, context, source) }, { pause(it) })
    }

    /**
     * Writes a part of an array; otherwise as [write] of a buffer.
     *
     * **Cancelled**, timed out or failed after a part of the array was written, the write **breaks the output**. Nobody could tell
     * how far it got, so every later write fails with [NetparkException.Closed] and says so. Reading goes on. A write that is cancelled
     * before its first byte leaves the connection as before.
     */
    public suspend fun write(source: ByteArray, offset: Int = 0, length: Int = source.size - offset) {
        val buffer = ByteBuffer.wrap(source, offset, length)
        breakingIfCutOff(buffer, offset, length) {
            perform({ previous, context -> writeStep(previous, context, buffer, isWhole = true) }, { pause(it) })
        }
    }

    /**
     * Writes all of several buffers by as few system calls as possible (writev); otherwise as [write].
     *
     * **Cancelled**, timed out or failed, the positions say how much has been written.
     */
    public suspend fun write(sources: Array<ByteBuffer>) {
        val before = sources.sumOf { it.remaining().toLong() }
        runWrite({ core.startWrite(sources) }, { core.retryWrite(sources) }, { before - sources.sumOf { it.remaining().toLong() } })
    }

    /** Says that a failure is about this connection. */
    internal fun <E : NetparkException> about(failure: E): E = failure.apply { setAbout(core) }

    // Ending

    /**
     * Ends the outgoing stream: the peer reads what was written, then the end. Reading goes on, so an answer can still
     * come. Later writes fail with [NetparkException.Reset]. Calling it again has no effect.
     *
     * With TLS the peer is told by close_notify. Up to TLS 1.2 it ends its own stream then, and throws away what it has not sent yet
     * (RFC 5246, 7.2.1): only TLS 1.3 has streams that end one by one.
     *
     * @throws IllegalStateException [writer] holds bytes, which would be lost, and is to be flushed first; or frames are still being
     *     written
     * @throws NetparkException.Closed the connection is closed, or an earlier write has broken the output, which must not look complete
     */
    public fun shutdownOutput() {
        requireFlushed("shut down the output to")
        checkOutput()
        requireFramesSent("shut down the output to") { it.endIfIdle() }
        checkOutput() // once more: a frame that was still on its way may have broken it
        lease?.spoil()
        answering = false
        core.shutdownOutput()
    }

    /**
     * Closes the connection. Operations in progress on it, in other coroutines, end with [NetparkException.Closed]. What
     * has been sent is still delivered, unless unread bytes have arrived or arrive later. Then the kernel sends a reset;
     * [closeLingering] avoids that. Bytes that [writer] holds are dropped, and what another coroutine is writing of an array or a file. Then
     * the connection ends with a reset, so that the peer does not take what it has got for all there is. Closing never suspends.
     * Calling it again has no effect.
     *
     * With TLS the peer is told by close_notify. If the kernel has no room for that, the event loop sends it when there is room, for ten
     * seconds at most.
     *
     * The memory of [reader] and [writer] is given back when the handler of the connection ends. For a connection that was dialed it is
     * given back at once, and views of it are empty then. If another thread is using the reader or the writer, the memory is given back
     * when that call returns. A view that another thread may be looking at stays what it is until the garbage collector finds it.
     */
    override fun close() {
        if (lease?.isLent == false) return // it is another borrower's by now
        val dropped = unsent()
        if (dropped > 0 && !core.isClosed) brokenOutput = "$dropped bytes that the writer held, or frames had, were dropped when it was closed"
        if (isCutOffByEnd()) core.reset() else core.close()
        if (handlers == null) endBuffers()
    }

    /**
     * Flushes what [writer] holds, ends the outgoing stream, and closes the connection. Nothing is lost that is on its way to the peer,
     * even if the peer is still sending. This is for a handler that answers early: one that refuses a long upload, for example. After
     * [close] the kernel would answer the next byte of the upload by a reset, and the peer would lose the refusal.
     *
     * When this returns the connection is closed to everybody here. In the background the peer's bytes are read and thrown away, until
     * the peer ends its stream. That holds a descriptor and no memory, and ends with the reactor.
     *
     * If an earlier write has broken the output, this is [close], by a reset.
     *
     * **Cancelled**, timed out or failed in flushing, it leaves the connection open, and in the writer what has not been sent.
     *
     * @param time how long the peer has at most to end its stream
     * @param bytes how many of the peer's bytes are thrown away at most
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
     * Whether the peer has ended its output, or is gone, as far as that is known. It is known without reading. Asking costs no system
     * call. [awaitPeerClosed] says more.
     */
    public val peerState: PeerState get() = if (lease?.isLent == false) PeerState.CLOSED else core.peerState()

    /**
     * Closes the connection by a reset: what is unsent is dropped, and the peer's next operation fails. This is for a peer that
     * misbehaves.
     */
    public fun reset() {
        if (lease?.isLent == false) return // as for close
        core.reset()
        close()
    }

    // Timeouts and deadlines

    /**
     * How long a read may wait. Then the read fails with [NetparkException.TimedOut], `READ`. It has consumed nothing, and the
     * connection is as before. The time begins anew with each read, and a read that finds bytes takes none of it. [Duration.INFINITE],
     * the default, is no timeout.
     *
     * Any thread may set it. For a read that is suspended, a change counts from now. The timeout costs a read that suspends some
     * tens of nanoseconds, and any other read nothing.
     *
     * @throws IllegalArgumentException the timeout is set to zero or less
     */
    public var readTimeout: Duration
        get() = timeoutOf(core.timeoutNanos(Direction.READ))
        set(value) {
            lease?.checkLent()
            core.setTimeout(Direction.READ, value.timeoutNanos("read timeout"))
        }

    /**
     * As [readTimeout], for writes. A write that times out leaves what a cancelled write leaves. Progress begins the time anew: whenever
     * a write has got rid of some bytes and has to wait again, and while the peer takes bytes that the kernel holds. So the timeout
     * ends a write to a peer that has stopped, and not to a peer that is slow.
     */
    public var writeTimeout: Duration
        get() = timeoutOf(core.timeoutNanos(Direction.WRITE))
        set(value) {
            lease?.checkLent()
            core.setTimeout(Direction.WRITE, value.timeoutNanos("write timeout"))
        }

    /**
     * After how long without a byte in either direction the connection is closed. Its operations then fail with
     * [NetparkException.TimedOut], `IDLE`. The time counts from when the timeout is set. [Duration.INFINITE], the default, is no timeout.
     *
     * This is about bytes. With TLS the bytes of all records count, those of the handshake as well. TCP keepalive, which is on by default,
     * finds out whether the peer is still there.
     *
     * @throws IllegalArgumentException the timeout is set to zero or less
     */
    public var idleTimeout: Duration
        get() = timeoutOf(core.idleTimeoutNanos())
        set(value) {
            lease?.checkLent()
            core.setIdleTimeout(value.timeoutNanos("idle timeout"))
        }

    /**
     * The instant from which on reads fail with [NetparkException.TimedOut], `READ`, even if there are bytes; null, the default, for
     * none. A deadline wakes a read that is suspended, and a change counts for such a read as well. A deadline in the past lets reads
     * fail at once. A deadline stays until it is replaced: to go on reading after it has passed, set another, or null. It is for what
     * must be over however many reads it takes, the head of a request, for example: `TimeSource.Monotonic.markNow() + 10.seconds`.
     *
     * With a [readTimeout] as well, the earlier of the two strikes, and the error says which it was. A mark of a clock other than the
     * monotonic one becomes an instant of the monotonic clock when it is set.
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
     * Runs a part of an exchange, a handshake, for example, that must be over in [limit] however many operations it has.
     *
     * **Cancelled**, or when the time is over, [block] is cancelled, with what its operations say about that. The
     * connection stays open.
     *
     * @param name what the error calls the part
     * @throws NetparkException.TimedOut the part took longer; the timeout is `EXCHANGE`
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
