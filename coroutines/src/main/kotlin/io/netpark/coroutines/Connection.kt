package io.netpark.coroutines

import io.netpark.core.buffer.LinkBuffer
import io.netpark.core.buffer.OwnedBuffer
import io.netpark.core.fd.Descriptor
import io.netpark.core.fd.Direction
import io.netpark.core.loop.EventLoop
import io.netpark.core.net.ConnectionDescriptor
import io.netpark.core.net.FileTransfer
import io.netpark.core.net.NetOption
import io.netpark.core.net.Detached
import io.netpark.core.net.PassedDescriptors
import io.netpark.core.net.PeerCredentials
import io.netpark.core.net.PeerState
import io.netpark.core.net.TcpInfo
import io.netpark.core.net.Transfer
import io.netpark.core.net.ZeroCopy
import io.netpark.core.sys.AddressText
import io.netpark.core.sys.Due
import io.netpark.core.sys.NetparkException
import io.netpark.core.sys.OpenDescriptor
import java.net.SocketAddress
import java.nio.ByteBuffer
import java.util.concurrent.atomic.AtomicIntegerFieldUpdater
import kotlin.coroutines.CoroutineContext
import kotlin.coroutines.coroutineContext
import kotlin.coroutines.resume
import kotlin.time.Duration
import kotlin.time.Duration.Companion.seconds
import kotlin.time.TimeMark
import kotlin.time.toKotlinDuration
import kotlinx.coroutines.Job
import kotlinx.coroutines.ensureActive
import kotlinx.coroutines.job
import kotlinx.coroutines.suspendCancellableCoroutine
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
    private val lease: Lease? = null,
) : AutoCloseable {

    private val reading = Parking(core, Direction.READ)
    private val writing = Parking(core, Direction.WRITE)
    private var budget = OPERATIONS_WITHOUT_YIELDING
    @Volatile private var brokenOutput: String? = null
    private var brokenInput: String? = null

    /** Reads have to look at [reader]'s bytes, or [brokenInput], first. Belongs to who reads. */
    private var hasReturned = false

    /** Something has been written since a read was last begun: who ends now ends in the midst of an answer, for all that is known. */
    private var answering = false

    /** How many wait for the peer's end. */
    @Volatile private var watching = 0

    /** Its handler has been told that no request is wanted, and there was none. */
    private var isToldNone = false

    /** It was waiting for a request when it was told so, and not at work on the last one. */
    internal var endedIdle = false
        private set

    /**
     * The context of the handler that this connection belongs to, if it runs on the connection's own loop. A coroutine
     * started inside the handler, by `withContext` too, has a context of its own: so identity tells who is calling.
     */
    private var ownerContext: CoroutineContext? = null
    private var owner: Job? = null

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

    /**
     * For a read that is parked: whether no request is wanted any more. That it has may have been a guess, after a short
     * read, or for want of memory: so the kernel is asked. If there is nothing, the read is given up.
     *
     * @param hasWaited for this request, and since before none was wanted
     */
    internal fun isNoneWanted(hasWaited: Boolean): Boolean {
        if (handlers?.wantsNoRequests != true) return false
        try {
            if (core.peekInput() != 0) return false // to be read
        } catch (e: Throwable) {
            core.abandon(Direction.READ)
            throw e
        }
        core.abandon(Direction.READ)
        if (!isToldNone) {
            isToldNone = true
            endedIdle = hasWaited
        }
        return true
    }

    /** A read that is parked tries again; otherwise the next one does. From any thread. */
    internal fun lookAgain(): Unit = core.nudge(Direction.READ)

    internal val loop: EventLoop get() = core.loop()

    // Readers and writers

    @Volatile private var madeReader: Reader? = unread?.let { newReader(it) }
    @Volatile private var madeWriter: Writer? = null
    /** What reader and writer hold has been given back; nobody gets anything from now on. */
    @Volatile private var buffersEnded = false

    /** Among which its own handler is: its buffers end with that, and not before. Null for a connection without one. */
    internal var handlers: Handlers? = null

    /** A write is going on that breaks the output if it is cut off. Belongs to who writes. */
    private var isWhole = false

    /** Once made, every write looks whether it is its turn. */
    @Volatile private var madeFrames: Frames? = null

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
        return Reader(this, OwnedBuffer(core.loop(), buffer), buffer, buffering)
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
        return Writer(this, OwnedBuffer(core.loop(), buffer), buffer, buffering.highWaterMark)
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
        while (count == PARKED) {
            awaitReadable()
            checkActive(coroutineContext, Direction.READ)
            count = core.retryRead(targets)
        }
        return count
    }

    internal fun startRead(context: CoroutineContext, target: ByteBuffer): Int {
        beginRead(context)
        if (hasReturned) {
            val returned = readReturned(target)
            if (returned > 0) return returned
        }
        return core.startRead(target).also { chargeBudget(it.toLong()) }
    }

    internal fun retryRead(context: CoroutineContext, target: ByteBuffer): Int {
        checkActive(context, Direction.READ)
        return core.retryRead(target)
    }

    internal fun startRead(context: CoroutineContext, target: LinkBuffer): Int {
        beginRead(context)
        if (hasReturned) checkInput()
        return core.startRead(target).also { chargeBudget(it.toLong()) }
    }

    internal fun retryRead(context: CoroutineContext, target: LinkBuffer): Int {
        checkActive(context, Direction.READ)
        return core.retryRead(target)
    }

    internal suspend fun awaitReadable() {
        budget = OPERATIONS_WITHOUT_YIELDING
        val job = ownerIn(coroutineContext)
        return if (job != null) reading.awaitAsOwner(job) else reading.await()
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
        wholly {
            try {
                write(buffer)
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
        while (state != 0) {
            pause(state)
            checkActive(coroutineContext, Direction.WRITE)
            state = toWrite(core.retryWrite(sources))
        }
    }

    // Descriptors that are passed along

    /**
     * Reads as [read] does, from a unix socket, and takes what descriptors have come with the bytes. Any other read closes those
     * that come with its bytes, so until they have come neither [reader] nor [read] must be used.
     *
     * **Cancelled**, it has consumed nothing, neither bytes nor descriptors.
     *
     * @param into where descriptors go; it must hold none. They are the caller's to close, or to give to [Reactor.adopt]
     * @return the number of bytes read, or [END_OF_STREAM]
     * @throws IllegalStateException the connection is not one of unix sockets, or [into] holds some
     * @throws IllegalArgumentException [target] has no room for a byte, which descriptors come with
     */
    public suspend fun readDescriptors(target: ByteBuffer, into: PassedDescriptors): Int {
        if (isBudgetSpent()) yield()
        beginRead(coroutineContext)
        if (hasReturned) {
            val returned = readReturned(target)
            if (returned > 0) return returned
        }
        var count = core.startReadDescriptors(target, into)
        while (count == PARKED) {
            awaitReadable()
            checkActive(coroutineContext, Direction.READ)
            count = core.retryReadDescriptors(target, into)
        }
        return count
    }

    /**
     * Writes all of [source] to a unix socket, and passes [descriptors] along with its first byte: the peer gets descriptors of
     * its own for the same open files. Those given here stay the caller's, open until this returns.
     *
     * **Cancelled**, timed out or failed, the position of [source] says how much has been written. If that is anything, the
     * descriptors are on their way too.
     *
     * @param descriptors 1 to 253
     * @throws NetparkException a descriptor is not open, or cannot be passed; and as [write]
     * @throws IllegalStateException the connection is not one of unix sockets
     * @throws IllegalArgumentException there is no byte to go with them, or they are too many
     */
    public suspend fun writeDescriptors(source: ByteBuffer, vararg descriptors: OpenDescriptor) {
        if (isBudgetSpent()) yield()
        if (hasUnflushed()) flushRest()
        beginWrite(coroutineContext)
        var state = inTurn(
            { core.startWriteDescriptors(source, *descriptors) },
            { core.retryWriteDescriptors(source, *descriptors) },
        )
        while (state != 0) {
            pause(state)
            checkActive(coroutineContext, Direction.WRITE)
            state = toWrite(core.retryWriteDescriptors(source, *descriptors))
        }
        write(source)
    }

    internal fun startWrite(context: CoroutineContext, source: ByteBuffer): Int {
        beginWrite(context)
        val before = source.remaining()
        return inTurn({ core.startWrite(source) }, { holdFrames(); core.retryWrite(source) })
            .also { chargeBudget(before - source.remaining().toLong()) }
    }

    internal fun retryWrite(context: CoroutineContext, source: ByteBuffer): Int {
        holdFrames()
        checkActive(context, Direction.WRITE)
        return core.retryWrite(source)
    }

    internal fun startWrite(context: CoroutineContext, source: LinkBuffer): Int {
        beginWrite(context)
        val before = source.available()
        // What is left of an earlier flush goes before the frames that wait for it.
        val state = if (madeFrames?.isHeld == true) {
            toWrite(holdingFrames { core.startWrite(source) })
        } else {
            inTurn({ core.startWrite(source) }, { holdingFrames { core.retryWrite(source) } })
        }
        chargeBudget(before - source.available())
        return state
    }

    internal fun retryWrite(context: CoroutineContext, source: LinkBuffer): Int {
        checkActive(context, Direction.WRITE)
        return holdingFrames { core.retryWrite(source) }
    }

    /** Starts a write. If there are frames, they lend it the lock, and it is [retried][retry]; or it is [FRAMES_FIRST], and then retried. */
    private inline fun inTurn(start: () -> Int, retry: () -> Int): Int {
        val frames = madeFrames ?: return toWrite(start())
        return if (frames.lendOutput()) toWrite(retry()) else FRAMES_FIRST
    }

    /** Nothing comes between the bytes of a flush, even if it is broken off and another goes on. */
    private inline fun holdingFrames(flush: () -> Int): Int {
        val frames = madeFrames ?: return flush()
        val held = frames.hold()
        try {
            val state = flush()
            if (state != Descriptor.PARK) frames.goOn()
            return state
        } catch (e: Throwable) {
            // Whatever has ended the stream, frames are to find out. A flush that met another write has not begun.
            if (if (e is NetparkException) e !is NetparkException.TimedOut else !held) frames.goOn()
            throw e
        }
    }

    /** Runs a write that breaks the output if it is cut off: that is found out before any frame is written behind it. */
    internal inline fun <T> wholly(write: () -> T): T {
        isWhole = true
        try {
            return write()
        } finally {
            isWhole = false
            if (!hasUnflushed()) madeFrames?.goOn()
        }
    }

    private fun holdFrames() {
        if (isWhole) madeFrames?.hold()
    }

    /** What was written before goes before. */
    internal suspend fun beforeFile() {
        if (hasUnflushed()) flushRest()
    }

    /** A frame is written by others than its caller, and so cannot flush first. */
    internal fun beforeFrame() {
        lease?.checkLent()
        requireFlushed("write a frame to")
        checkOutput()
        answering = true
    }

    /** Whether a frame may be sent, for who does not want to be told why not. */
    internal fun acceptsFrames(): Boolean = isOpen && !isOutputBroken

    /** Something is being written that must not look complete if it is cut off. */
    internal fun noteAnswer() {
        answering = true
    }

    /** How much the writer holds. */
    private fun unflushed(): Long = madeWriter?.buffered() ?: 0

    /** How much the writer holds, and what waits to be sent by frames. */
    private fun unsent(): Long = unflushed() + (madeFrames?.waitingBytes ?: 0)

    internal fun hasUnflushed(): Boolean = unflushed() > 0

    /** Flushes what the writer holds, if the connection is open. */
    internal suspend fun flushRest() {
        if (hasUnflushed() && isOpen) writer.flush()
    }

    private fun requireFlushed(what: String) {
        check(!hasUnflushed()) { "$what ${AddressText.of(remoteAddress)}: flush the writer first, it holds ${unflushed()} bytes" }
    }

    private fun requireSent(what: String) {
        requireFlushed(what)
        check(madeFrames?.isIdle != false) { "$what ${AddressText.of(remoteAddress)}: its frames are still being written" }
    }

    /** Flushes what the writer holds, and suspends until all frames have been written that were sent before: the last that is written. */
    internal suspend fun finishOutput() {
        flushRest()
        if (isOpen) madeFrames?.finish()
    }

    internal fun startSend(context: CoroutineContext, transfer: FileTransfer): Int {
        beginWrite(context)
        val before = transfer.sent()
        return ofTheFile { inTurn({ core.startSend(transfer) }, { holdFrames(); core.retrySend(transfer) }) }
            .also { chargeBudget(transfer.sent() - before) }
    }

    internal fun retrySend(context: CoroutineContext, transfer: FileTransfer): Int {
        holdFrames()
        checkActive(context, Direction.WRITE)
        return toWrite(ofTheFile { core.retrySend(transfer) })
    }

    /** A file that is cut off is no failure of this connection. */
    private inline fun ofTheFile(send: () -> Int): Int = try {
        send()
    } catch (e: NetparkException.Truncated) {
        throw NetparkException.Truncated(e.message.orEmpty()).apply { initCause(e) }
    }

    /** A write that was to be retried will not be. */
    internal fun giveUpWrite() {
        core.abandon(Direction.WRITE)
    }

    internal fun breakOutput(why: String) {
        brokenOutput = why
        madeFrames?.breakOff(brokenOff(why))
    }

    private fun brokenOff(why: String) = about(NetparkException.Closed("write to ${AddressText.of(remoteAddress)}: the output is broken, $why"))

    internal suspend fun awaitWritable() {
        budget = OPERATIONS_WITHOUT_YIELDING
        val job = ownerIn(coroutineContext)
        return if (job != null) writing.awaitAsOwner(job) else writing.await()
    }

    // Being copied, from and to

    /** Both may be used, and [target] written to. */
    internal fun checkCopyTo(target: Connection) {
        lease?.checkLent()
        checkInput()
        target.lease?.checkLent()
        target.checkOutput()
        target.answering = true
    }

    /** What has to be written before a copy; null for nothing. */
    internal fun enqueued(): OwnedBuffer? = madeWriter?.owned

    /** A copy from [source] to this has ended, and may have been in the midst of something. */
    internal fun copyEnded(source: Connection, copy: Transfer, failure: Exception?) {
        if (failure == null) return
        if (copy.isMidway) breakOutput("a copy from ${AddressText.of(source.remoteAddress)} ended in the midst of its bytes ($failure)")
        if (copy.isMidway || source.core.isReset) lease?.spoil()
        if (copy.lost() > 0) {
            source.brokenInput = "${copy.lost()} bytes of it were lost in a copy ($failure)"
            source.lease?.spoil()
        }
        source.hasReturned = copy.lost() > 0 || source.unreadBytes() > 0
        if (!source.isOpen) source.madeReader?.owned?.end() // nobody will read it
    }

    /** Not through [reader] only: what a copy has put back, or lost, comes before what is read from the socket. */
    private fun readReturned(target: ByteBuffer): Int {
        checkInput()
        hasReturned = unreadBytes() > 0
        return if (hasReturned && target.hasRemaining()) reader.take(target) else 0
    }

    private fun unreadBytes(): Long = madeReader?.takeIf { lease?.isLent != false }?.available() ?: 0

    private fun checkInput() {
        brokenInput?.let { throw NetparkException.Closed("read from ${AddressText.of(remoteAddress)}: the input is broken, $it") }
    }

    /** What was reset stays reset, and what was closed (for being idle, say) closed: the operation says so. */
    internal fun checkOutput() {
        val why = brokenOutput ?: return
        if (!core.isClosed && !core.isReset) throw brokenOff(why)
    }

    /** Says that a failure is about this connection. */
    internal fun <E : NetparkException> about(failure: E): E = failure.apply { setAbout(core) }

    // Options

    /**
     * The value of a socket option.
     *
     * @throws NetparkException.Closed the connection is closed
     * @throws NetparkException a socket of this kind does not have it
     */
    public fun <T : Any> getOption(option: NetOption<T>): T {
        lease?.checkLent()
        return core.getOption(option)
    }

    /** As the other, for an option that is a time. */
    @JvmName("getTimeOption")
    public fun getOption(option: NetOption<java.time.Duration>): Duration =
        getOption<java.time.Duration>(option).toKotlinDuration()

    /**
     * Sets a socket option.
     *
     * @throws NetparkException.Closed the connection is closed
     * @throws NetparkException a socket of this kind does not have it, or the value is refused
     */
    public fun <T : Any> setOption(option: NetOption<T>, value: T) {
        lease?.checkLent()
        core.setOption(option, value)
    }

    /**
     * Whether large buffers are sent without a copy from now on (MSG_ZEROCOPY): segments of [writer], and direct buffers that are
     * [linked][io.netpark.core.buffer.BufferWriter.link] into it. Off by default; [ZeroCopy] says when it pays, which is never within
     * one machine.
     *
     * `flush` suspends no longer than otherwise: until the kernel has taken the bytes. It has them on loan then, and the owner of a
     * linked buffer is told when it gives them back, also after a cancellation or [close]. Other writes copy, as ever.
     *
     * @throws NetparkException the kernel does not do it for such a socket: only for TCP
     * @throws NetparkException.Closed the connection is closed
     * @throws IllegalStateException SO_ZEROCOPY is set already, by who had the descriptor before
     */
    public fun setZeroCopy(how: ZeroCopy) {
        lease?.checkLent()
        core.setZeroCopy(how)
    }

    /** How many sends had their bytes lent to the kernel, and what became of them. */
    public val zeroCopyCount: ZeroCopy.Count get() = core.zeroCopyCount()

    /**
     * What the kernel knows of this TCP connection: round trips, retransmissions, windows.
     *
     * @throws NetparkException.Closed the connection is closed
     */
    public fun tcpInfo(): TcpInfo {
        lease?.checkLent()
        return core.tcpInfo()
    }

    /**
     * Who is at the other end of a unix socket.
     *
     * @throws NetparkException.Closed the connection is closed
     * @throws IllegalStateException it is one of TCP, which does not know
     */
    public fun peerCredentials(): PeerCredentials {
        lease?.checkLent()
        return core.peerCredentials()
    }

    // Ending

    /**
     * Ends the outgoing stream: the peer reads what was written, then the end. Reading goes on, so an answer can still
     * come. Later writes fail with [NetparkException.Reset]. Calling it again has no effect.
     *
     * @throws IllegalStateException [writer] holds bytes, which would be lost: flush it first; or frames are still being written
     * @throws NetparkException.Closed the connection is closed, or an earlier write has broken the output, which must not look complete
     */
    public fun shutdownOutput() {
        requireSent("shut down the output to")
        checkOutput()
        madeFrames?.refuse()
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
     * Suspends until the peer has ended its output or is gone: for a handler that waits for something else, or works, and wants to
     * know that nobody waits for its answer.
     *
     * ```
     * coroutineScope {
     *     val watch = launch {
     *         connection.awaitPeerClosed()
     *         this@coroutineScope.cancel("the client has gone")
     *     }
     *     connection.write(compute())
     *     watch.cancel()
     * }
     * ```
     *
     * It reads nothing, does not disturb who does, and sees an end behind bytes that nobody has read. A TCP peer that has closed its
     * connection looks like one that has only ended its output, until something is sent to it: a client that half-closes and waits
     * for its answer is told by waiting for [PeerState.GONE] instead. Several coroutines may wait. Unused, it costs nothing.
     *
     * **Cancelled**, it leaves the connection as it was.
     *
     * @param from what to wait for: [PeerState.HALF_CLOSED], or [PeerState.GONE]
     * @return which it was: [PeerState.HALF_CLOSED] or [PeerState.GONE]
     * @throws NetparkException.Closed the connection is closed here, before or meanwhile
     */
    public suspend fun awaitPeerClosed(from: PeerState = PeerState.HALF_CLOSED): PeerState {
        require(from == PeerState.HALF_CLOSED || from == PeerState.GONE) { "wait for HALF_CLOSED or GONE, not for $from" }
        WATCHING.incrementAndGet(this) // first, as who gives back a lease looks at that last
        val state = try {
            checkActive(coroutineContext)
            suspendCancellableCoroutine { continuation ->
                val watch = core.watchPeer(from) { continuation.resume(it) }
                continuation.invokeOnCancellation { watch.close() }
            }
        } finally {
            WATCHING.decrementAndGet(this)
        }
        if (state == PeerState.CLOSED) throw about(NetparkException.Closed("await the end of ${AddressText.of(remoteAddress)}: closed here"))
        return state
    }

    /** Whether nothing of an exchange is left: for the next borrower of a pool. */
    internal fun isClean(): Boolean = brokenOutput == null && !core.isInUse && watching == 0 &&
        (madeReader?.available() ?: 0) == 0L && (madeWriter?.buffered() ?: 0) == 0L &&
        madeFrames?.isIdle != false

    /** A pool closes it, and it was left in the midst of something that must not look complete to the peer. */
    internal fun resetIfCutOff() {
        if (unsent() > 0 || isOutputBroken) core.reset()
    }

    /** Gives back what reader and writer hold, and whoever uses them from now on finds nothing. */
    internal fun endBuffers() {
        buffersEnded = true
        madeReader?.owned?.end()
        madeWriter?.run { loop.countDropped(owned.end()) }
    }

    /** As [endBuffers], and whoever uses them is told [why] not. */
    internal fun refuseBuffers(why: String) {
        buffersEnded = true
        madeReader?.owned?.refuse(why)
        madeWriter?.run { loop.countDropped(owned.refuse(why)) }
    }

    // The end of a handler

    /** An earlier write has ended within something, and nothing can be written any more. */
    internal val isOutputBroken: Boolean get() = brokenOutput != null

    /**
     * The handler has failed or was cancelled: what it has not flushed is dropped, and what it may have cut off does not look
     * complete to the peer. To be closed by [closeWithBuffers].
     *
     * @return how many bytes are dropped
     */
    internal fun breakOff(): Long {
        val unsent = unsent()
        if (unsent > 0 || answering || isOutputBroken) core.reset()
        return unsent
    }

    /** Closes it under the hands of a handler, from any thread; its buffers are given back when that has ended. */
    internal fun cutOff() {
        if (answering || isOutputBroken || unsent() > 0) core.reset() else core.close()
    }

    /** Closes when the handler, with its children, is done with reader and writer. */
    internal fun closeWithBuffers() {
        // An answer may still be on its way, and a request that comes now must not reset it.
        if (isToldNone) core.closeLingering(Long.MAX_VALUE, IDLE_LINGERS.inWholeNanoseconds)
        core.close()
        endBuffers()
    }

    /**
     * Gives the connection to other code: takes it out of the reactor, open and non-blocking. This object is closed.
     *
     * @return the socket, and the bytes that [reader] has read from it and nobody has taken; to be closed, or given to
     *   [Reactor.adopt]
     * @throws NetparkException.Closed the connection is closed
     * @throws IllegalStateException a coroutine is reading or writing, or the writer has not been flushed, or the kernel has bytes
     *     on loan (see [setZeroCopy])
     */
    public fun detach(): Detached {
        lease?.checkLent()
        requireSent("detach the connection to")
        val descriptor = core.detach()
        try {
            return Detached(descriptor, madeReader?.run { takeBytes(available().toInt()) } ?: ByteArray(0))
        } catch (e: Throwable) { // no memory
            descriptor.close()
            throw e
        } finally {
            endBuffers()
        }
    }

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

    // The caller's coroutine

    /** Makes the handler that is calling the owner of this connection: it parks without allocating from now on. */
    internal fun own(handler: CoroutineContext): HandlerSensor {
        ownerContext = handler
        owner = handler.job
        return HandlerSensor(handler.job) {
            reading.ownerCancelled()
            writing.ownerCancelled()
        }
    }

    /** The owner's job, if that is who is calling. */
    private fun ownerIn(context: CoroutineContext): Job? = if (context === ownerContext) owner else null

    private fun jobIn(context: CoroutineContext): Job? = ownerIn(context) ?: context[Job]

    private fun checkActive(context: CoroutineContext) {
        lease?.checkLent()
        jobIn(context)?.ensureActive()
    }

    private fun beginRead(context: CoroutineContext) {
        checkActive(context)
        answering = false
    }

    private fun beginWrite(context: CoroutineContext) {
        checkActive(context)
        checkOutput()
        answering = true
    }

    /** For an operation that holds the lock of its direction. */
    private fun checkActive(context: CoroutineContext, direction: Direction) {
        val job = jobIn(context)
        if (job != null && !job.isActive) {
            core.abandon(direction)
            job.ensureActive()
        }
    }

    /**
     * Whether so many operations in a row have found no reason to suspend that others on the same thread should have
     * their turn. Shared by reader and writer, and only roughly counted.
     */
    internal fun isBudgetSpent(): Boolean {
        if (--budget > 0) return false
        budget = OPERATIONS_WITHOUT_YIELDING
        return true
    }

    /** A turn is bounded in bytes as well: a large read or write counts as several operations. */
    private fun chargeBudget(bytes: Long) {
        if (bytes > 0) budget -= (bytes ushr OPERATION_SHIFT).toInt()
    }

    override fun toString(): String = core.toString()

    public companion object {
        /** Returned by a read once the peer has shut down its output and everything before that has been read. */
        public const val END_OF_STREAM: Int = ConnectionDescriptor.END_OF_STREAM

        private const val PARKED: Int = Descriptor.PARK

        /** Tokio's number. */
        private const val OPERATIONS_WITHOUT_YIELDING = 128

        private val WATCHING = AtomicIntegerFieldUpdater.newUpdater(Connection::class.java, "watching")

        private val LINGERS = 10.seconds

        /** Of a connection that nobody has asked anything of. */
        private val IDLE_LINGERS = 5.seconds

        /** 16 KiB: so at most 2 MiB a turn. */
        private const val OPERATION_SHIFT = 14
    }
}
