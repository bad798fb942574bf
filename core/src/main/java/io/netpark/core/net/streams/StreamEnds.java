package io.netpark.core.net.streams;

import io.netpark.core.fd.Direction;
import io.netpark.core.linux.Linux;
import io.netpark.core.loop.EventLoop;
import io.netpark.core.net.address.Addresses;
import io.netpark.core.net.options.TcpInfo;
import io.netpark.core.net.scratch.Scratch;
import io.netpark.core.net.socket.SocketDescriptor;
import io.netpark.core.poll.Readiness;
import io.netpark.core.sys.Errno;
import io.netpark.core.sys.NetparkException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.jspecify.annotations.Nullable;

/**
 * What is known of how a stream ends: whether an end that is read is the peer's or that of a stream which broke, and how far the peer
 * has gone.
 *
 * <p>The kernel reports a broken connection once, to whichever operation asks first, a read or a write. Every other operation finds an
 * end of stream that looks like any other. So what one operation is told is kept for all, and where a read finds an end that nothing
 * else proves, the kernel is asked what state the connection is in. The rule: an end is read only where the peer has ended its output
 * and all of it has been read, whatever came after that. A connection that broke before has no end: each read fails once the bytes
 * that had come in are read.
 *
 * <pre>
 *   {@link #ends}, bits that are only ever added, but for an errno that a stronger one replaces:
 *   errno of the break | OUTPUT_ENDED: by this side | INPUT_ENDED: the peer's end has been read
 * </pre>
 */
public abstract sealed class StreamEnds extends SocketDescriptor permits StreamSocket {

    private static final VarHandle ENDS;

