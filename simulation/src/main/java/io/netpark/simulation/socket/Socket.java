package io.netpark.simulation.socket;

import io.netpark.core.linux.Linux;
import io.netpark.core.sys.Errno;
import io.netpark.simulation.description.Description;
import io.netpark.simulation.description.Failure;
import io.netpark.simulation.description.IoVector;
import io.netpark.simulation.description.WaitQueue;
import java.net.SocketAddress;
import org.jspecify.annotations.Nullable;

/** A socket of any kind: what socket(7) says of all of them. What a kind does not have fails as it does there. */
public abstract class Socket extends Description {

    /** Bits of {@link #shutdown}: no more is received, no more is sent. */
    static final int RECEIVING = 1;
    static final int SENDING = 2;
    static final int BOTH = RECEIVING | SENDING;

    private final int domain;
    private final int type;
    final SocketOptions options;
    private int shutdown;
    private int error;

    /** @param flags of SOCK_NONBLOCK and SOCK_CLOEXEC the former counts */
    Socket(int domain, int type, int flags, SocketOptions options) {
        super(O_RDWR, flags);
        this.domain = domain;
        this.type = type;
        this.options = options;
    }

    public final int domain() {
        return domain;
    }

    public final int type() {
        return type;
    }

    // Error and shutdown

    /** SO_ERROR: the error that is pending, which nobody else gets then; 0 if there is none. */
    final int takeError() {
        int taken = error;
        error = 0;
        return taken;
    }

    final boolean hasError() {
        return error != 0;
    }

    /** An error for the next operation, of which those who wait are told. */
    final void fail(int errno) {
        error = errno;
        waiters().wake(Linux.EPOLLERR);
    }

    /** Throws the error that is pending. */
    final void throwError() {
        if (error != 0) {
            throw new Failure(takeError());
        }
    }

    final boolean isShutDown(int directions) {
        return (shutdown & directions) == directions;
    }

    final void addShutdown(int directions) {
        shutdown |= directions;
    }

    final void clearShutdown() {
        shutdown = 0;
    }

    static int directions(int how) {
        if (how < Linux.SHUT_RD || how > Linux.SHUT_RDWR) {
            throw new Failure(Errno.EINVAL);
        }
        return how + 1;
    }

    /** Of those who look at it: what {@code shutdown} adds to the readiness of any socket. */
    final int closedReadiness() {
        return (isShutDown(BOTH) ? Linux.EPOLLHUP : 0) | (isShutDown(RECEIVING) ? Linux.EPOLLIN | Linux.EPOLLRDHUP : 0);
    }

    final void changed() {
        waiters().wake(WaitQueue.ALL);
    }

    // Names

    /** getsockname(2). Never null: a name without content if it is not bound. */
    public abstract SocketAddress local();

    /** getpeername(2). */
    public abstract SocketAddress remote();

    /** The name of the peer as accept(2) tells it: also of one that has gone meanwhile. */
    public SocketAddress peerAtAccept() {
        return remote();
    }

    /** bind(2). */
    public abstract void bind(SocketAddress address);

    // Connections

    public void listen(int backlog) {
        throw new Failure(Errno.EOPNOTSUPP);
    }

    /** Whether {@link #listen} has been called. */
    public boolean isListening() {
        return false;
    }

    /** accept(2): the first connection that waits. */
    public Socket accept(int flags) {
        throw new Failure(Errno.EOPNOTSUPP);
    }

    /**
     * connect(2). Fails as EINPROGRESS if it has begun, and as EALREADY if it had; whoever waits calls again.
     *
     * @param address null for AF_UNSPEC: from a connection to none
     */
    public abstract void connect(@Nullable SocketAddress address);

    /** shutdown(2). */
    public abstract void shutdown(int how);

    // Messages

    /** recvmsg(2). Returns how many bytes were put. */
    public abstract int receive(IoVector into, int flags, Envelope envelope);

    /** sendmsg(2). Returns how many bytes were taken. */
    public abstract int send(IoVector from, int flags, Envelope envelope);

    /** Whether a send may take a part of the bytes only: no messages are kept apart. */
    public boolean isStream() {
        return type == Linux.SOCK_STREAM;
    }

    @Override
    public final int read(IoVector into) {
        if (into.remaining() == 0) {
            return 0;
        }
        Envelope envelope = new Envelope();
        int count = receive(into, 0, envelope);
        envelope.throwAway();
        return count;
    }

    @Override
    public final int write(IoVector from) {
        return send(from, Linux.MSG_NOSIGNAL, new Envelope());
    }

    // Options

    /** The bytes of an option's value. */
    public final byte[] option(int level, int name) {
        return switch (level == Linux.SOL_SOCKET ? name : -1) {
            case Linux.SO_TYPE -> SocketOptions.bytes(type);
            case Linux.SO_DOMAIN -> SocketOptions.bytes(domain);
            case Linux.SO_ERROR -> SocketOptions.bytes(takeError());
            case Linux.SO_ACCEPTCONN -> SocketOptions.bytes(isListening() ? 1 : 0);
            case Linux.SO_MEMINFO -> SocketOptions.bytes(0, options.receiveBuffer(), unsent(), options.sendBuffer(), 0, unsent(), 0, 0, 0);
            default -> {
                byte[] own = ownOption(level, name);
                yield own != null ? own : options.get(level, name);
            }
        };
    }

    /** Bytes that take place in the buffer for sending. */
    int unsent() {
        return 0;
    }

    /** An option that only this kind of socket has, and that can only be read. */
    byte @Nullable [] ownOption(int level, int name) {
        return null;
    }

    /** setsockopt(2). */
    public void setOption(int level, int name, byte[] value) {
        options.set(level, name, value);
    }
}
