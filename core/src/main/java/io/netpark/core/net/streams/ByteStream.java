package io.netpark.core.net.streams;

import io.netpark.core.buffer.LinkBuffer;
import io.netpark.core.counting.Counters;
import io.netpark.core.fd.Descriptor;
import io.netpark.core.fd.Direction;
import io.netpark.core.linux.Linux;
import io.netpark.core.loop.EventLoop;
import io.netpark.core.memory.DirectBuffers;
import io.netpark.core.net.files.FileTransfer;
import io.netpark.core.net.options.NetOption;
import io.netpark.core.net.scratch.Vector;
import io.netpark.core.net.zerocopy.Lingering;
import io.netpark.core.net.zerocopy.Loans;
import io.netpark.core.net.zerocopy.ZeroCopy;
import io.netpark.core.poll.Readiness;
import io.netpark.core.poll.WokenBatch;
import io.netpark.core.sys.Due;
import io.netpark.core.sys.Errno;
import io.netpark.core.sys.NetparkException;
import io.netpark.core.sys.Pipe;
import java.io.IOException;
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
public abstract sealed class ByteStream extends ByteInput permits ConnectionDescriptor {

    /**
     * How many bytes one operation writes, on an event loop, before others have their turn. It returns {@link #PARK} then, and is
     * woken by a task of its loop.
     */
    static final int BYTES_A_TURN = 2 * 1024 * 1024;

    /** As its counterpart of reads. Belongs to whoever holds the write lock. */
    private @Nullable ByteBuffer lastSource;
    private long lastSourceAddress;

    /** The last write that had to wait met a full socket. Belongs to whoever holds the write lock; read while it is parked. */
    private boolean full;
    /** Made when a write deadline is first about to pass, on the loop. */
    private volatile @Nullable Uptake uptake;

