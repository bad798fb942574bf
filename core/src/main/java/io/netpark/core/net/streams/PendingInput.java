package io.netpark.core.net.streams;

import io.netpark.core.fd.Direction;
import io.netpark.core.linux.Linux;
import io.netpark.core.loop.EventLoop;
import io.netpark.core.net.scratch.Scratch;
import io.netpark.core.sys.Errno;
import io.netpark.core.sys.NetparkException;
import org.jspecify.annotations.Nullable;

/**
 * Whether there is anything to read: what is known without asking the kernel, and how the kernel is asked without taking any of it.
 */
public abstract sealed class PendingInput extends StreamSocket permits SecuringSocket {

    /** Returned by a read at the end of the stream: the peer has shut down its sending side. */
    public static final int END_OF_STREAM = -1;

    /**
     * The last read returned less than it had room for, so the kernel has nothing more, and will report when it has (epoll(7),
     * question 9): the next read parks without asking. Never true where that conclusion is wrong: on a poller that reports no edges,
     * on a {@linkplain #emptyAfterShortRead unix socket}, or with {@linkplain #hasStickyReadiness() sticky readiness}, which would
     * not be reported again. Belongs to whichever operation holds the read lock.
     *
     * <pre>
     *   false --a read was shorter than its room----------------------------------> true
     *   true  --a read begins: it parks, or finds an event and asks the kernel----> false
     *         --a watch finds bytes or an end-------------------------------------> false
     * </pre>
     */
    boolean knownEmpty;

    PendingInput(EventLoop loop, int fd) {
        super(loop, fd);
    }

    /**
     * Whether a short read says that there is nothing more. That is not so for a unix socket, where a read also ends where a
     * descriptor was passed along.
     */
    abstract boolean emptyAfterShortRead();

    /** Whether there may be something to read that the kernel does not have any more. */
    abstract boolean holdsInput();

    /** Called when bytes have moved, in either direction. */
    abstract void moved(Direction direction, long bytes);

    // What a read has to know

    /** For a read that begins: the kernel has nothing, and nothing has been reported since. */
    final boolean parksWithoutAsking() {
        if (!knownEmpty) {
            return false;
        }
        knownEmpty = false;
        return !isReady(Direction.READ) && !hasStickyReadiness();
    }

    /** What a system call's result means to a read. The bytes are where they belong already. */
    final int received(long result, long asked) throws NetparkException {
        if (result > 0) {
            noteRead(result < asked);
            moved(Direction.READ, result);
            return (int) result;
        }
        if (result == -Errno.EAGAIN) {
            return PARK;
        }
        requireEnd(result);
        return END_OF_STREAM;
    }

    /** A read has got something: all that it had asked for, or less. */
    final void noteRead(boolean shorter) {
        knownEmpty = shorter && loop().poller().edgeTriggered() && emptyAfterShortRead();
    }

    // Being watched without being read

    /**
     * Waits until there is anything to read: bytes, the end of the stream, or an error. Takes none of it. A connection that is kept
     * for later is watched so. A watch that parks may not have asked the kernel: {@link #retryWatch} and {@link #peekInput} do.
     *
     * @return 1 when there are bytes, {@link #END_OF_STREAM}, or {@link #PARK}
     * @throws NetparkException.Reset if the peer has reset the connection
     * @throws NetparkException.Closed if the connection is closed
     */
    public int startWatch() throws NetparkException {
        return perform(Direction.READ, false, WATCH, this, null, 0);
    }

    /** Goes on with {@link #startWatch}, and asks the kernel. */
    public int retryWatch() throws NetparkException {
        return perform(Direction.READ, true, WATCH_AGAIN, this, null, 0);
    }

    private static final Operation<PendingInput, @Nullable Object, NetparkException> WATCH_AGAIN =
            (self, none, most) -> self.attemptWatch();

    private static final Operation<PendingInput, @Nullable Object, NetparkException> WATCH = (self, none, most) ->
            self.knownEmpty && !self.isReady(Direction.READ) && !self.hasStickyReadiness() && !self.holdsInput() // and stays so
                    ? PARK : self.attemptWatch();

    int attemptWatch() throws NetparkException {
        long result = peek();
        if (result == -Errno.EAGAIN) {
            return PARK;
        }
        knownEmpty = false;
        if (result <= 0) {
            requireEnd(result);
        }
        return result > 0 ? 1 : END_OF_STREAM;
    }

    /**
     * Asks the kernel whether there is anything to read now, and takes none of it. Unlike a read it never takes its word from what
     * an earlier one saw, and it may be called at any time, also while a read is going on or parked: the question to ask before a
     * connection is given up because nothing has come.
     *
     * @return 1 when there are bytes, {@link #END_OF_STREAM}, or 0 when there is nothing
     * @throws NetparkException.Reset if the peer has reset the connection
     * @throws NetparkException.Closed if the connection is closed
     */
    public int peekInput() throws NetparkException {
        if (!tryAcquire()) {
            throw about(closed(Direction.READ));
        }
        try {
            long result = peek();
            if (result > 0 || result == -Errno.EAGAIN) {
                return result > 0 ? 1 : 0;
            }
            requireEnd(result);
            return END_OF_STREAM;
        } catch (NetparkException e) {
            throw about(e);
        } finally {
            release();
        }
    }

    private long peek() {
        Scratch scratch = Scratch.take();
        try {
            long result;
            do {
                result = libc().recv(fd(), scratch.address(Scratch.VALUE), 1, Linux.MSG_PEEK | Linux.MSG_DONTWAIT);
            } while (result == -Errno.EINTR);
            return result;
        } finally {
            scratch.giveBack();
        }
    }
}
