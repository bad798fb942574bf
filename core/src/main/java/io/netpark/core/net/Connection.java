package io.netpark.core.net;

import io.netpark.core.fd.Descriptor;
import io.netpark.core.fd.Direction;
import io.netpark.core.loop.EventLoop;
import io.netpark.core.poll.Interest;
import io.netpark.core.sys.DirectBuffers;
import io.netpark.core.sys.Errno;
import io.netpark.core.sys.Linux;
import io.netpark.core.sys.NetparkException;
import io.netpark.core.sys.SockAddr;
import java.lang.ref.Reference;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.ReadOnlyBufferException;
import org.jspecify.annotations.Nullable;

/**
 * A TCP connection: two byte streams, each of which ends on its own. Operations follow the template of
 * {@link Descriptor}; {@code start…} begins one, {@code retry…} goes on with it after it was parked.
 *
 * <p>Direct buffers are handed to the kernel as they are. Bytes of heap buffers pass through native memory, up to
 * 64 KiB at a time.
 *
 * <p>Ownership: the connection owns its descriptor and must be closed. Buffers stay the caller's and are used only
 * during the calls.
 */
public final class Connection extends Descriptor {

    /** Returned by a read at the end of the stream: the peer has shut down its sending side. */
    public static final int END_OF_STREAM = -1;

    /** As the kernel gave it, in a third of the memory; decoded for those who ask. */
    private final byte[] remote;
    private volatile @Nullable InetSocketAddress local;

    /**
     * The last read returned less than it had room for, so the kernel has nothing more, and will report when it has
     * (epoll(7), question 9): the next read parks without asking. Never true where that conclusion is wrong: on a
     * poller that reports no edges, or with {@linkplain #hasStickyReadiness() sticky readiness}, which would not be
     * reported again. Belongs to whoever holds the read lock.
     */
    private boolean drained;

    private Connection(EventLoop loop, int fd, byte[] remote) {
        super(loop, fd);
        this.remote = remote;
    }

    /**
     * Watches a socket, accepted or on which connect(2) has been called: before that, epoll would report a hang-up.
     * Closes it if that fails.
     *
     * @param remote the peer as a {@link SockAddr}
     */
    static Connection watch(EventLoop loop, int fd, byte[] remote) throws NetparkException {
        Connection connection = new Connection(loop, fd, remote);
        connection.register(Interest.PARKING);
        return connection;
    }

    // Connecting

    /**
     * Finishes connecting, as a write-side operation. On failure the connection is closed.
     *
     * @return 0 or {@link #PARK}
     * @throws NetparkException naming why there is no connection
     */
    public int startConnect() throws NetparkException {
        try {
            start(Direction.WRITE);
        } catch (NetparkException.TimedOut e) {
            throw connectTimedOut();
        }
        return attemptConnect();
    }

    /** Goes on with {@link #startConnect}. */
    public int retryConnect() throws NetparkException {
        try {
            resume(Direction.WRITE);
        } catch (NetparkException.TimedOut e) {
            throw connectTimedOut();
        }
        return attemptConnect();
    }

    private NetparkException connectTimedOut() {
        close();
        return new NetparkException.TimedOut(NetparkException.Timeout.CONNECT,
                "connect to " + Addresses.text(remoteAddress()) + ": the deadline passed");
    }

    private int attemptConnect() throws NetparkException {
        // Being writable is no verdict: SO_ERROR is, and 0 only together with a peer (golang/go 14548).
        int errno = pendingError();
        if (errno == 0) {
            InetSocketAddress peer = Addresses.peer(libc(), fd());
            if (peer == null) {
                errno = Errno.EINPROGRESS;
            } else if (peer.equals(localAddressOrNull())) {
                errno = Errno.ECONNREFUSED; // the kernel gave us the very port we were calling
            }
        }
        switch (errno) {
            case 0 -> {
                finish(Direction.WRITE);
                return 0;
            }
            case Errno.EINPROGRESS, Errno.EALREADY, Errno.EINTR -> {
                pause();
                return PARK;
            }
            default -> {
                NetparkException failure = failure(errno, "connect to " + Addresses.text(remoteAddress()));
                finish(Direction.WRITE);
                close();
                throw failure;
            }
        }
    }

