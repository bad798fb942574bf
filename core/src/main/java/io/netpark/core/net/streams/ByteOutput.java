package io.netpark.core.net.streams;

import io.netpark.core.buffer.LinkBuffer;
import io.netpark.core.fd.Direction;
import io.netpark.core.linux.Linux;
import io.netpark.core.loop.EventLoop;
import io.netpark.core.memory.DirectBuffers;
import io.netpark.core.net.files.FileCalls;
import io.netpark.core.net.files.FileTransfer;
import io.netpark.core.net.scratch.Vector;
import io.netpark.core.net.secure.SecureStream;
import io.netpark.core.net.zerocopy.Loans;
import io.netpark.core.sys.Errno;
import io.netpark.core.sys.NetparkException;
import io.netpark.core.sys.Pipe;
import java.io.IOException;
import java.nio.ByteBuffer;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

/**
 * The outgoing half of a {@link ByteStream}. {@link Output} has what the kinds of writes differ in.
 *
 * <p>A write that parks because the socket is {@linkplain #full full} may get somewhere without a system call of its own: the peer
 * takes what the socket holds. {@link Uptake} asks the kernel for that before a write timeout passes.
 */
public abstract sealed class ByteOutput extends LendingOutput permits ByteStream {

    /**
     * How many bytes one operation writes, on an event loop, before others have their turn. It returns {@link #PARK} then, and is
     * woken by a task of its loop.
     */
    static final int BYTES_A_TURN = 2 * 1024 * 1024;
    /** Returned by no write: it has thrown. */
    private static final int FAILED = Integer.MIN_VALUE;

    /** The direct buffer that was written last, and its address, as for reads. Belongs to the operation that holds the write lock. */
    private @Nullable ByteBuffer lastSource;
    private long lastSourceAddress;

    /** The last write that had to wait met a full socket. Belongs to the operation that holds the write lock; read while it is parked. */
    private boolean full;
    /**
     * What is left of a write that is of no use in part, and waits:
     *
     * <pre>
     *   NOTHING, ALL --waits for its first byte--> ALL
     *                --waits in its midst--------> PART
     *   ALL ---------given up, or failed---------> NOTHING
     *   PART --------given up, or failed---------> PART for ever: the output is cut off
     *   any ---------all is written--------------> NOTHING
     * </pre>
     *
     * Set by the operation that holds the write lock.
     */
    private volatile Rest rest = Rest.NOTHING;
    /** Made when a write deadline is first about to pass, on the loop. */
    private volatile @Nullable Uptake uptake;

    private enum Rest { NOTHING, ALL, PART }

    ByteOutput(EventLoop loop, int fd) {
        super(loop, fd);
    }

    // Buffers

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

    private static final Operation<ByteOutput, ByteBuffer, NetparkException> WRITE_BUFFER =
            (self, source, most) -> self.write(Output.OF_BUFFER, source);

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

    private static final Operation<ByteOutput, ByteBuffer[], NetparkException> WRITE_BUFFERS =
            (self, sources, most) -> self.write(Output.OF_BUFFERS, sources);

    // A chain of segments

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

    private static final Operation<ByteOutput, LinkBuffer, NetparkException> WRITE_CHAIN =
            (self, source, most) -> self.write(Output.OF_CHAIN, source);

