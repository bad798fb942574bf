package io.netpark.core.net.dialing;

import io.netpark.core.fd.Descriptor;
import io.netpark.core.fd.Direction;
import io.netpark.core.loop.EventLoop;
import io.netpark.core.loop.Timer;
import io.netpark.core.net.address.Wildcard;
import io.netpark.core.net.streams.ConnectionDescriptor;
import io.netpark.core.net.streams.Opening;
import io.netpark.core.sys.AddressText;
import io.netpark.core.sys.Errno;
import io.netpark.core.sys.NetparkException;
import io.netpark.core.sys.SockAddr;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * One address of a {@link Dial}, from connect(2) to the verdict. A port that the kernel chose badly is chosen again, and a unix
 * socket's backlog that is full asked again after a pause, as nothing tells when it has room. On the dial's loop.
 */
final class Attempt {

    /** Go's: for a port that the kernel chose badly, or could not choose. */
    private static final int ATTEMPTS_FOR_A_PORT = 3;
    private static final long FIRST_BACKLOG_PAUSE = TimeUnit.MILLISECONDS.toNanos(1);
    private static final long LAST_BACKLOG_PAUSE = TimeUnit.MILLISECONDS.toNanos(50);

    final SocketAddress remote;
    private final Dial dial;
    private final Dialer dialer;
    private final EventLoop loop;
    @Nullable NetparkException failure;
    private @Nullable ConnectionDescriptor connection;
    private @Nullable Timer pause;
    private long pauseNanos = FIRST_BACKLOG_PAUSE;
    private int ports = 1;

    Attempt(Dial dial, Dialer dialer, EventLoop loop, SocketAddress remote) {
        this.dial = dial;
        this.dialer = dialer;
        this.loop = loop;
        this.remote = remote;
    }

    void start() {
        SocketAddress local = dialer.local() == null ? null : Wildcard.ofFamily(dialer.local(), SockAddr.family(remote));
        try {
            if (local != null && SockAddr.family(local) != SockAddr.family(remote)) {
                throw NetparkException.of(Errno.EAFNOSUPPORT, "connect to " + AddressText.of(remote) + " from "
                        + AddressText.of(local) + ", which is of another family");
            }
            ConnectionDescriptor begun = Connecting.begin(loop, remote, dialer.options(), local);
            connection = begun;
            goOn(begun, begun.startConnect());
        } catch (Throwable e) {
            failed(asFailure(e));
        }
    }

    private NetparkException asFailure(Throwable e) {
        if (e instanceof NetparkException failure) {
            return failure;
        }
        NetparkException closed = new NetparkException.Closed("connect to " + AddressText.of(remote) + ": " + e);
        closed.initCause(e); // an option's value, no memory
        return closed;
    }

    private void retry(ConnectionDescriptor connection) {
        if (this.connection != connection) {
            return; // closed here
        }
        try {
            goOn(connection, connection.retryConnect());
        } catch (Throwable e) {
            failed(asFailure(e));
        }
    }

    private void goOn(ConnectionDescriptor connection, int connected) throws NetparkException {
        while (connected == Descriptor.PARK) {
            if (connection.park(Direction.WRITE, () -> retry(connection))) {
                return;
            }
            connected = connection.retryConnect();
        }
        if (Opening.isConnectedToItself(connection)) { // the kernel gave us the very port we were calling
            connection.close();
            if (!tryAnotherPort()) {
                failed(NetparkException.of(Errno.ECONNREFUSED, "connect to " + AddressText.of(remote)));
            }
        } else {
            this.connection = null;
            dial.established(connection);
        }
    }

    private boolean tryAnotherPort() {
        if (dialer.local() instanceof InetSocketAddress inet && inet.getPort() != 0 || ports++ == ATTEMPTS_FOR_A_PORT) {
            return false;
        }
        start();
        return true;
    }

    private void failed(NetparkException e) {
        close(); // as a rule it has closed itself
        if (failure != null || !dial.isOpen()) {
            return;
        }
        int errno = e instanceof NetparkException.SystemError error ? error.errno() : 0;
        if (errno == Errno.EAGAIN) {
            pauseNanos = Math.min(2 * pauseNanos, LAST_BACKLOG_PAUSE);
            pause = loop.newTimer(this::start);
            pause.arm(loop.clock().after(pauseNanos));
        } else if (errno != Errno.EADDRNOTAVAIL || !tryAnotherPort()) {
            failure = e;
            dial.attemptFailed();
        }
    }

    /** Gives the address up. */
    void end(NetparkException why) {
        close();
        failure = why;
        dial.attemptFailed();
    }

    void close() {
        if (pause != null) {
            pause.disarm();
        }
        ConnectionDescriptor open = connection;
        connection = null;
        if (open != null) {
            open.close();
        }
    }
}