    private static NetparkException failure(int errno, String operation) {
        return errno == Errno.ETIMEDOUT
                ? new NetparkException.TimedOut(NetparkException.Timeout.CONNECT,
                        operation + ": " + Errno.describe(errno) + "; the kernel gave up")
                : NetparkException.of(errno, operation);
    }

    private int pendingError() {
        Scratch scratch = Scratch.take();
        try {
            scratch.memory().putInt(Scratch.LENGTH, Integer.BYTES);
            int result = libc().getsockopt(fd(), Linux.SOL_SOCKET, Linux.SO_ERROR,
                    scratch.address(Scratch.VALUE), scratch.address(Scratch.LENGTH));
            return result < 0 ? -result : scratch.memory().getInt(Scratch.VALUE);
        } finally {
            scratch.giveBack();
        }
    }

    // Reading

    /**
     * Reads what there is, at most what {@code target} has room for, and advances its position.
     *
     * @return the number of bytes, at least 1 unless there is no room; {@link #END_OF_STREAM}; or {@link #PARK}
     * @throws NetparkException.Reset if the peer has reset the connection
     * @throws NetparkException.TimedOut if the read deadline has passed, even if there are bytes
     * @throws NetparkException.Closed if the connection is closed
     */
    public int startRead(ByteBuffer target) throws NetparkException {
        requireWritable(target);
        start(Direction.READ);
        return attemptRead(target);
    }

    /** Goes on with {@link #startRead}; the buffer may be another one. */
    public int retryRead(ByteBuffer target) throws NetparkException {
        resume(Direction.READ);
        return attemptRead(target);
    }

    private int attemptRead(ByteBuffer target) throws NetparkException {
        int room = target.remaining();
        if (drained) {
            drained = false;
            if (room > 0 && !isReady(Direction.READ) && !hasStickyReadiness()) {
                pause();
                return PARK;
            }
        }
        if (room == 0) {
            finish(Direction.READ);
            return 0;
        }
        return target.isDirect() ? readDirect(target, room) : readThroughScratch(target, room);
    }

    private int readDirect(ByteBuffer target, int room) throws NetparkException {
        int position = target.position();
        int read = receive(DirectBuffers.address(target) + position, room);
        if (read > 0) {
            target.position(position + read);
        }
        Reference.reachabilityFence(target);
        return read;
    }

    private int readThroughScratch(ByteBuffer target, int room) throws NetparkException {
        Scratch scratch = Scratch.take();
        try {
            int read = receive(scratch.address(Scratch.BYTES), Math.min(room, Scratch.CAPACITY));
            if (read > 0) {
                target.put(target.position(), scratch.memory(), Scratch.BYTES, read);
                target.position(target.position() + read);
            }
            return read;
        } finally {
            scratch.giveBack();
        }
    }

    /** recv(2), and the end of the operation or its pause. */
    private int receive(long address, int length) throws NetparkException {
        long result;
        do {
            result = libc().recv(fd(), address, length, 0);
        } while (result == -Errno.EINTR);
        return received(result, length);
    }

    private int received(long result, long asked) throws NetparkException {
        if (result > 0) {
            drained = result < asked && loop().poller().edgeTriggered();
            finish(Direction.READ);
            return (int) result;
        }
        if (result == -Errno.EAGAIN) {
            pause();
            return PARK;
        }
        NetparkException failure = result == 0 ? null : NetparkException.of((int) -result, operation(Direction.READ));
        finish(Direction.READ);
        if (failure != null) {
            throw failure;
        }
        return END_OF_STREAM;
    }

    /**
     * Reads into several buffers, one after another, by one readv(2).
     *
     * @return as {@link #startRead(ByteBuffer)}
     */
    public int startRead(ByteBuffer[] targets) throws NetparkException {
        for (ByteBuffer target : targets) {
            requireWritable(target);
        }
        start(Direction.READ);
        return attemptRead(targets);
    }

    /** Goes on with {@link #startRead(ByteBuffer[])}. */
    public int retryRead(ByteBuffer[] targets) throws NetparkException {
        resume(Direction.READ);
        return attemptRead(targets);
    }

