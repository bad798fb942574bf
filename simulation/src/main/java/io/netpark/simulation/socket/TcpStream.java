package io.netpark.simulation.socket;

import io.netpark.core.linux.Linux;
import io.netpark.core.sys.Errno;
import io.netpark.simulation.description.Failure;
import io.netpark.simulation.description.IoVector;
import io.netpark.simulation.network.Allowance;
import io.netpark.simulation.network.Lane;
import org.jspecify.annotations.Nullable;

/**
 * One end of a TCP connection, in a {@link TcpSocket}: its state, and the bytes on their way out and in. What is sent goes on its
 * {@link Passage}, as far as the peer has room; the rest waits here until the peer has read, even when the program has closed the socket.
 */
final class TcpStream {

    private final TcpSocket socket;
    private final ByteQueue sending = new ByteQueue();
    private final ByteQueue received = new ByteQueue();
    private TcpState state = TcpState.CLOSED;
    private @Nullable TcpStream peer;
    private Passage passage;
    private @Nullable Allowance allowance;
    /** Bytes on the passage that the peer has not acknowledged. */
    private int flying;
    /** The peer has ended its output: SOCK_DONE of the kernel. */
    private boolean done;
    private boolean endAsked;
    private boolean endSent;
    /** Nobody has the socket any more. */
    private boolean orphan;
    /** Somebody has seen that there is no room: SOCK_NOSPACE of the kernel. */
    private boolean roomAwaited;
    private long acknowledged;
    private long taken;

    TcpStream(TcpSocket socket) {
        this.socket = socket;
        this.passage = passageOn(null);
    }

    private Passage passageOn(@Nullable Lane lane) {
        return new Passage(socket.host.timeline(), lane, () -> giveUp(Errno.ETIMEDOUT));
    }

    /** The way to the peer from now on. */
    void goBy(@Nullable Lane lane) {
        passage = passageOn(lane);
        flying = 0;
        allowance = null;
    }

    /** The network resets the connection when this is used up. */
    void limit(@Nullable Allowance allowance) {
        this.allowance = allowance;
    }

    Passage passage() {
        return passage;
    }

    TcpState state() {
        return state;
    }

    // From the beginning

    void listen() {
        state = TcpState.LISTEN;
    }

    void connect() {
        state = TcpState.SYN_SENT;
        done = endAsked = endSent = false;
    }

    void establish(TcpStream client) {
        state = TcpState.ESTABLISHED;
        socket.options.tune();
        peer = client;
    }

    void established(TcpSocket accepted) {
        establish(accepted.stream());
        socket.changed();
    }

    void giveUp(int errno) {
        if (state != TcpState.CLOSED) {
            finish();
            socket.fail(errno);
        }
    }

    /** No answer comes to what this end has sent: it has done so again and again by now. */
    private void unanswered() {
        boolean endOnItsWay = endSent && state != TcpState.FIN_WAIT_2;
        if (flying > 0 || !sending.isEmpty() || endOnItsWay) {
            giveUp(Errno.ETIMEDOUT);
        }
    }

    // What the program does

    int send(IoVector from) {
        if (!state.maySend()) {
            socket.throwError();
            throw new Failure(state == TcpState.SYN_SENT ? Errno.EAGAIN : Errno.EPIPE);
        }
        socket.throwError();
        if (socket.isShutDown(Socket.SENDING)) {
            throw new Failure(Errno.EPIPE);
        }
        if (from.remaining() == 0) {
            return 0;
        }
        int count = 0;
        for (int room; from.remaining() > 0 && state.maySend() && (room = socket.options.sendBuffer() - unsent()) > 0; ) {
            count += sending.add(from, room);
            pump();
        }
        if (from.remaining() > 0 && state.maySend()) {
            roomAwaited = true;
            if (count == 0) {
                throw new Failure(Errno.EAGAIN);
            }
        }
        return count;
    }

    int receive(IoVector into, int flags) {
        if (received.isEmpty()) {
            if (done) {
                return 0;
            }
            socket.throwError();
            if (socket.isShutDown(Socket.RECEIVING)) {
                return 0;
            }
            throw new Failure(state == TcpState.CLOSED ? Errno.ENOTCONN : Errno.EAGAIN);
        }
        // tcp(7): with MSG_TRUNC the bytes are thrown away, not copied
        int count = (flags & Linux.MSG_TRUNC) != 0 ? Math.min(into.remaining(), received.size()) : received.peek(into);
        if ((flags & Linux.MSG_PEEK) == 0) {
            received.drop(count);
            if (peer != null) {
                passage.answer(peer::pump, peer::unanswered);
            }
        }
        return count;
    }

    /** The program sends nothing more. */
    void endOutput() {
        if (state.maySend()) {
            state = state == TcpState.ESTABLISHED ? TcpState.FIN_WAIT_1 : TcpState.LAST_ACK;
            endAsked = true;
            pump();
        }
    }

    void close() {
        orphan = true;
        if (!received.isEmpty() || socket.options.resetsOnClose()) {
            abort();
        } else {
            endOutput();
        }
        if (state == TcpState.CLOSED || state == TcpState.LISTEN || state == TcpState.SYN_SENT) {
            state = TcpState.CLOSED;
            socket.leave();
        }
    }

    /** Ends the connection and has the peer know by a reset. */
    void abort() {
        TcpStream other = peer;
        peer = null;
        state = TcpState.CLOSED;
        drop();
        if (orphan) {
            socket.leave();
        }
        if (other != null) {
            passage.carry(0, other::reset);
        }
    }