    /** Made when first set. */
    private volatile @Nullable IdleTimeout idle;
    /** Made when first set. */
    private volatile @Nullable Loans loans;
    /** Set before the close that it is about. */
    private volatile LingeringClose.@Nullable Limit lingering;

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
        return perform(Direction.WRITE, false, WRITE_BUFFER, this, source, 0);
    }

    /** Goes on with {@link #startWrite}; the buffer may be another one. */
    public int retryWrite(ByteBuffer source) throws NetparkException {
        return perform(Direction.WRITE, true, WRITE_BUFFER, this, source, 0);
    }

    private static final Operation<ByteStream, ByteBuffer, NetparkException> WRITE_BUFFER =
            (self, source, most) -> self.write(Output.OF_BUFFER, source);

    /**
     * What all writes have in common: system calls until all is written, the kernel takes no more, or the turn is over. What has
     * been taken is accounted for, however it ends.
     */
    private <A, X extends IOException> int write(Output<A, X> output, A source) throws X, NetparkException {
        long most = EventLoop.current() == null ? Long.MAX_VALUE : BYTES_A_TURN; // a thread of its own keeps nobody waiting
        long bytes = 0;
        int outcome = 0;
        try {
            while (outcome == 0 && output.hasMore(source)) {
                if (bytes >= most) {
                    outcome = turnOver(Direction.WRITE);
                    break;
                }
                long sent = output.send(this, source, most - bytes);
                if (sent >= 0) {
                    bytes += sent;
                } else if (sent == -Errno.EAGAIN) {
                    full = true;
                    outcome = PARK;
                } else if (sent != -Errno.EINTR) {
                    outcome = output.refused(this, (int) -sent);
                }
            }
        } finally {
            if (bytes > 0) {
                moved(Direction.WRITE, bytes);
            }
        }
        if (outcome == PARK && bytes > 0) {
            beginTime(Direction.WRITE);
        }
        return outcome;
    }

    /** Only what has met a full socket: a connect, say, parks for other reasons. */
    @Override
    protected final boolean goesOnWithoutUs() {
        if (!full) {
            return false;
        }
        if (uptake == null) {
            uptake = new Uptake(this);
        }
        return uptake.goesOn();
    }

    /** A write of another kind parks because the socket has no room. */
    final void noteFull() {
        full = true;
    }

    /** For {@link Uptake#goesOn}. */
    final boolean goesOn(Uptake asked) {
        if (!tryAcquire()) {
            return false;
        }
        try {
            return asked.goesOn(libc(), fd(), isTcp(), full && isParked(Direction.WRITE));
        } finally {
            release();
        }
    }

    /** Why the kernel takes no more. */
    final NetparkException writeFailure(int errno) {
        noteFailure(errno);
        return NetparkException.of(errno, operation(Direction.WRITE));
    }

    final long address(ByteBuffer source) {
        if (source != lastSource) {
            lastSourceAddress = DirectBuffers.address(source);
            lastSource = source;
        }
        return lastSourceAddress;
    }

    final long send(long address, int length) {
        return libc().send(fd(), address, length, Linux.MSG_NOSIGNAL);
    }

    final long send(Vector vector) {
        return libc().sendmsg(fd(), vector.message(), Linux.MSG_NOSIGNAL);
    }

    final long send(FileTransfer transfer, long most) throws IOException {
        return transfer.send(libc(), fd(), most);
    }

    /** A peer that is gone makes a SIGPIPE as well, for which the JVM has a handler. */
    final long send(Pipe from) {
        return from.empty(fd());
    }

    /**
     * Writes all of several buffers, gathered into as few sendmsg(2) as possible. Positions advance as for
     * {@link #startWrite(ByteBuffer)}.
     *
     * @return 0 when all is written, or {@link #PARK}
     */
    public int startWrite(ByteBuffer[] sources) throws NetparkException {
        return perform(Direction.WRITE, false, WRITE_BUFFERS, this, sources, 0);
    }

    /** Goes on with {@link #startWrite(ByteBuffer[])}. */
    public int retryWrite(ByteBuffer[] sources) throws NetparkException {
        return perform(Direction.WRITE, true, WRITE_BUFFERS, this, sources, 0);
    }

    private static final Operation<ByteStream, ByteBuffer[], NetparkException> WRITE_BUFFERS =
            (self, sources, most) -> self.write(Output.OF_BUFFERS, sources);

    /**
     * Writes everything that a chain of segments holds, gathered into as few sendmsg(2) as possible. What the kernel has
     * taken is taken out of it, also when this returns {@link #PARK} or throws.
     *
     * @return 0 when all is written, or {@link #PARK}
     */
    public int startWrite(LinkBuffer source) throws NetparkException {
        return perform(Direction.WRITE, false, WRITE_CHAIN, this, source, 0);
    }

    /** Goes on with {@link #startWrite(LinkBuffer)}; the buffer may have got more. */
    public int retryWrite(LinkBuffer source) throws NetparkException {
        return perform(Direction.WRITE, true, WRITE_CHAIN, this, source, 0);
    }

    private static final Operation<ByteStream, LinkBuffer, NetparkException> WRITE_CHAIN =
            (self, source, most) -> self.write(Output.OF_CHAIN, source);

    /** One system call: of the first bytes as they lie, or of a copy if they are on the heap. */
    final long sendFirst(LinkBuffer source, long most) {
        Loans loans = this.loans;
        if (loans != null && loans.areWorthwhile(source.available())) {
            long sent = loans.send(libc(), fd(), source, most);
            loans.lookSoon();
            return sent;
        }
        int length = source.firstLength();
        if (source.firstAddress() != 0 && (length == source.available() || length >= most)) {
            return send(source.firstAddress(), (int) Math.min(length, most));
        }
        Vector vector = Vector.take();
        try {
            vector.fillForWriting(source, most);
            return send(vector);
        } finally {
            vector.giveBack();
        }
    }

    // Sending without a copy

    private static final NetOption<Boolean> ZERO_COPY =
            NetOption.ofFlag("SO_ZEROCOPY", Linux.SOL_SOCKET, Linux.SO_ZEROCOPY);

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
            release();
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
        LingeringClose.Limit limit = lingering;
        if (limit != null && LingeringClose.begin(loop(), fd(), limit, known, this::released)) {
            lingering = LingeringClose.BEGUN;
            return true;
        }
        return known != null && Lingering.begin(loop(), fd(), known);
    }

    /** Nothing of the connection is left, here or in what lingers of it. Runs on any thread, once. */
    void released() {}

    /** Gives up the descriptor, unless memory would be lost: the notices would be another's. */
    final void surrenderUnlent(String operation) throws NetparkException.Closed {
        collect();
        Loans known = loans;
        if (known != null && !known.isEmpty()) {
            throw new IllegalStateException(operation + ": the kernel has " + known.count().onLoan()
                    + " sends on loan; try again when zeroCopyCount says that they are back");
        }
        surrender(operation);
        if (known != null) {
            known.keep();
        }
    }

    // Sending files

    /**
     * Sends a part of a file. How far it has got is in {@code transfer}, also when this returns {@link #PARK} or throws: the
     * same transfer can be sent on by another start.
     *
     * @return 0 when all is sent, or {@link #PARK}
     * @throws NetparkException as {@link #startWrite(ByteBuffer)}, saying how far it has got
     * @throws NetparkException.Truncated if the file has been cut off
     * @throws IOException if it cannot be read
     */
    public int startSend(FileTransfer transfer) throws IOException {
        return send(transfer, false);
    }

    /** Goes on with {@link #startSend}. */
    public int retrySend(FileTransfer transfer) throws IOException {
        return send(transfer, true);
    }

    private int send(FileTransfer transfer, boolean retry) throws IOException {
        try {
            return perform(Direction.WRITE, retry, SEND, this, transfer, 0);
        } catch (NetparkException.Truncated e) {
            throw e; // says it already
        } catch (NetparkException e) {
            throw transfer.explain(e);
        }
    }

    private static final Operation<ByteStream, FileTransfer, IOException> SEND =
            (self, transfer, most) -> self.write(Output.OF_FILE, transfer);

    // Splicing

    /**
     * Moves everything that is in a pipe here.
     *
     * @return 0 when it is empty, {@link #PARK}, or {@link #NOT_SPLICED}
     */
    public final int startSplice(Pipe from) throws NetparkException {
        return perform(Direction.WRITE, false, EMPTY_PIPE, this, from, 0);
    }

    /** Goes on with {@link #startSplice(Pipe)}. */
    public final int retrySplice(Pipe from) throws NetparkException {
        return perform(Direction.WRITE, true, EMPTY_PIPE, this, from, 0);
    }

    private static final Operation<ByteStream, Pipe, NetparkException> EMPTY_PIPE =
            (self, from, most) -> self.write(Output.OF_PIPE, from);

    // Ending one direction

    /**
     * Ends the outgoing stream: the peer reads what was written, then end of stream. Reading goes on. Idempotent, and
     * without effect on a connection that the peer has reset.
     *
     * @throws NetparkException.Closed if the connection is closed
     */
    public void shutdownOutput() throws NetparkException {
        noteOutputEnd();
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

    /**
     * Closes so that nothing is lost that is on its way to the peer: ends the output, reads and throws away what still comes until
     * the peer ends its own, and then closes. close(2) alone resets a connection on which bytes have come, or come later, that
     * nobody reads, and the peer loses the answer that is in front of the reset. To everybody here it is closed at once, as by
     * {@link #close}; what lingers is one of the descriptors of its loop, holds no memory, and ends with the loop. No effect on what
     * is closed already.
     *
     * @param mostBytes how much is thrown away at most
     * @param mostNanos how long the peer has at most; then, or after so many bytes, it is closed as {@link #close} does
     */
    public final void closeLingering(long mostBytes, long mostNanos) {
        LingeringClose.Limit limit = new LingeringClose.Limit(mostBytes, mostNanos);
        if (!isClosed()) {
            lingering = limit;
            close();
        }
    }

    // Being idle

    /**
     * Closes the stream when no byte has moved in either direction for so long; operations then fail with
     * {@link NetparkException.TimedOut}. Counts from now on, and replaces the timeout in force. Bytes that the peer takes out of what
     * the kernel holds move. This is about bytes, not about the peer's being there, which TCP keepalive asks for.
     *
     * @param nanos more than 0; {@link Due#FOREVER} or more for no timeout
     * @throws IllegalArgumentException if it is not positive
     */
    public final void setIdleTimeout(long nanos) {
        Due.requirePositive(nanos);
        IdleTimeout timeout = idle;
        if (timeout == null) {
            if (nanos >= Due.FOREVER) {
                return;
            }
            timeout = new IdleTimeout(this);
            idle = timeout;
        }
        timeout.set(Math.min(nanos, Due.FOREVER));
    }

    /** The idle timeout in nanoseconds; {@link Due#FOREVER} if there is none. */
    public final long idleTimeoutNanos() {
        IdleTimeout timeout = idle;
        return timeout == null ? Due.FOREVER : timeout.nanos();
    }

    /** Without deadlines and timeouts, as it was when it was new. */
    public final void forgetTimes() {
        clearLimits();
        setIdleTimeout(Due.FOREVER);
    }

    @Override
    final void moved(Direction direction, long bytes) {
        IdleTimeout timeout = idle;
        if (timeout != null) {
            timeout.touch();
        }
        Uptake asked = uptake;
        if (asked != null && direction == Direction.WRITE) {
            asked.restart();
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
        try {
            super.destroyed();
            forgetMemory();
            IdleTimeout timeout = idle;
            if (timeout != null) {
                timeout.stop();
            }
        } finally { // a place that is counted must be free again, whether or not there was memory for the rest
            if (lingering != LingeringClose.BEGUN) {
                released();
            }
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
    abstract String addresses();

    @Override
    protected final NetparkException.Timeout timeout(Direction direction) {
        return direction == Direction.READ ? NetparkException.Timeout.READ : NetparkException.Timeout.WRITE;
    }
}
