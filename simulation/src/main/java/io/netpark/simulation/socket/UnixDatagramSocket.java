package io.netpark.simulation.socket;

import io.netpark.core.linux.Linux;
import io.netpark.core.sys.Errno;
import io.netpark.core.sys.UnixAddress;
import io.netpark.simulation.description.Failure;
import io.netpark.simulation.description.IoVector;
import java.net.SocketAddress;
import java.util.ArrayDeque;
import java.util.Deque;
import org.jspecify.annotations.Nullable;

/** A unix socket of SOCK_DGRAM. Nothing is lost: who finds the receiver's queue full waits. */
public final class UnixDatagramSocket extends UnixSocket<UnixDatagramSocket> {

    /** net.unix.max_dgram_qlen; one more finds place. */
    private static final int QUEUE = 10;

    /** Who sent which packet of the queue, in its order. */
    private final Deque<UnixDatagramSocket> senders = new ArrayDeque<>();
    /** Bytes that it has sent and nobody has received. */
    private int unsent;

    public UnixDatagramSocket(UnixNames names, int flags) {
        super(names, Linux.SOCK_DGRAM, flags);
    }

    @Override
    UnixDatagramSocket self() {
        return this;
    }

    @Override
    boolean ownsName() {
        return true;
    }

    @Override
    int unsent() {
        return unsent;
    }

    @Override
    public void connect(@Nullable SocketAddress address) {
        peer = address == null ? null : find(require(address));
        changed();
    }

    private UnixDatagramSocket find(UnixAddress address) {
        UnixSocket<?> found = names.find(address, type());
        if (!(found instanceof UnixDatagramSocket datagrams)) {
            throw new Failure(Errno.EPROTOTYPE);
        }
        if (datagrams.peer != null && datagrams.peer != this) {
            throw new Failure(Errno.EPERM);
        }
        return datagrams;
    }

    @Override
    public void shutdown(int how) {
        addShutdown(directions(how));
        changed();
    }

    @Override
    public int send(IoVector from, int flags, Envelope envelope) {
        UnixDatagramSocket to = envelope.address != null ? find(require(envelope.address)) : peer;
        if (to == null) {
            throw new Failure(Errno.ENOTCONN);
        }
        int length = from.remaining();
        requireFit(length);
        throwError();
        if (isShutDown(SENDING)) {
            throw new Failure(Errno.EPIPE);
        }
        if (unsent >= options.sendBuffer()) {
            throw new Failure(Errno.EAGAIN);
        }
        if (to.isClosed()) {
            if (to == peer) {
                peer = null;
            }
            throw new Failure(Errno.ECONNREFUSED);
        }
        if (to.isShutDown(RECEIVING)) {
            throw new Failure(Errno.EPIPE);
        }
        if (isKeptOut(to)) {
            to.keepOut(this);
            throw new Failure(Errno.EAGAIN);
        }
        byte[] bytes = from.takeAll();
        unsent += length;
        to.senders.add(this);
        deliver(bytes, envelope, to);
        return length;
    }

    /** Two that are each other's peers have only their buffers as a limit. */
    private boolean isKeptOut(UnixDatagramSocket to) {
        return to.peer != this && to != this && to.received.count() > QUEUE;
    }

    @Override
    public int receive(IoVector into, int flags, Envelope envelope) {
        throwError();
        if (received.isEmpty() && isShutDown(RECEIVING) && !isNonBlocking()) {
            return 0;
        }
        int before = received.bytes();
        int count = received.receiveMessage(into, flags, envelope);
        if ((flags & Linux.MSG_PEEK) == 0) {
            UnixDatagramSocket sender = senders.remove();
            sender.unsent -= before - received.bytes();
            sender.received();
            callIn();
        }
        return count;
    }

    @Override
    public int readiness() {
        boolean writable = isWritable();
        if (writable && peer != null && !peer.isClosed() && isKeptOut(peer)) {
            writable = false;
            peer.keepOut(this);
        }
        return readable() | (writable ? Linux.EPOLLOUT : 0);
    }

    @Override
    void ended() {
        senders.forEach(sender -> sender.unsent = 0);
        senders.clear();
        callIn();
    }
}