    // A part of a file

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
        return send(transfer, false, SEND);
    }

    /** Goes on with {@link #startSend}. */
    public int retrySend(FileTransfer transfer) throws IOException {
        return send(transfer, true, SEND);
    }

    private int send(FileTransfer transfer, boolean retry, Operation<ByteOutput, FileTransfer, IOException> operation)
            throws IOException {
        try {
            return perform(Direction.WRITE, retry, operation, this, transfer, 0);
        } catch (NetparkException.Truncated e) {
            throw e; // says it already
        } catch (NetparkException e) {
            throw FileCalls.explain(transfer, e);
        }
    }

    private static final Operation<ByteOutput, FileTransfer, IOException> SEND =
            (self, transfer, most) -> self.write(Output.OF_FILE, transfer);

    // What is of no use in part

    /**
     * As {@link #startWrite(ByteBuffer)}, of bytes that are of no use in part. If it fails or is {@linkplain #abandon abandoned} in the
     * midst of them, the output is {@linkplain #isOutputCutOff cut off}: no write gets behind them, not even one that is waiting to begin
     * at that moment. Before the first byte it leaves the connection as before.
     *
     * @throws NetparkException.Closed if the connection is closed, or its output cut off
     */
    public int startWhole(ByteBuffer source) throws NetparkException {
        return perform(Direction.WRITE, false, WRITE_WHOLE_BUFFER, this, source, 0);
    }

    /** Goes on with {@link #startWhole(ByteBuffer)}. */
    public int retryWhole(ByteBuffer source) throws NetparkException {
        return perform(Direction.WRITE, true, WRITE_WHOLE_BUFFER, this, source, 0);
    }

    private static final Operation<ByteOutput, ByteBuffer, NetparkException> WRITE_WHOLE_BUFFER =
            (self, source, most) -> self.writeWhole(Output.OF_BUFFER, source, false);

    /** As {@link #startSend}, and otherwise as {@link #startWhole(ByteBuffer)}: the same transfer is not sent on by another start. */
    public int startWhole(FileTransfer transfer) throws IOException {
        return send(transfer, false, SEND_WHOLE);
    }

    /** Goes on with {@link #startWhole(FileTransfer)}. */
    public int retryWhole(FileTransfer transfer) throws IOException {
        return send(transfer, true, SEND_WHOLE);
    }

    private static final Operation<ByteOutput, FileTransfer, IOException> SEND_WHOLE =
            (self, transfer, most) -> self.writeWhole(Output.OF_FILE, transfer, false);

    /** As {@link Splicing#empty(ByteOutput, boolean, LinkBuffer)}. */
    final int emptyWhole(LinkBuffer source, boolean retry) throws NetparkException {
        return perform(Direction.WRITE, retry, WRITE_WHOLE_CHAIN, this, source, 0);
    }

    private static final Operation<ByteOutput, LinkBuffer, NetparkException> WRITE_WHOLE_CHAIN =
            (self, source, most) -> self.writeWhole(Output.OF_CHAIN, source, true);

    /**
     * Whether a write of what is of no use in part waits, or has cut the output off: if the connection ended now, that must not look like
     * the end of the whole.
     */
    public final boolean isCutOffByEnd() {
        return rest != Rest.NOTHING;
    }

    /** @param ofCopy whether it is a part of a copy, which is in its midst as soon as it waits */
    private <A, X extends IOException> int writeWhole(Output<A, X> output, A source, boolean ofCopy) throws X, NetparkException {
        long before = output.left(source);
        Rest known = rest;
        if (ofCopy && before > 0) {
            rest = Rest.PART; // it may be many system calls, and a close from another thread in between would look like an end
        }
        int outcome = FAILED;
        try {
            outcome = write(output, source);
            return outcome;
        } finally {
            long left = output.left(source);
            boolean hasRest = left > 0 && (outcome == PARK || outcome == FAILED);
            noteRest(hasRest, known == Rest.PART || left < before || ofCopy && outcome == PARK);
        }
    }

    private void noteRest(boolean hasRest, boolean hasBegun) {
        Rest now = !hasRest ? Rest.NOTHING : hasBegun ? Rest.PART : Rest.ALL;
        if (now != rest) {
            rest = now;
        }
    }

    @Override
    protected final void abandoned(Direction direction) {
        if (direction == Direction.WRITE && rest == Rest.PART) {
            cutOffOutput();
        } else if (direction == Direction.WRITE && rest == Rest.ALL) {
            rest = Rest.NOTHING;
        }
        super.abandoned(direction);
    }

    /** A connection that was reset says so, whatever else has happened to it. */
    @Override
    protected final NetparkException outputCutOff() {
        return isReset() ? NetparkException.of(Errno.EPIPE, operation(Direction.WRITE)) : super.outputCutOff();
    }

    // Out of a pipe

    /** As {@link Splicing#empty(ByteOutput, boolean, Pipe)}. */
    final int startSplice(Pipe from) throws NetparkException {
        return perform(Direction.WRITE, false, EMPTY_PIPE, this, from, 0);
    }

    /** Goes on with {@link #startSplice(Pipe)}. */
    final int retrySplice(Pipe from) throws NetparkException {
        return perform(Direction.WRITE, true, EMPTY_PIPE, this, from, 0);
    }

    private static final Operation<ByteOutput, Pipe, NetparkException> EMPTY_PIPE =
            (self, from, most) -> self.hasTls() ? Splicing.NOT_SPLICED : self.writeWhole(Output.OF_PIPE, from, true);

    // What all writes have in common

    /**
     * What all writes have in common: system calls until all is written, the kernel takes no more, or the turn is over. Bytes that
     * the kernel has taken are accounted for, however the write ends.
     */
    private <A, X extends IOException> int write(Output<A, X> output, A source) throws X, NetparkException {
        long most = EventLoop.current() == null ? Long.MAX_VALUE : BYTES_A_TURN; // a thread of its own keeps nobody waiting
        SecureStream secure = secure();
        if (secure != null && mustAwaitHandshake()) {
            return PARK;
        }
        long bytes = 0;
        long before = secure == null ? 0 : secure.sent();
        int outcome = 0;
        try {
            while (outcome == 0 && (output.hasMore(source) || secure != null && secure.hasPending())) {
                if (bytes >= most) {
                    outcome = turnOver(Direction.WRITE);
                    break;
                }
                long sent = secure == null ? output.send(this, source, most - bytes) : seal(secure, output, source);
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
        if (outcome == PARK && (bytes > 0 || secure != null && secure.sent() != before)) {
            beginTime(Direction.WRITE);
        }
        return outcome;
    }

    private <A, X extends IOException> long seal(SecureStream secure, Output<A, X> output, A source) throws X, NetparkException {
        try {
            return output.seal(this, secure, source);
        } catch (SSLException e) {
            throw recordFailed(e, Direction.WRITE);
        }
    }

    // For Output

    /** The failure of a write that the kernel has refused. */
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
        return FileCalls.send(transfer, libc(), fd(), most);
    }

    final void load(FileTransfer transfer, ByteBuffer into, long address) throws IOException {
        FileCalls.load(transfer, libc(), into, address);
    }

    /** A peer that is gone makes a SIGPIPE as well, for which the JVM has a handler. */
    final long send(Pipe from) {
        return from.empty(fd());
    }

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

    // While a write waits

    /** Asks about writes only that have met a full socket: a connect, say, parks for other reasons. */
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

    /** Bytes have been written: the peer's uptake is asked for anew. */
    final void restartUptake() {
        Uptake asked = uptake;
        if (asked != null) {
            asked.restart();
        }
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
}
