package io.netpark.core.net.streams;

import io.netpark.core.buffer.LinkBuffer;
import io.netpark.core.fd.Direction;
import io.netpark.core.linux.Linux;
import io.netpark.core.loop.EventLoop;
import io.netpark.core.net.secure.Carrier;
import io.netpark.core.net.secure.Handshake;
import io.netpark.core.net.secure.SecureLayer;
import io.netpark.core.poll.Pollable;
import io.netpark.core.poll.Readiness;
import io.netpark.core.poll.WokenBatch;
import io.netpark.core.sys.LibC;
import io.netpark.core.sys.NetparkException;
import io.netpark.core.sys.NetparkException.TlsFault;
import io.netpark.core.tls.ServerTls;
import io.netpark.core.tls.Tls;
import io.netpark.core.tls.TlsSession;
import java.nio.ByteBuffer;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

/**
 * How a connection gets TLS. The handshake goes on by itself, on the event loop, as the peer's bytes come. Operations that are begun
 * meanwhile park until it is over. {@link SecureLayer} has what is TLS about it.
 *
 * <pre>
 *   {@link #layer}: null --startTls--> handshaking --the handshake ends--> established
 *                                          +--it fails, its time is over--> failed, and closed
 * </pre>
 */
public abstract sealed class SecuringSocket extends PendingInput permits SecureSocket {

    /** All that TLS needs; null without it, so that a plain connection has one field for it. */
    volatile @Nullable SecureLayer layer;

    SecuringSocket(EventLoop loop, int fd) {
        super(loop, fd);
    }

    // Its beginning

    /**
     * Begins TLS: the handshake goes on by itself, and operations that are begun from now on wait for its end. Nothing may be going on
     * or parked. Any thread.
     *
     * <p>In the middle of a protocol (STARTTLS) each side begins when it has sent, and read, the last byte of the plain part. What was
     * read beyond it is the first of TLS, and is never taken for data: so a plain command behind the STARTTLS of an attacker is not
     * obeyed (CVE-2011-0411), it makes the handshake fail.
     *
     * @param tls of a server or of a client, which settles what this side is
     * @param host the name that was dialed, for SNI and to be verified; null on servers
     * @param port the port that was dialed; -1 if there is none
     * @param ahead bytes that were read already, which this takes; null for none
     * @throws NetparkException.Closed if the connection is closed
     * @throws IllegalStateException if it has TLS already, or an operation is going on or parked
     */
    public final void startTls(Tls tls, @Nullable String host, int port, @Nullable LinkBuffer ahead) throws NetparkException {
        startTls(tls, host, port, ahead, false);
    }

    private void startTls(Tls tls, @Nullable String host, int port, @Nullable LinkBuffer ahead, boolean reported)
            throws NetparkException {
        requireNoTls();
        requireIdle();
        try {
            requireNoTls(); // another may have begun it just now
            if (!tryAcquire()) { // a close that comes from here on finds TLS, and ends it
                throw refusal();
            }
            try {
                begin(tls, host, port, ahead, reported);
            } finally {
                release();
            }
        } catch (SSLException e) {
            throw about(SecureLayer.failure(e, "start TLS with " + peer()));
        } finally {
            releaseIdle();
        }
    }

    private void begin(Tls tls, @Nullable String host, int port, @Nullable LinkBuffer ahead, boolean reported) throws SSLException {
        SecureLayer begun = new SecureLayer(new Below(), tls, host, port, ahead, reported);
        layer = begun;
        knownEmpty = false; // what a plain read has found out is of another time: reads that wait for the handshake leave it as it is
        try {
            begun.start();
        } catch (Throwable e) { // no memory: it would never begin
            close();
            throw e;
        }
    }

    /** TLS of a connection that was accepted: nobody waits for the handshake yet, so its failure is reported. Throws nothing. */
    final void startTlsOfAccepted(ServerTls tls) {
        try {
            startTls(tls, null, -1, null, true);
        } catch (Throwable e) { // the configuration's, say: a source of engines that threw
            try {
                Handshake.countFailed(loop(), TlsFault.ENGINE);
                loop().report("TLS did not begin, and the connection is closed", e);
            } finally {
                close();
            }
        }
    }

    private void requireNoTls() {
        if (layer != null) {
            throw new IllegalStateException("start TLS on " + this + ": it has TLS already");
        }
    }

    private void requireIdle() throws NetparkException {
        if (!reserve(Direction.READ)) {
            throw refusal();
        }
        if (!reserve(Direction.WRITE)) {
            abandon(Direction.READ);
            throw refusal();
        }
    }

    private void releaseIdle() {
        abandon(Direction.WRITE);
        abandon(Direction.READ);
    }

    private IllegalStateException refusal() throws NetparkException {
        if (isClosed()) {
            throw about(closed(Direction.WRITE));
        }
        if (isOutputCutOff()) {
            throw about(outputCutOff());
        }
        return new IllegalStateException("start TLS on " + this + ": a read or a write is going on; end or cancel it first");
    }

    /**
     * Waits for the end of the handshake, as a write-side operation. Without TLS there is nothing to wait for. The handshake has a
     * limit of its own: a write timeout is about bytes that the peer does not take, and does not end this. A write deadline does.
     *
     * @return 0 when data can be exchanged, or {@link #PARK}
     * @throws NetparkException.TlsFailure if the handshake has failed, saying why
     * @throws NetparkException.TimedOut if its time was over, and the connection is closed; or if the write deadline has passed,
     * and it goes on
     * @throws NetparkException as {@link ByteOutput#startWrite(ByteBuffer)}
     */
    public final int startHandshake() throws NetparkException {
        return perform(Direction.WRITE, false, AWAIT_HANDSHAKE, this, null, 0);
    }

