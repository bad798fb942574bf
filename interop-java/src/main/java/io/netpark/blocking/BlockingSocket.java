package io.netpark.blocking;

import io.netpark.core.fd.Direction;
import io.netpark.core.net.options.NetOption;
import io.netpark.core.net.options.PeerCredentials;
import io.netpark.core.net.options.TcpInfo;
import io.netpark.core.net.streams.ConnectionDescriptor;
import io.netpark.core.net.streams.PeerState;
import io.netpark.core.net.zerocopy.ZeroCopy;
import io.netpark.core.sys.Due;
import io.netpark.core.sys.NetparkException;
import io.netpark.core.tls.TlsSession;
import java.io.InterruptedIOException;
import java.net.SocketAddress;
import java.time.Duration;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/** What a {@link BlockingConnection} is set to, and what is known of it and of its peer. */
abstract sealed class BlockingSocket permits BlockingInput {

    final ConnectionDescriptor core;

    /** It was borrowed from a pool, and the lease has ended: why nobody may use it. */
    private volatile @Nullable String refusal;
    private volatile @Nullable Instant readDeadline;
    private volatile @Nullable Instant writeDeadline;
    /** Something that the peer has done to it. */
    private volatile boolean counted;

    BlockingSocket(ConnectionDescriptor core) {
        this.core = core;
    }

    // Time

    /** How long a read may wait for a byte; {@link Due#INFINITE}, the default, for any time. */
    public Duration readTimeout() {
        return timeout(core.timeoutNanos(Direction.READ));
    }

    /**
     * How long each read may wait for a byte, before it fails with {@link NetparkException.TimedOut}. It counts anew for each
     * byte that comes. Also for one that waits.
     *
     * @param time positive; {@link Due#INFINITE} for any time
     * @throws IllegalArgumentException if it is not positive
     */
    public void setReadTimeout(Duration time) {
        requireUsable();
        core.setTimeout(Direction.READ, Due.timeoutNanos(time, "read timeout"));
    }

    /** How long a write may wait while the peer takes nothing; {@link Due#INFINITE}, the default, for any time. */
    public Duration writeTimeout() {
        return timeout(core.timeoutNanos(Direction.WRITE));
    }

    /**
     * How long each write may wait while the peer takes nothing, before it fails with {@link NetparkException.TimedOut}. So it ends
     * a write to a peer that has stopped, and not to one that is slow. Otherwise as {@link #setReadTimeout}.
     */
    public void setWriteTimeout(Duration time) {
        requireUsable();
        core.setTimeout(Direction.WRITE, Due.timeoutNanos(time, "write timeout"));
    }

    /** How long the connection may be silent; {@link Due#INFINITE}, the default, for any time. */
    public Duration idleTimeout() {
        return timeout(core.idleTimeoutNanos());
    }

    /**
     * Closes the connection when no byte has moved in either direction for so long; its operations then fail with
     * {@link NetparkException.TimedOut}, {@code IDLE}. Counts from now on, and from each byte. This is about bytes: whether the peer is
     * still there is what TCP keepalive finds out.
     *
     * @param time positive; {@link Due#INFINITE} for any time
     * @throws IllegalArgumentException if it is not positive
     */
    public void setIdleTimeout(Duration time) {
        requireUsable();
        core.setIdleTimeout(Due.timeoutNanos(time, "idle timeout"));
    }

    /** The instant from which on reads fail; null if there is none. */
    public @Nullable Instant readDeadline() {
        return readDeadline;
    }

    /**
     * Lets reads fail with {@link NetparkException.TimedOut} from an instant on, also one that waits, however many bytes have come.
     * There may be a timeout as well: the earlier strikes.
     *
     * @param instant one in the past lets reads fail at once; null takes the deadline away
     */
    public void setReadDeadline(@Nullable Instant instant) {
        setDeadline(Direction.READ, instant);
        readDeadline = instant;
    }

    /** The instant from which on writes fail; null if there is none. */
    public @Nullable Instant writeDeadline() {
        return writeDeadline;
    }

    /** As {@link #setReadDeadline}, for writes. */
    public void setWriteDeadline(@Nullable Instant instant) {
        setDeadline(Direction.WRITE, instant);
        writeDeadline = instant;
    }

    private void setDeadline(Direction direction, @Nullable Instant instant) {
        requireUsable();
        if (instant == null) {
            core.clearDeadline(direction);
        } else {
            core.setDeadline(direction, core.loop().clock().after(Duration.between(Instant.now(), instant)));
        }
    }

    private static Duration timeout(long nanos) {
        return nanos >= Due.FOREVER ? Due.INFINITE : Duration.ofNanos(nanos);
    }

    /** For the check of a pool: what it waits for must be there by then. */
    void limitUntil(long nanoTime) {
        core.setDeadline(Direction.READ, nanoTime);
        core.setDeadline(Direction.WRITE, nanoTime);
    }

    // Options