    static {
        try {
            ENDS = MethodHandles.lookup().findVarHandle(StreamEnds.class, "ends", int.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    /** What broke the connection, as the kernel said it first. */
    private static final int ERRNO = 0xFFF;
    /** This side has ended its output. */
    private static final int OUTPUT_ENDED = 1 << 12;
    /** The peer's end has been read, and is one. */
    private static final int INPUT_ENDED = 1 << 13;

    /** {@link #ERRNO}, {@link #OUTPUT_ENDED}, {@link #INPUT_ENDED}. */
    private volatile int ends;

    StreamEnds(EventLoop loop, int fd) {
        super(loop, fd);
    }

    /** Whether the connection is of TCP: the kernel tells the state of such a connection. */
    abstract boolean isTcp();

    private void note(int end) {
        int seen;
        do {
            seen = ends;
        } while (!ENDS.compareAndSet(this, seen, seen | end));
    }

    // Broken connections

    /**
     * A system call has failed, and the kernel may not say so again. A writer takes ECONNRESET from a reader, and EPIPE if the
     * peer's end had come before the reset: so EPIPE speaks of the output only.
     */
    @Override
    protected final void noteFailure(int errno) {
        while (true) {
            int seen = ends;
            int known = seen & ERRNO;
            boolean news = errno == Errno.ECONNRESET ? known != errno : known == 0 && isForGood(errno, seen);
            if (!news || ENDS.compareAndSet(this, seen, seen & ~ERRNO | errno)) {
                return;
            }
        }
    }

    private static boolean isForGood(int errno, int seen) {
        return switch (errno) {
            case Errno.EPIPE -> (seen & OUTPUT_ENDED) == 0; // else it is what writing after the end gets
            case Errno.ETIMEDOUT, Errno.ECONNABORTED, Errno.EHOSTUNREACH, Errno.ENETUNREACH, Errno.EHOSTDOWN, Errno.ENETDOWN,
                    Errno.EPROTO -> true;
            default -> false;
        };
    }

    /** For a read that has got nothing: throws unless it is the end. With a reference held. */
    final void requireEnd(long result) throws NetparkException {
        int errno = result == 0 ? errnoAtEnd() : (int) -result;
        if (errno != 0) {
            noteFailure(errno);
            throw NetparkException.of(errno, operation(Direction.READ));
        }
        noteInputEnd();
    }

    /** What an end that has just been read really is: 0 for the peer's, else the errno that the reader did not get. */
    private int errnoAtEnd() {
        if ((ends & INPUT_ENDED) != 0
                || (stickyReadiness() & (Readiness.READ_CLOSED | Readiness.HANGUP)) == Readiness.READ_CLOSED) {
            return 0; // a connection that broke hangs up with the same report
        }
        if ((ends & ERRNO) == Errno.ECONNRESET) {
            return Errno.ECONNRESET;
        }
        int state = isTcp() ? tcpState() : 0;
        if (state > 0 && state != TcpInfo.State.CLOSED.ordinal()) {
            return 0;
        }
        if (state > 0 && takeError() > 0) {
            return 0; // had the peer's end not come, the read would have been told
        }
        int errno = errnoOfOthers();
        if (errno == Errno.EPIPE || errno == 0 && (state <= 0 || (ends & OUTPUT_ENDED) != 0)) {
            return 0;
        }
        return errno != 0 ? errno : Errno.ECONNRESET; // another process has taken it
    }

    /** What another operation was told by the kernel, or is about to be told. */
    private int errnoOfOthers() {
        for (int looks = 0; (ends & ERRNO) == 0 && othersMayTell(looks); looks++) {
            Thread.yield();
        }
        return ends & ERRNO;
    }

    /** The {@link TcpInfo.State} by its number, or minus errno. */
    private int tcpState() {
        Scratch scratch = Scratch.take();
        try {
            scratch.memory().putInt(Scratch.LENGTH, Integer.BYTES);
            int result = libc().getsockopt(fd(), Linux.IPPROTO_TCP, Linux.TCP_INFO,
                    scratch.address(Scratch.VALUE), scratch.address(Scratch.LENGTH));
            return result < 0 ? result : scratch.memory().get(Scratch.VALUE);
        } finally {
            scratch.giveBack();
        }
    }

    /** SO_ERROR, which the kernel forgets when it is asked; or minus the errno with which it refuses to say. */
    private int takeError() {
        int errno = Addresses.option(libc(), fd(), Linux.SO_ERROR);
        if (errno > 0) {
            noteFailure(errno);
        }
        return errno;
    }

    /** Notes what the kernel has to say of an end that no operation has met. Returns the errno with which it refuses to say, or 0. */
    private int lookForError() {
        if ((ends & ERRNO) == 0 && (stickyReadiness() & (Readiness.HANGUP | Readiness.ERROR)) != 0 && tryAcquire()) {
            try {
                return Math.max(0, -takeError());
            } finally {
                release();
            }
        }
        return 0;
    }

    /** The output of a connection that is adopted may have been ended before. */
    final void learnOutput() {
        int state = isTcp() ? tcpState() : 0;
        if (state > 0 && state != TcpInfo.State.ESTABLISHED.ordinal() && state != TcpInfo.State.CLOSE_WAIT.ordinal()) {
            note(OUTPUT_ENDED);
        }
    }

    /** The peer has ended its output by a message, and not by the end of the socket's stream. */
    final void noteInputEnd() {
        if ((ends & INPUT_ENDED) == 0) {
            note(INPUT_ENDED);
        }
    }

    /** This side ends its output, from now on. */
    final void noteOutputEnd() {
        note(OUTPUT_ENDED);
    }

    /**
     * Whether the peer has reset the connection, or is gone while there were bytes for it. Costs a system call only while the poller
     * has told of an end that no operation has met.
     */
    public final boolean isReset() {
        lookForError();
        int errno = ends & ERRNO;
        return errno == Errno.ECONNRESET || errno == Errno.EPIPE;
    }

    /**
     * As {@link Splicing#endOfInput}.
     */
    final @Nullable NetparkException endOfInput() {
        if (isClosed()) {
            return about(closed(Direction.READ));
        }
        int refusal = lookForError();
        int seen = ends;
        int errno = (seen & INPUT_ENDED) != 0 ? 0 : (seen & ERRNO) != 0 ? seen & ERRNO : refusal; // who asked in vain does not wait on
        return errno == 0 || errno == Errno.EPIPE ? null : about(NetparkException.of(errno, operation(Direction.READ)));
    }

    // Whether the peer is there

    /**
     * What the kernel has said of the peer so far; no system call, and nothing is read. It comes with the loop's next turn after
     * the event, and a half-close only when the kernel has room for the bytes in front of it.
     */
    public final PeerState peerState() {
        if (isClosed()) {
            return PeerState.CLOSED;
        }
        int seen = ends;
        int sticky = stickyReadiness();
        if ((sticky & Readiness.HANGUP) != 0 || (seen & ERRNO) != 0) {
            return PeerState.GONE;
        }
        return (sticky & Readiness.READ_CLOSED) != 0 || (seen & INPUT_ENDED) != 0 ? PeerState.HALF_CLOSED : PeerState.PRESENT;
    }
}