    /** Goes on with {@link #startHandshake}. */
    public final int retryHandshake() throws NetparkException {
        try {
            return perform(Direction.WRITE, true, AWAIT_HANDSHAKE, this, null, 0);
        } catch (NetparkException.TimedOut e) {
            if (e.timeout() != NetparkException.Timeout.WRITE) {
                throw e;
            }
            return startHandshake(); // it was the timeout of a write, which is over; a deadline strikes again
        }
    }

    private static final Operation<SecuringSocket, @Nullable Object, NetparkException> AWAIT_HANDSHAKE =
            (self, none, most) -> self.isSecuring() ? PARK : 0;

    /** What the handshake has agreed on; null without TLS, and before the end of the handshake. Stays when the connection is closed. */
    public final @Nullable TlsSession tlsSession() {
        SecureLayer known = layer;
        return known == null ? null : known.stream().session();
    }

    /** Whether it has TLS, or is about to. */
    public final boolean hasTls() {
        return layer != null;
    }

    /** Whether a handshake goes on in which the peer has not said anything yet: perhaps it never will. */
    public final boolean awaitsFirstWord() {
        SecureLayer known = layer;
        return known != null && known.awaitsFirstWord();
    }

    /** Whether the handshake is still going on. Throws what it has failed with. */
    private boolean isSecuring() throws NetparkException {
        SecureLayer known = layer;
        if (known == null || known.stream().isEstablished()) {
            return false;
        }
        requireSound(known);
        return true;
    }

    /** Whether data has to wait for the end of the handshake. Throws what has ended the exchange of data. */
    @SuppressWarnings("NullAway") // TLS has begun, and its layer stays
    final boolean mustAwaitHandshake() throws NetparkException {
        SecureLayer known = layer;
        requireSound(known);
        return !known.stream().isEstablished();
    }

    private void requireSound(SecureLayer known) throws NetparkException {
        NetparkException why = known.failure();
        if (why != null) {
            throw about(why);
        }
    }

    // For the handshake, on the loop

    /** As {@link Carrier#lingerOnClose}. */
    abstract void lingerOnClose();

    abstract void closeAfterFailure();

    /** Bytes have moved that are not told by {@link #moved}: records, and not what is in them. */
    abstract void restartIdleTime();

    /** The peer, as it is called in messages. */
    abstract String peer();

    /** Who waits for the end of the handshake is told of that. A poller would tell of a socket with room again and again. */
    @Override
    protected final void requestReport(Direction direction) throws NetparkException {
        SecureLayer known = layer;
        if (known == null || known.handshake() == null) {
            super.requestReport(direction);
        }
    }

    @Override
    public void ready(int readiness, WokenBatch woken) {
        super.ready(readiness, woken);
        SecureLayer known = layer;
        if (known != null) {
            Runnable going = known.handshake();
            if (going != null) {
                woken.add(going);
            } else if (known.stream().hasPending() && (readiness & Readiness.WAKES_WRITER) != 0) {
                woken.add(known);
            }
        }
    }

    @Override
    protected NetparkException closed(Direction direction) {
        SecureLayer known = layer;
        NetparkException why = known == null ? null : known.failure();
        return why != null ? why : super.closed(direction);
    }

    /** This connection, as its TLS sees it. */
    private final class Below implements Carrier {

        @Override
        public EventLoop loop() {
            return SecuringSocket.this.loop();
        }

        @Override
        public Pollable connection() {
            return SecuringSocket.this;
        }

        @Override
        public LibC libc() {
            return SecuringSocket.this.libc();
        }

        @Override
        public int fd() {
            return SecuringSocket.this.fd();
        }

        @Override
        public boolean isClosed() {
            return SecuringSocket.this.isClosed();
        }

        @Override
        public boolean acquire() {
            return tryAcquire();
        }

        @Override
        public void release() {
            SecuringSocket.this.release();
        }

        @Override
        public boolean isKnownEmpty() {
            return parksWithoutAsking();
        }

        @Override
        public void noteRead(boolean shorter) {
            SecuringSocket.this.noteRead(shorter);
        }

        @Override
        public void noteMoved() {
            restartIdleTime();
        }

        @Override
        public void noteFailure(int errno) {
            SecuringSocket.this.noteFailure(errno);
        }

        @Override
        public void askFor(int interest) throws NetparkException {
            if (!loop().poller().edgeTriggered()) {
                loop().poller().arm(fd(), SecuringSocket.this, interest);
            }
        }

        @Override
        public void nudge(Direction direction) {
            SecuringSocket.this.nudge(direction);
        }

        @Override
        public void endOutput() throws NetparkException {
            shutdown(Linux.SHUT_WR, "shut down the output");
        }

        @Override
        public void lingerOnClose() {
            SecuringSocket.this.lingerOnClose();
        }

        @Override
        public void closeAfterFailure() {
            SecuringSocket.this.closeAfterFailure();
        }

        @Override
        public void close() {
            SecuringSocket.this.close();
        }

        @Override
        public String operation(Direction direction) {
            return SecuringSocket.this.operation(direction);
        }

        @Override
        public String peer() {
            return SecuringSocket.this.peer();
        }
    }
}
