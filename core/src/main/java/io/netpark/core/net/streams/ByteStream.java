package io.netpark.core.net.streams;

import io.netpark.core.buffer.BufferOwner;
import io.netpark.core.buffer.LinkBuffer;
import io.netpark.core.counting.Counters;
import io.netpark.core.fd.Descriptor;
import io.netpark.core.fd.Direction;
import io.netpark.core.linux.Linux;
import io.netpark.core.loop.EventLoop;
import io.netpark.core.net.zerocopy.Lingering;
import io.netpark.core.net.zerocopy.Loans;
import io.netpark.core.sys.Due;
import io.netpark.core.sys.NetparkException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Two streams of bytes over one descriptor, one in and one out, each of which ends on its own. Operations follow the
 * template of {@link Descriptor}; {@code start…} begins one, {@code retry…} goes on with it after it was parked.
 *
 * <p>Direct buffers and segments are handed to the kernel as they are. Bytes of heap buffers pass through native memory,
 * up to 64 KiB at a time. Buffers stay the caller's; their bytes are used only during the calls. Only what a {@link LinkBuffer}
 * holds may be in use for longer, where {@linkplain #setZeroCopy zero copy} is wanted.
 */
public abstract sealed class ByteStream extends ByteOutput implements BufferOwner permits ConnectionDescriptor {

    /** How much of a peer whose handshake has failed is thrown away, and for how long, so that it can read why. */
    private static final LingeringClose.Limit OF_ALERT = new LingeringClose.Limit(64 * 1024, TimeUnit.SECONDS.toNanos(1));

    private static final VarHandle IDLE;

    static {
        try {
            IDLE = MethodHandles.lookup().findVarHandle(ByteStream.class, "idle", IdleTimeout.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    /** Made when first set. */
    private volatile @Nullable IdleTimeout idle;
    /** This side has ended the incoming stream. */
    private volatile boolean inputShutDown;
    /** Set before the close that it is about. */
    private volatile LingeringClose.@Nullable Limit lingering;
    /** Belongs to whoever holds the read lock; others may see what it was a moment ago. */
    private long bytesIn;
    /** As {@link #bytesIn}, of the write lock. */
    private long bytesOut;

    ByteStream(EventLoop loop, int fd) {
        super(loop, fd);
    }

    // Ending one direction

    /**
     * Ends the outgoing stream: the peer reads what was written, then end of stream. Reading goes on. Idempotent, and
     * without effect on a connection that the peer has reset.
     *
     * <p>With TLS the peer gets close_notify, and then the end of the socket's stream; in the handshake, when that is over. Under TLS 1.3
     * reading goes on (RFC 8446, 6.1). Up to TLS 1.2 a peer answers close_notify by its own, and throws away what it has not sent yet
     * (RFC 5246, 7.2.1); what it has sent in front of that is read.
     *
     * @throws NetparkException.Closed if the connection is closed, or its output was {@linkplain #isOutputCutOff cut off}: what the peer
     *     has would look whole
     */
    public void shutdownOutput() throws NetparkException {
        if (isOutputCutOff()) {
            throw about(outputCutOff());
        }
        noteOutputEnd();
        if (hasTls()) {
            acquire("shut down the output of " + this);
            try {
                endRecords();
            } finally {
                release();
            }
        } else {
            shutdown(Linux.SHUT_WR, "shut down the output");
        }
    }

    /**
     * Ends the incoming stream on this side: parked and later reads return end of stream once what has arrived is read.
     * The peer is not told.
     *
     * @throws NetparkException.Closed if the connection is closed
     */
    public void shutdownInput() throws NetparkException {
        inputShutDown = true;
        shutdown(Linux.SHUT_RD, "shut down the input");
    }

    @Override
    final boolean isInputShutDown() {
        return inputShutDown;
    }

    /**
     * Closes so that nothing is lost that is on its way to the peer: ends the output, reads and throws away what still comes until
     * the peer ends its own output, and then closes. close(2) alone resets a connection on which unread bytes have come, or come
     * later, and the peer loses the answer that is in front of the reset. On this side the stream is closed at once, as by
     * {@link #close}. What lingers is one of the descriptors of its loop, holds no memory, and ends with the loop. A stream that is
     * closed already stays as it is.
     *
     * <p>With TLS a plain {@link #close} may linger as well, and hold what the last write has made: until the socket has had room for
     * the last records, of which close_notify or an alert is one, for ten seconds at most.
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

    /** A peer that is still sending would get a reset, and lose the alert. */
    @Override
    final void lingerOnClose() {
        if (lingering == null) {
            lingering = OF_ALERT;
        }
    }

    @Override
    final void closeAfterFailure() {
        lingerOnClose();
        close();
    }

    @Override
    protected final boolean handsOver() {
        Loans known = loans;
        LingeringClose.Limit limit = lingering;
        LinkBuffer rest = takeRest();
        if ((limit != null || rest != null) && LingeringClose.begin(loop(), fd(), limit, rest, known, this::released)) {
            lingering = LingeringClose.BEGUN;
            return true;
        }
        return known != null && Lingering.begin(loop(), fd(), known);
    }

    /** Nothing of the connection is left, here or in what lingers of it. Runs on any thread, once. */
    void released() {}

    // Being idle

    /**
     * Closes the stream when no byte has moved in either direction for so long; operations then fail with
     * {@link NetparkException.TimedOut}. Counts from now on, and replaces the timeout in force. Bytes that the peer takes out of what
     * the kernel holds move. With TLS the bytes of all records count, also of those without data: in the handshake, for a session ticket, a
     * key update. This is about bytes, not about the peer's being there, which TCP keepalive asks for.
     *
     * @param nanos more than 0; {@link Due#FOREVER} or more for no timeout
     * @throws IllegalArgumentException if it is not positive
     */
    public final void setIdleTimeout(long nanos) {
        setIdleTimeout(nanos, null);
    }

    /** As the other; an owner is told instead of the stream being closed. For Netpark's own adapters. */
    public final void setIdleTimeout(long nanos, @Nullable IdleOwner owner) {
        Due.requirePositive(nanos);
        IdleTimeout timeout = idle;
        if (timeout == null) {
            if (nanos >= Due.FOREVER) {
                return;
            }
            timeout = new IdleTimeout(this);
            if (!IDLE.compareAndSet(this, null, timeout)) { // of two that strike, one would hear of no byte
                timeout = (IdleTimeout) IDLE.getVolatile(this);
            }
        }
        timeout.set(Math.min(nanos, Due.FOREVER), owner);
    }

    /** The idle timeout in nanoseconds; {@link Due#FOREVER} if there is none. */
    public final long idleTimeoutNanos() {
        IdleTimeout timeout = idle;
        return timeout == null ? Due.FOREVER : timeout.nanos();
    }

    /** The time of an idle timeout begins anew, though no byte has moved: from now on it is the peer's turn. From any thread. */
    @Override
    public final void restartIdleTime() {
        IdleTimeout timeout = idle;
        if (timeout != null) {
            timeout.touch();
        }
    }

    /** Takes all deadlines and timeouts away: the stream is as it was when it was new. */
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
        if (direction == Direction.READ) {
            bytesIn += bytes;
        } else {
            bytesOut += bytes;
            restartUptake();
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

    /** How many bytes this side has read, in all. Another thread may see the number of a moment ago. */
    public final long bytesIn() {
        return bytesIn;
    }

    /** How many bytes the kernel has taken from this side, in all. Another thread may see the number of a moment ago. */
    public final long bytesOut() {
        return bytesOut;
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

    @Override
    public final NetparkException inputEnded() {
        return about(closed(Direction.READ));
    }

    @Override
    public final NetparkException outputEnded() {
        return about(closed(Direction.WRITE));
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
