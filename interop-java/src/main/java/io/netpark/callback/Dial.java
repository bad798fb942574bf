package io.netpark.callback;

import io.netpark.core.fd.Descriptor;
import io.netpark.core.fd.Direction;
import io.netpark.core.loop.EventLoop;
import io.netpark.core.loop.EventLoopGroup;
import io.netpark.core.net.Connection;
import io.netpark.core.net.Dialer;
import io.netpark.core.net.SocketOptions;
import io.netpark.core.sys.NetparkException;
import java.net.InetSocketAddress;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * One attempt to connect, on its loop. Ends with its future, whoever completes that; the socket is then in use or
 * closed.
 */
final class Dial {

    final CompletableFuture<CallbackConnection> future = new CompletableFuture<>();

    private final EventLoopGroup group;
    private EventLoop loop;
    private final InetSocketAddress remote;
    private final SocketOptions options;
    private final long timeoutNanos;
    private final Limits limits;
    private final Function<Connection, CallbackConnection> connected;

    /**
     * @param timeoutNanos 0 for none but the kernel's
     * @param connected makes the connection of an established core connection
     */
    Dial(EventLoopGroup group, InetSocketAddress remote, SocketOptions options, long timeoutNanos, Limits limits,
            Function<Connection, CallbackConnection> connected) {
        this.group = group;
        this.loop = group.currentOrNext();
        this.remote = remote;
        this.options = options;
        this.timeoutNanos = timeoutNanos;
        this.limits = limits;
        this.connected = connected;
    }

    void start() {
        while (!loop.tryExecute(this::begin)) {
            if (group.isClosed() || !loop.isRetiring()) {
                fail("the event loop is closed");
                return;
            }
            loop = group.next(); // the other has retired at this moment
        }
    }

    void fail(String because) {
        limits.fail(future, new NetparkException.Closed("connect to " + remote + ": " + because));
    }

    private void begin() {
        if (future.isDone()) {
            return;
        }
        Connection core;
        try {
            core = Dialer.dial(loop, remote, options);
        } catch (NetparkException | RuntimeException e) {
            if (e instanceof NetparkException.Closed && loop.isRetiring() && !group.isClosed()) {
                loop = group.next(); // it has retired at this moment
                start();
            } else {
                limits.fail(future, e);
            }
            return;
        }
        if (timeoutNanos > 0) {
            core.setDeadline(Direction.WRITE, System.nanoTime() + timeoutNanos);
        }
        // Cancelled, or failed here: a parked connect wakes and finds itself closed.
        future.whenComplete((connection, failure) -> {
            if (failure != null) {
                core.close();
            }
        });
        connect(core, false);
    }

    private void connect(Connection core, boolean parked) {
        try {
            while ((parked ? core.retryConnect() : core.startConnect()) == Descriptor.PARK) {
                parked = true;
                if (core.park(Direction.WRITE, () -> connect(core, true))) {
                    return;
                }
            }
        } catch (NetparkException | RuntimeException e) {
            limits.fail(future, e);
            return;
        }
        core.clearDeadline(Direction.WRITE);
        if (future.isDone()) {
            core.close();
            return;
        }
        CallbackConnection connection = connected.apply(core);
        connection.life.start(() -> {
            NetparkException failure = connection.isOpen() ? null : connection.life.closed("connect");
            limits.complete(() -> complete(connection, failure));
        });
    }

    private void complete(CallbackConnection connection, @Nullable NetparkException failure) {
        if (failure != null) {
            future.completeExceptionally(failure);
        } else if (!future.complete(connection)) {
            connection.close(); // cancelled at the last moment
        }
    }
}
