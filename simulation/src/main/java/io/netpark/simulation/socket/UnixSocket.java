package io.netpark.simulation.socket;

import io.netpark.core.linux.Linux;
import io.netpark.core.sys.Errno;
import io.netpark.core.sys.UnixAddress;
import io.netpark.simulation.description.Failure;
import java.net.SocketAddress;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A socket of unix(7): its name, its peer, what it has received, how bytes that are under way count, and who waits for room.
 *
 * @param <S> its own kind, which its peer is of as well
 */
abstract class UnixSocket<S extends UnixSocket<S>> extends Socket {

    final UnixNames names;
    final PacketQueue received = new PacketQueue();
    /** The socket at the other end, if there is one. */
    @Nullable S peer;
    /** Those who wait for room in the queue. */
    private final Set<S> outside = new LinkedHashSet<>();
    private UnixAddress local = UnixAddress.UNNAMED;
    private boolean isClosed;

    UnixSocket(UnixNames names, int type, int flags) {
        super(Linux.AF_UNIX, type, flags, SocketOptions.of(Linux.AF_UNIX, type));
        this.names = names;
    }

    /** This, as what it is. */
    abstract S self();

    /** socketpair(2): makes two fresh sockets each other's peers. */
    public final void pair(S other) {
        peer = other;
        other.peer = self();
    }

    @Override
    public final UnixAddress local() {
        return local;
    }

    @Override
    public final SocketAddress remote() {
        if (peer == null) {
            throw new Failure(Errno.ENOTCONN);
        }
        return peer.local();
    }

    static UnixAddress require(SocketAddress address) {
        if (!(address instanceof UnixAddress unix)) {
            throw new Failure(Errno.EINVAL);
        }
        return unix;
    }

    @Override
    public final void bind(SocketAddress address) {
        UnixAddress unix = require(address);
        if (!local.isUnnamed()) {
            throw new Failure(Errno.EINVAL);
        }
        local = names.bind(this, unix);
    }

    /** The name that it shares with its listener. */
    final void accepted(UnixAddress name) {
        local = name;
    }

    final boolean isClosed() {
        return isClosed;
    }

    /** What it has sent and its peer has not received counts (the kernel's unix_writable): a quarter may be in use. */
    final boolean isWritable() {
        return 4L * unsent() <= options.sendBuffer();
    }

    /** The peer has received something. */
    final void received() {
        if (isWritable()) {
            waiters().wake(Linux.EPOLLOUT);
        }
    }

    // Messages, and room for them

    /** A message that could never have room is refused. */
    final void requireFit(int length) {
        if (length > options.sendBuffer() - 32) {
            throw new Failure(Errno.EMSGSIZE);
        }
    }

    /** Puts a packet of this socket into the queue of another. */
    final void deliver(byte[] bytes, Envelope envelope, S to) {
        to.received.add(new Packet(bytes, local.isUnnamed() ? null : local, envelope.rights));
        to.waiters().wake(Linux.EPOLLIN);
    }

    /** Another waits for room. */
    final void keepOut(S socket) {
        outside.add(socket);
    }

    /** There is room for more. */
    final void callIn() {
        List<S> called = List.copyOf(outside);
        outside.clear();
        called.forEach(socket -> socket.waiters().wake(Linux.EPOLLOUT));
    }

    /** What is ready of a socket of any kind: all but whether it can be written to. */
    final int readable() {
        return closedReadiness() | (received.isEmpty() ? 0 : Linux.EPOLLIN) | (hasError() ? Linux.EPOLLERR : 0);
    }

    /** struct ucred of the process that is at the other end, which is always this one. */
    @Override
    final byte @Nullable [] ownOption(int level, int name) {
        if (level != Linux.SOL_SOCKET || name != Linux.SO_PEERCRED) {
            return null;
        }
        boolean known = peer != null || isListening();
        return known ? SocketOptions.bytes((int) ProcessHandle.current().pid(), 0, 0) : SocketOptions.bytes(0, -1, -1);
    }

    @Override
    protected final void closed() {
        isClosed = true;
        if (local.isAbstract() && ownsName()) {
            names.release(this);
        }
        ended();
        received.clear();
    }

    /** Whether the name is its own, and not that of the listener that it was accepted by. */
    abstract boolean ownsName();

    /** Tells the peer, before what was received is thrown away. */
    abstract void ended();
}