    /** What was to be sent will not be. */
    private void drop() {
        sending.clear();
        socket.acknowledged(Long.MAX_VALUE);
    }

    /** As {@link #abort}, and begins anew. */
    void disconnect() {
        abort();
        received.clear();
        done = endAsked = endSent = roomAwaited = false;
    }

    // What the peer does

    /** Sends bytes to the peer, as many as it has room for, and then the end. */
    private void pump() {
        TcpStream to = peer;
        if (to == null) {
            return;
        }
        int count = Math.min(sending.size(), to.window() - flying);
        if (allowance != null && count > 0) {
            count = allowance.take(count); // what is beyond it will not be sent
        }
        if (count > 0) {
            ByteQueue segment = new ByteQueue();
            segment.add(sending, count);
            flying += count;
            passage.carry(segment.size(), () -> to.arrive(this, segment));
        } else if (!sending.isEmpty() && !to.takesMore()) {
            passage.carry(0, () -> to.refuse(this)); // a probe of its window finds that out
            return;
        }
        if (allowance != null && allowance.isUsedUp()) {
            passage.carry(0, to::reset);
            reset();
            return;
        }
        if (peer != null && sending.isEmpty() && endAsked && !endSent) {
            endSent = true;
            passage.carry(0, () -> to.endArrives(this));
        }
        if (roomAwaited && isWritable()) {
            roomAwaited = false;
            socket.waiters().wake(Linux.EPOLLOUT);
        }
    }

    private void arrive(TcpStream from, ByteQueue segment) {
        if (!takesMore()) {
            refuse(from);
            return;
        }
        int count = segment.size();
        received.add(segment, count);
        taken += count;
        passage.answer(() -> from.delivered(count), from::unanswered);
        socket.waiters().wake(Linux.EPOLLIN);
    }

    private void delivered(int count) {
        flying = Math.max(0, flying - count);
        acknowledged += count;
        socket.acknowledged(acknowledged);
        pump();
    }

    private void endArrives(TcpStream from) {
        if (state != TcpState.CLOSED) {
            ended();
        }
        passage.answer(from::endTaken, from::unanswered);
    }

    /** After the program has ended both directions, or has gone, bytes are answered by a reset (the kernel's TCP_ABORT_ON_DATA). */
    private boolean takesMore() {
        boolean ended = state == TcpState.FIN_WAIT_1 || state == TcpState.FIN_WAIT_2;
        return state != TcpState.CLOSED && !orphan && !(ended && socket.isShutDown(Socket.RECEIVING));
    }

    /** Nobody will read what has come. */
    private void refuse(TcpStream sender) {
        if (state != TcpState.CLOSED) {
            finish();
            if (!orphan) {
                socket.fail(Errno.ECONNRESET);
            }
        }
        passage.carry(0, sender::reset);
    }

    private int window() {
        return Math.max(0, socket.options.receiveBuffer() - received.size());
    }

    /** The peer's end has come. */
    private void ended() {
        done = true;
        socket.addShutdown(Socket.RECEIVING);
        switch (state) {
            case ESTABLISHED -> state = TcpState.CLOSE_WAIT;
            case FIN_WAIT_1 -> state = TcpState.CLOSING;
            case FIN_WAIT_2 -> finish();
            default -> { }
        }
        socket.changed();
    }

    /** The peer has our end. */
    private void endTaken() {
        switch (state) {
            case FIN_WAIT_1 -> {
                state = TcpState.FIN_WAIT_2;
                socket.changed();
            }
            case CLOSING, LAST_ACK -> finish();
            default -> { }
        }
    }

    /** A reset has come: from the peer, or from a host where nobody listens. */
    void reset() {
        if (state == TcpState.CLOSED) {
            return;
        }
        int errno = switch (state) {
            case SYN_SENT -> Errno.ECONNREFUSED;
            case CLOSE_WAIT -> Errno.EPIPE;
            default -> Errno.ECONNRESET;
        };
        finish();
        socket.fail(errno);
    }

    /** The connection is over: the kernel's tcp_done. What was received can still be read. */
    private void finish() {
        state = TcpState.CLOSED;
        peer = null;
        drop();
        socket.addShutdown(Socket.BOTH);
        if (orphan) {
            socket.leave();
        } else {
            socket.unsettle();
        }
        socket.changed();
    }

    // What can be seen

    /** The kernel's sk_stream_is_writeable: a third of the buffer is free. */
    private boolean isWritable() {
        int used = unsent();
        return socket.options.sendBuffer() - used >= used / 2;
    }

    int readiness() {
        int ready = received.isEmpty() ? 0 : Linux.EPOLLIN;
        if (state == TcpState.CLOSED) {
            ready |= Linux.EPOLLHUP;
        }
        if (state != TcpState.SYN_SENT) {
            if (socket.isShutDown(Socket.SENDING) || isWritable()) {
                ready |= Linux.EPOLLOUT;
            } else {
                roomAwaited = true;
            }
        }
        return ready;
    }

    /** Bytes that take place in the buffer for sending, until the peer has them. */
    int unsent() {
        return sending.size() + flying;
    }

    /** How many bytes the program has written, and how many of them the peer has. */
    long written() {
        return acknowledged + unsent();
    }

    long acknowledged() {
        return acknowledged;
    }

    byte[] info() {
        return TcpInfo.of(state, acknowledged, taken, unsent());
    }
}