    /**
     * The value of a socket option.
     *
     * @throws NetparkException.Closed if the connection is closed
     * @throws NetparkException if a socket of this kind does not have it
     */
    public <T> T getOption(NetOption<T> option) throws NetparkException {
        requireUsable();
        return core.getOption(option);
    }

    /**
     * Sets a socket option.
     *
     * @throws NetparkException.Closed if the connection is closed
     * @throws NetparkException if a socket of this kind does not have it, or the value is refused
     */
    public <T> void setOption(NetOption<T> option, T value) throws NetparkException {
        requireUsable();
        core.setOption(option, value);
    }

    /**
     * Whether large buffers of the writer are sent without a copy from now on; see {@link ZeroCopy} for when that pays, which is never
     * with TLS, which makes no use of it. A flush
     * waits no longer than otherwise: the kernel has the bytes on loan when it returns.
     *
     * @throws NetparkException if the kernel does not do it for such a socket: only for TCP
     * @throws NetparkException.Closed if the connection is closed
     */
    public void setZeroCopy(ZeroCopy how) throws NetparkException {
        requireUsable();
        core.setZeroCopy(how);
    }

    /** How many sends had their bytes lent to the kernel, and what became of them. */
    public ZeroCopy.Count zeroCopyCount() {
        return core.zeroCopyCount();
    }

    /**
     * What the kernel knows of this TCP connection: round trips, retransmissions, windows.
     *
     * @throws NetparkException.Closed if the connection is closed
     */
    public TcpInfo tcpInfo() throws NetparkException {
        requireUsable();
        return core.tcpInfo();
    }

    /**
     * Who is at the other end of a unix socket.
     *
     * @throws NetparkException.Closed if the connection is closed
     * @throws IllegalStateException if it is one of TCP, which does not know
     */
    public PeerCredentials peerCredentials() throws NetparkException {
        requireUsable();
        return core.peerCredentials();
    }

    // TLS

    /**
     * What the TLS handshake has agreed on, also after closing; null for a plain connection, and before the end of the handshake, which
     * {@link BlockingOutput#awaitTls} waits for.
     */
    public @Nullable TlsSession tlsSession() {
        return core.tlsSession();
    }

    // The two ends

    /** The peer's address, also after closing. */
    public SocketAddress remoteAddress() {
        return core.remoteAddress();
    }

    /**
     * The address of this side.
     *
     * @throws NetparkException.Closed if the connection was closed before this was first asked
     */
    public SocketAddress localAddress() throws NetparkException {
        return core.localAddress();
    }

    /** Whether it has been closed here; or given back, if it was borrowed. Says nothing about the peer. */
    public boolean isClosed() {
        return core.isClosed() || refusal != null;
    }

    /**
     * What is known of the peer, without asking it or waiting: whether it has ended its stream, or is gone, though nobody reads. For
     * code that works on an answer that may be in vain.
     */
    public PeerState peerState() {
        return refusal != null ? PeerState.CLOSED : core.peerState();
    }

    /**
     * Waits until the peer has ended its stream or is gone, though nobody reads; or until the time is over. It reads nothing, and does
     * not disturb those who do.
     *
     * @param atMost how long to wait at most; zero or less does not wait
     * @return what is known then: {@link PeerState#PRESENT} if the peer is there as far as one knows; {@link PeerState#CLOSED} if the
     *     connection is closed here, before or meanwhile
     * @throws InterruptedIOException if the thread is interrupted while it waits, and stays so; the connection is as before
     */
    public PeerState awaitPeerClosed(Duration atMost) throws InterruptedIOException {
        return awaitPeerClosed(PeerState.HALF_CLOSED, atMost);
    }

    /**
     * As {@link #awaitPeerClosed(Duration)}, for a client that half-closes and waits for its answer: it has gone when that is
     * {@link PeerState#GONE}.
     *
     * @param from what to wait for: {@link PeerState#HALF_CLOSED}, or {@link PeerState#GONE}
     */
    public PeerState awaitPeerClosed(PeerState from, Duration atMost) throws InterruptedIOException {
        if (from != PeerState.HALF_CLOSED && from != PeerState.GONE) {
            throw new IllegalArgumentException("wait for HALF_CLOSED or GONE, not for " + from);
        }
        requireUsable();
        return PeerWaiter.await(core, from, atMost);
    }

    // What the others need

    /** It was given back to its pool: nobody may use it any more. */
    final void refuse(String why) {
        refusal = why;
    }

    final boolean isRefused() {
        return refusal != null;
    }

    /** @throws IllegalStateException if it was borrowed from a pool, and has been given back */
    final void requireUsable() {
        String why = refusal;
        if (why != null) {
            throw new IllegalStateException(why);
        }
    }

    /** What the peer has done to its connection is counted, once; the caller knows what to do about it. */
    final <E extends NetparkException> E told(E failure) {
        failure.setAbout(core);
        if (!counted && failure.isAbout(core)) {
            counted = core.loop().countIfByPeer(failure);
        }
        return failure;
    }

    @Override
    public String toString() {
        return core.toString();
    }
}
