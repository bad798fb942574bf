package io.netpark.simulation.socket;

import io.netpark.core.linux.Linux;
import io.netpark.core.sys.Errno;
import io.netpark.simulation.description.Failure;
import io.netpark.simulation.description.IoVector;
import java.net.SocketAddress;
import org.jspecify.annotations.Nullable;

/** A unix socket of connections: SOCK_STREAM, or SOCK_SEQPACKET, which keeps messages apart. */
public final class UnixStreamSocket extends UnixSocket<UnixStreamSocket> {

    private @Nullable AcceptQueue<UnixStreamSocket> accepts;
    private boolean isAccepted;

    public UnixStreamSocket(UnixNames names, int type, int flags) {
        super(names, type, flags);
    }

    @Override
    UnixStreamSocket self() {
        return this;
    }

    @Override
    boolean ownsName() {
        return !isAccepted;
    }

    // Connections

    @Override
    public boolean isListening() {
        return accepts != null;
    }

    @Override
    public void listen(int backlog) {
        if (local().isUnnamed() || peer != null) {
            throw new Failure(Errno.EINVAL);
        }
        if (accepts == null) {
            accepts = new AcceptQueue<>(backlog);
        } else {
            accepts.resize(backlog);
            callIn();
        }
    }

    @Override
    public UnixStreamSocket accept(int flags) {
        if (accepts == null) {
            throw new Failure(Errno.EINVAL);
        }
        UnixStreamSocket accepted = accepts.take();
        accepted.setFlags(flags);
        callIn();
        return accepted;
    }

    @Override
    public void connect(@Nullable SocketAddress address) {
        if (address == null) {
            throw new Failure(Errno.EINVAL);
        }
        UnixSocket<?> found = names.find(require(address), type());
        if (found.type() != type()) {
            throw new Failure(Errno.EPROTOTYPE);
        }
        UnixStreamSocket listener = (UnixStreamSocket) found;
        if (listener.accepts == null || listener.isShutDown(RECEIVING)) {
            throw new Failure(Errno.ECONNREFUSED);
        }
        if (peer != null || accepts != null) {
            throw new Failure(peer != null ? Errno.EISCONN : Errno.EINVAL);
        }
        if (listener.accepts.isFull()) {
            if (!isNonBlocking()) {
                listener.keepOut(this);
            }
            throw new Failure(Errno.EAGAIN);
        }
        UnixStreamSocket accepted = new UnixStreamSocket(names, type(), 0);
        accepted.accepted(listener.local());
        accepted.isAccepted = true;
        pair(accepted);
        listener.accepts.add(accepted);
        changed();
        listener.waiters().wake(Linux.EPOLLIN);
    }

    @Override
    public void shutdown(int how) {
        int directions = directions(how);
        addShutdown(directions);
        changed();
        if (peer != null && !peer.isClosed()) {
            peer.addShutdown((directions & RECEIVING) != 0 ? SENDING : 0);
            peer.addShutdown((directions & SENDING) != 0 ? RECEIVING : 0);
            peer.changed();
        }
    }

    @Override
    void ended() {
        if (accepts != null) {
            accepts.forEach(UnixStreamSocket::breakOff);
            accepts = null;
            callIn();
        }
        UnixStreamSocket other = peer;
        if (other != null && !other.isClosed()) {
            if (!received.isEmpty()) {
                other.breakConnection(Errno.ECONNRESET);
            } else {
                other.breakConnection(0);
            }
        }
    }

    /** Nobody has accepted it. */
    private void breakOff() {
        if (peer != null && !peer.isClosed()) {
            peer.breakConnection(Errno.ECONNRESET);
            peer = null;
        }
    }

    private void breakConnection(int errno) {
        addShutdown(BOTH);
        if (errno != 0) {
            fail(errno);
        }
        changed();
    }

    // Bytes

    @Override
    public int send(IoVector from, int flags, Envelope envelope) {
        UnixStreamSocket to = peer;
        if (envelope.address != null && isStream()) {
            throw new Failure(to != null ? Errno.EISCONN : Errno.EOPNOTSUPP);
        }
        if (to == null) {
            throw new Failure(Errno.ENOTCONN);
        }
        if (!isStream()) {
            throwError();
        }
        if (isShutDown(SENDING) || to.isClosed() || to.isShutDown(RECEIVING)) {
            throw new Failure(Errno.EPIPE);
        }
        throwError();
        int length = from.remaining();
        if (!isStream()) {
            requireFit(length);
        } else if (length == 0) {
            return 0;
        }
        int room = options.sendBuffer() - unsent();
        if (room <= 0) {
            throw new Failure(Errno.EAGAIN);
        }
        byte[] bytes = new byte[isStream() ? Math.min(length, room) : length];
        from.take(bytes, 0, bytes.length);
        deliver(bytes, envelope, to);
        return bytes.length;
    }

    @Override
    int unsent() {
        return peer == null ? 0 : peer.received.bytes();
    }

    @Override
    public int receive(IoVector into, int flags, Envelope envelope) {
        if (peer == null) {
            throw new Failure(isStream() ? Errno.EINVAL : Errno.ENOTCONN);
        }
        if (received.isEmpty()) {
            throwError();
            if (isShutDown(RECEIVING)) {
                return 0;
            }
            throw new Failure(Errno.EAGAIN);
        }
        int before = received.bytes();
        int count = isStream() ? received.receiveBytes(into, (flags & Linux.MSG_PEEK) != 0, envelope)
                : received.receiveMessage(into, flags, envelope);
        if (received.bytes() != before || !isStream()) {
            peer.received();
        }
        return count;
    }

    @Override
    public int readiness() {
        if (accepts != null) {
            return readable() | (accepts.isEmpty() ? 0 : Linux.EPOLLIN);
        }
        return readable() | (peer == null ? Linux.EPOLLHUP : 0) | (isWritable() ? Linux.EPOLLOUT : 0);
    }
}