    private int attemptRead(ByteBuffer[] targets) throws NetparkException {
        drained = false; // rare enough to ask the kernel each time
        Vector vector = Vector.take();
        try {
            long room = vector.fillForReading(targets);
            if (room == 0) {
                finish(Direction.READ);
                return 0;
            }
            long result;
            do {
                result = libc().readv(fd(), vector.iovecs(), vector.count());
            } while (result == -Errno.EINTR);
            if (result > 0) {
                vector.advanceAfterReading(targets, result);
            }
            return received(result, room);
        } finally {
            vector.giveBack();
            Reference.reachabilityFence(targets);
        }
    }

    private static void requireWritable(ByteBuffer target) {
        if (target.isReadOnly()) {
            throw new ReadOnlyBufferException();
        }
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

    private int writeDirect(ByteBuffer source) throws NetparkException {
        int start = source.position();
        long base = DirectBuffers.address(source);
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
        return sent(outcome, source.position() > start);
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
        return sent(outcome, source.position() > start);
    }

    private long send(long address, int length) {
        long result;
        do {
            result = libc().send(fd(), address, length, Linux.MSG_NOSIGNAL);
        } while (result == -Errno.EINTR);
        return result;
    }

    /** The end of a write, or its pause. */
    private int sent(int outcome, boolean progress) throws NetparkException {
        if (outcome == -Errno.EAGAIN) {
            if (progress) {
                extendDeadline(Direction.WRITE);
            }
            pause();
            return PARK;
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
        boolean progress = false;
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
                progress = true;
            }
        } finally {
            vector.giveBack();
            Reference.reachabilityFence(sources);
        }
        return sent(outcome, progress);
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

    private void shutdown(int how, String operation) throws NetparkException {
        acquire(operation + " of " + this);
        int result;
        try {
            do {
                result = libc().shutdown(fd(), how);
            } while (result == -Errno.EINTR);
        } finally {
            pause();
        }
        if (result < 0 && result != -Errno.ENOTCONN) {
            throw NetparkException.of(-result, operation + " of " + this);
        }
    }

    /**
     * Makes {@link #close} send a reset and drop what is unsent (SO_LINGER with 0 seconds): for a peer that misbehaves,
     * or a server that must not collect TIME_WAIT.
     *
     * @throws NetparkException.Closed if the connection is closed
     */
    public void resetOnClose() throws NetparkException {
        acquire("set SO_LINGER of " + this);
        Scratch scratch = Scratch.take();
        try {
            scratch.memory().putInt(Scratch.IOVECS, 1); // struct linger: l_onoff, l_linger
            scratch.memory().putInt(Scratch.IOVECS + Integer.BYTES, 0);
            int result = libc().setsockopt(fd(), Linux.SOL_SOCKET, Linux.SO_LINGER,
                    scratch.address(Scratch.IOVECS), 2 * Integer.BYTES);
            if (result < 0) {
                throw NetparkException.of(-result, "set SO_LINGER of " + this);
            }
        } finally {
            scratch.giveBack();
            pause();
        }
    }

    // Addresses

    /** The peer's address, also after closing. */
    public InetSocketAddress remoteAddress() {
        return SockAddr.read(ByteBuffer.wrap(remote).order(ByteOrder.nativeOrder()), 0);
    }

    /**
     * The address of this side.
     *
     * @throws NetparkException.Closed if the connection was closed before this was first asked
     */
    public InetSocketAddress localAddress() throws NetparkException {
        InetSocketAddress known = local;
        if (known != null) {
            return known;
        }
        acquire("get the local address of " + this);
        try {
            known = localAddressOrNull();
        } finally {
            pause();
        }
        if (known == null) {
            throw new NetparkException.Closed("get the local address of " + this + ": not connected");
        }
        return known;
    }

    /** With a reference held. */
    private @Nullable InetSocketAddress localAddressOrNull() {
        if (local == null) {
            local = Addresses.local(libc(), fd());
        }
        return local;
    }

    @Override
    protected String operation(Direction direction) {
        return (direction == Direction.READ ? "read from " : "write to ") + addresses();
    }

    @Override
    protected NetparkException.Timeout timeout(Direction direction) {
        return direction == Direction.READ ? NetparkException.Timeout.READ : NetparkException.Timeout.WRITE;
    }

    private String addresses() {
        InetSocketAddress known = local;
        return Addresses.text(remoteAddress()) + (known == null ? "" : " (local " + Addresses.text(known) + ")");
    }

    @Override
    public String toString() {
        return "connection to " + addresses();
    }
}
