package io.netpark.core.net;

import io.netpark.core.buffer.LinkBuffer;
import io.netpark.core.fd.Descriptor;
import io.netpark.core.fd.Direction;
import io.netpark.core.loop.Counters;
import io.netpark.core.loop.EventLoop;
import io.netpark.core.poll.Readiness;
import io.netpark.core.poll.WokenBatch;
import io.netpark.core.sys.DirectBuffers;
import io.netpark.core.sys.Errno;
import io.netpark.core.sys.Linux;
import io.netpark.core.sys.NetparkException;
import io.netpark.core.sys.Pipe;
import java.io.IOException;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * Two streams of bytes over one descriptor, one in and one out, each of which ends on its own. Operations follow the
 * template of {@link Descriptor}; {@code start…} begins one, {@code retry…} goes on with it after it was parked.
 *
 * <p>Direct buffers and segments are handed to the kernel as they are. Bytes of heap buffers pass through native memory,
 * up to 64 KiB at a time. Buffers stay the caller's; their bytes are used only during the calls. Only what a {@link LinkBuffer}
 * holds may be in use for longer, where {@linkplain #setZeroCopy zero copy} is wanted.
 */
public abstract sealed class ByteStream extends ByteInput permits Connection {

    /**
     * Returned by an operation that could go on, and has moved so much that others on its loop should have their turn before
     * it is retried. Otherwise as {@link #PARK}: it keeps the lock, and may be abandoned.
     */
    public static final int TURN_OVER = -3;

    /** As its counterpart of reads. Belongs to whoever holds the write lock. */
    private @Nullable ByteBuffer lastSource;
    private long lastSourceAddress;

    /** Made when first set. */
    private volatile @Nullable IdleTimeout idle;
    /** Made when first set. */
    private volatile @Nullable Loans loans;

    ByteStream(EventLoop loop, int fd) {
        super(loop, fd);
    }

    // Writing

    /**
     * Writes all of {@code source}. Its position advances by what the kernel has taken, also when this returns
     * {@link #PARK} or throws.
     *
     * @return 0 when all is written, or {@link #PARK}
     * @throws NetparkException.Reset if the peer is gone or has reset the connection, or the output is shut down
     * @throws NetparkException.TimedOut if the write deadline has passed; progress extends it
     * @throws NetparkException.Closed if the connection is closed
     */
    public int startWrite(ByteBuffer source) throws NetparkException {
        start(Direction.WRITE);
        return attemptWrite(source);
    }

    /** Goes on with {@link #startWrite}; the buffer may be another one. */
    public int retryWrite(ByteBuffer source) throws NetparkException {
        resume(Direction.WRITE);
        return attemptWrite(source);
    }

    private int attemptWrite(ByteBuffer source) throws NetparkException {
        return source.isDirect() ? writeDirect(source) : writeThroughScratch(source);
    }

    private long address(ByteBuffer source) {
        if (source != lastSource) {
            lastSourceAddress = DirectBuffers.address(source);
            lastSource = source;
        }
        return lastSourceAddress;
    }

    private int writeDirect(ByteBuffer source) throws NetparkException {
        int start = source.position();
        long base = address(source);
        int outcome = 0;
        while (source.hasRemaining()) {
            int position = source.position();
            long sent = send(base + position, source.remaining());
            if (sent < 0) {
                outcome = (int) sent;
                break;
            }
            source.position(position + (int) sent);
        }
        Reference.reachabilityFence(source);
        return sent(outcome, source.position() - start);
    }

    private int writeThroughScratch(ByteBuffer source) throws NetparkException {
        int start = source.position();
        Scratch scratch = Scratch.take();
        int outcome = 0;
        try {
            while (source.hasRemaining()) {
                int length = Math.min(source.remaining(), Scratch.CAPACITY);
                scratch.memory().put(Scratch.BYTES, source, source.position(), length);
                long sent = send(scratch.address(Scratch.BYTES), length);
                if (sent < 0) {
                    outcome = (int) sent;
                    break;
                }
                source.position(source.position() + (int) sent);
            }
        } finally {
            scratch.giveBack();
        }
        return sent(outcome, source.position() - start);
    }

    private long send(long address, int length) {
        long result;
        do {
            result = libc().send(fd(), address, length, Linux.MSG_NOSIGNAL);
        } while (result == -Errno.EINTR);
        return result;
    }

    /** The end of a write, or its pause. */
    private int sent(int outcome, long bytes) throws NetparkException {
        if (bytes > 0) {
            moved(Direction.WRITE, bytes);
        }
        if (outcome == -Errno.EAGAIN || outcome == FileTransfer.HAD_ITS_TURN) {
            if (bytes > 0) {
                extendDeadline(Direction.WRITE);
            }
            pause();
            return outcome == FileTransfer.HAD_ITS_TURN ? TURN_OVER : PARK;
        }
        NetparkException failure = outcome == 0 ? null : NetparkException.of(-outcome, operation(Direction.WRITE));
        finish(Direction.WRITE);
        if (failure != null) {
            throw failure;
        }
        return 0;
    }

    /**
     * Writes all of several buffers, gathered into as few sendmsg(2) as possible. Positions advance as for
     * {@link #startWrite(ByteBuffer)}.
     *
     * @return 0 when all is written, or {@link #PARK}
     */
    public int startWrite(ByteBuffer[] sources) throws NetparkException {
        start(Direction.WRITE);
        return attemptWrite(sources);
    }

    /** Goes on with {@link #startWrite(ByteBuffer[])}. */
    public int retryWrite(ByteBuffer[] sources) throws NetparkException {
        resume(Direction.WRITE);
        return attemptWrite(sources);
    }

    private int attemptWrite(ByteBuffer[] sources) throws NetparkException {
        Vector vector = Vector.take();
        int outcome = 0;
        long bytes = 0;
        try {
            while (vector.fillForWriting(sources) > 0) {
                long result;
                do {
                    result = libc().sendmsg(fd(), vector.message(), Linux.MSG_NOSIGNAL);
                } while (result == -Errno.EINTR);
                if (result < 0) {
                    outcome = (int) result;
                    break;
                }
                vector.advanceAfterWriting(sources, result);
                bytes += result;
            }
        } finally {
            vector.giveBack();
            Reference.reachabilityFence(sources);
        }
        return sent(outcome, bytes);
    }

    /**
     * Writes everything that a chain of segments holds, gathered into as few sendmsg(2) as possible. What the kernel has
     * taken is taken out of it, also when this returns {@link #PARK} or throws.
     *
     * @return 0 when all is written, or {@link #PARK}
     */
    public int startWrite(LinkBuffer source) throws NetparkException {
        start(Direction.WRITE);
        return attemptWrite(source);
    }

    /** Goes on with {@link #startWrite(LinkBuffer)}; the buffer may have got more. */
    public int retryWrite(LinkBuffer source) throws NetparkException {
        resume(Direction.WRITE);
        return attemptWrite(source);
    }

    private int attemptWrite(LinkBuffer source) throws NetparkException {
        long bytes = 0;
        long result = 0;
        try {
            while (source.available() > 0) {
                result = send(source);
                if (result < 0) {
                    break;
                }
                source.skip(result);
                bytes += result;
            }
        } catch (RuntimeException | Error e) { // a buffer that was closed meanwhile, say: the operation must end
            finish(Direction.WRITE);
            throw e;
        }
        return sent((int) Math.min(0, result), bytes);
    }

    /** One system call: of the bytes as they lie, or of a copy if they are on the heap. */
    private long send(LinkBuffer source) {
        Loans loans = this.loans;
        if (loans != null && loans.areWorthwhile(source.available())) {
            long sent = loans.send(libc(), fd(), source);
            loans.lookSoon();
            return sent;
        }
        int length = source.firstLength();
        if (length == source.available() && source.firstAddress() != 0) {
            return send(source.firstAddress(), length);
        }
        Vector vector = Vector.take();
        try {
            vector.fillForWriting(source);
            long result;
            do {
                result = libc().sendmsg(fd(), vector.message(), Linux.MSG_NOSIGNAL);
            } while (result == -Errno.EINTR);
            return result;
        } finally {
            vector.giveBack();
        }
    }

    // Sending without a copy

    private static final SocketOption<Boolean> ZERO_COPY =
            SocketOption.ofFlag("SO_ZEROCOPY", Linux.SOL_SOCKET, Linux.SO_ZEROCOPY);

    /**
     * Whether large {@link LinkBuffer}s are sent without a copy from now on; see {@link ZeroCopy} for when that pays, and for what
     * it means to the buffers' memory.
     *
     * @throws NetparkException if the kernel does not do it for such a socket: only for TCP, from Linux 4.14 on
     * @throws NetparkException.Closed if the connection is closed
     * @throws IllegalStateException if SO_ZEROCOPY is set already, by who had the descriptor before: the kernel goes on
     *     counting sends from there
     */
    public final void setZeroCopy(ZeroCopy how) throws NetparkException {
        synchronized (this) {
            Loans known = loans;
            if (known != null) {
                known.set(how);
            } else if (how.threshold() > 0) {
                requireZeroCopy();
                known = new Loans(loop(), this::look);
                known.set(how);
                loans = known;
            }
        }
    }

    private void requireZeroCopy() throws NetparkException {
        try {
            if (getOption(ZERO_COPY)) {
                throw new IllegalStateException("ask for zero copy on " + this + ": it has SO_ZEROCOPY set already");
            }
            setOption(ZERO_COPY, true);
        } catch (NetparkException.SystemError e) {
            throw NetparkException.of(e.errno(), "ask for zero copy on " + this + ", which only TCP has, from Linux 4.14 on");
        }
    }

    /** How many sends had their bytes lent to the kernel, and what became of them. */
    public final ZeroCopy.Count zeroCopyCount() {
        Loans known = loans;
        return known == null ? ZeroCopy.Count.NONE : known.count();
    }

    /**
     * Notices raise EPOLLERR, which is not an error then and does not last. A real one of TCP comes with EPOLLHUP (tcp_done() of
     * the kernel), or is all that there is.
     */
    @Override
    public final void ready(int readiness, WokenBatch woken) {
        if ((readiness & Readiness.ERROR) != 0 && loans != null && collectGuarded() && (readiness & Readiness.HANGUP) == 0
                && loop().poller().edgeTriggered()) { // without edges every report has to be answered
            readiness &= ~Readiness.ERROR;
        }
        super.ready(readiness, woken);
    }

    /** Whatever happens to what was lent, who is parked here must be woken. */
    private boolean collectGuarded() {
        try {
            return collect();
        } catch (Throwable e) {
            loop().report("Taking back what " + this + " had lent failed", e);
            return false;
        }
    }

    /** Takes what the kernel gives back. Returns whether that was anything. */
    private boolean collect() {
        Loans known = loans;
        if (known == null || !tryAcquire()) {
            return false;
        }
        try {
            return known.collect(libc(), fd());
        } finally {
            pause();
        }
    }

    private void look() {
        collect();
        Loans known = loans;
        if (known != null && !isClosed()) {
            known.lookSoon();
        }
    }

    @Override
    protected final boolean handsOver() {
        Loans known = loans;
        return known != null && Lingering.begin(loop(), fd(), known);
    }

    /** Gives up the descriptor, unless memory would be lost: the notices would be another's. */
    final int surrenderUnlent(String operation) throws NetparkException.Closed {
        collect();
        Loans known = loans;
        if (known != null && !known.isEmpty()) {
            throw new IllegalStateException(operation + ": the kernel has " + known.count().onLoan()
                    + " sends on loan; try again when zeroCopyCount says that they are back");
        }
        int descriptor = surrender(operation);
        if (known != null) {
            known.keep();
        }
        return descriptor;
    }

    // Sending files

    /**
     * Sends a part of a file. How far it has got is in {@code transfer}, also when this returns {@link #PARK} or throws: the
     * same transfer can be sent on by another start.
     *
     * @return 0 when all is sent, {@link #PARK}, or {@link #TURN_OVER}
     * @throws NetparkException as {@link #startWrite(ByteBuffer)}, saying how far it has got
     * @throws NetparkException.Truncated if the file has been cut off
     * @throws IOException if it cannot be read
     */
    public int startSend(FileTransfer transfer) throws IOException {
        start(Direction.WRITE);
        return attemptSend(transfer);
    }

    /** Goes on with {@link #startSend}. */
    public int retrySend(FileTransfer transfer) throws IOException {
        try {
            resume(Direction.WRITE);
        } catch (NetparkException e) {
            throw transfer.explain(e);
        }
        return attemptSend(transfer);
    }

    private int attemptSend(FileTransfer transfer) throws IOException {
        long before = transfer.sent();
        int outcome;
        try {
            outcome = transfer.send(libc(), fd());
        } catch (IOException | RuntimeException | Error e) {
            sent(0, transfer.sent() - before); // the operation has ended with it
            throw e;
        }
        try {
            return sent(outcome, transfer.sent() - before);
        } catch (NetparkException e) {
            throw transfer.explain(e);
        }
    }

    // Splicing

    /**
     * Moves everything that is in a pipe here.
     *
     * @return 0 when it is empty, {@link #PARK}, or {@link #NOT_SPLICED}
     */
    final int startSplice(Pipe from) throws NetparkException {
        start(Direction.WRITE);
        return attemptSplice(from);
    }

    /** Goes on with {@link #startSplice(Pipe)}. */
    final int retrySplice(Pipe from) throws NetparkException {
        resume(Direction.WRITE);
        return attemptSplice(from);
    }

    private int attemptSplice(Pipe from) throws NetparkException {
        int before = from.size();
        long result = 0;
        while (from.size() > 0 && result >= 0) {
            result = from.empty(fd()); // a peer that is gone makes a SIGPIPE as well, for which the JVM has a handler
        }
        if (isNotSpliced(result)) {
            finish(Direction.WRITE);
            return NOT_SPLICED;
        }
        return sent((int) Math.min(0, result), before - from.size());
    }

    // Ending one direction

    /**
     * Ends the outgoing stream: the peer reads what was written, then end of stream. Reading goes on. Idempotent, and
     * without effect on a connection that the peer has reset.
     *
     * @throws NetparkException.Closed if the connection is closed
     */
    public void shutdownOutput() throws NetparkException {
        shutdown(Linux.SHUT_WR, "shut down the output");
    }

    /**
     * Ends the incoming stream on this side: parked and later reads return end of stream once what has arrived is read.
     * The peer is not told.
     *
     * @throws NetparkException.Closed if the connection is closed
     */
    public void shutdownInput() throws NetparkException {
        shutdown(Linux.SHUT_RD, "shut down the input");
    }

    // Being idle

    /**
     * Closes the stream when no byte has moved in either direction for so long; operations then fail with
     * {@link NetparkException.TimedOut}. Counts from now on, and replaces the timeout in force. This is about bytes, not
     * about the peer's being there, which TCP keepalive asks for.
     *
     * @param nanos more than 0; or 0 for no timeout
     */
    public final void setIdleTimeout(long nanos) {
        if (nanos < 0) {
            throw new IllegalArgumentException("a timeout cannot be negative: " + nanos + " ns");
        }
        IdleTimeout timeout = idle;
        if (timeout == null) {
            if (nanos == 0) {
                return;
            }
            timeout = new IdleTimeout(this);
            idle = timeout;
        }
        timeout.set(nanos);
    }

    /** Without deadlines and idle timeout, as it was when it was new. */
    public final void forgetTimes() {
        clearDeadlines();
        if (idle != null) {
            setIdleTimeout(0);
        }
    }

    @Override
    final void moved(Direction direction, long bytes) {
        IdleTimeout timeout = idle;
        if (timeout != null) {
            timeout.touch();
        }
        Counters counters = loop().counters();
        if (counters != null) {
            if (direction == Direction.READ) {
                counters.read(bytes, loop().inLoop());
            } else {
                counters.written(bytes, loop().inLoop());
            }
        }
    }

    @Override
    protected void destroyed() {
        forgetMemory();
        IdleTimeout timeout = idle;
        if (timeout != null) {
            timeout.stop();
        }
    }

    @Override
    protected final NetparkException closed(Direction direction) {
        IdleTimeout timeout = idle;
        return timeout != null && timeout.hasExpired()
                ? new NetparkException.TimedOut(NetparkException.Timeout.IDLE,
                        operation(direction) + ": closed, because " + timeout)
                : super.closed(direction);
    }

    // What it is called

    @Override
    protected final String operation(Direction direction) {
        return (direction == Direction.READ ? "read from " : "write to ") + addresses();
    }

    /** Both ends, as far as they are known. */
    protected abstract String addresses();

    @Override
    protected final NetparkException.Timeout timeout(Direction direction) {
        return direction == Direction.READ ? NetparkException.Timeout.READ : NetparkException.Timeout.WRITE;
    }
}
