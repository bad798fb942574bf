package io.netpark.callback;

import io.netpark.core.loop.EventLoopGroup;
import io.netpark.core.net.Connection;
import io.netpark.core.net.SocketOptions;
import io.netpark.core.sys.NetparkException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Dials TCP connections that tell callbacks what happens.
 *
 * <pre>{@code
 *   try (CallbackClient client = CallbackClient.builder().connectTimeout(Duration.ofSeconds(3)).open()) {
 *       client.dial(address, Callbacks.builder().onRequest((connection, in) -> print(in)).build())
 *               .thenAccept(connection -> connection.writeAsync(greeting));
 *   }
 * }</pre>
 *
 * <p>Every method may be called by any thread.
 */
public final class CallbackClient implements AutoCloseable {

    private final EventLoopGroup group;
    private final boolean ownsGroup;
    private final SocketOptions options;
    private final Limits limits;
    private final long connectNanos;
    private final Connections connections = new Connections();
    private final Set<Dial> dials = ConcurrentHashMap.newKeySet();
    private volatile boolean closed;

    private CallbackClient(EventLoopGroup group, Builder builder) {
        this.group = group;
        this.ownsGroup = builder.ownsGroup();
        this.options = builder.options;
        this.limits = builder.limits();
        this.connectNanos = builder.connectNanos;
    }

    /** A client as it is unless told otherwise. */
    public static Builder builder() {
        return new Builder();
    }

    /** The event loops of its connections. */
    public EventLoopGroup group() {
        return group;
    }

    /** How many connections are open, or have been closed and their close callbacks not yet run. */
    public int connections() {
        return connections.size();
    }

    /**
     * Connects, on the event loop that is calling if it is one of this client's, else on the next in turn.
     *
     * @param remote resolved
     * @return completes on the connection's loop, after the connect callback and before the first request. Fails with
     *     {@link NetparkException.Refused}, {@link NetparkException.Unreachable}, {@link NetparkException.TimedOut}
     *     ({@code CONNECT}) and so on, or {@link NetparkException.Closed} if the client is closed or the connect
     *     callback threw; no socket stays open then. Cancelling it, or completing it exceptionally in another way,
     *     stops connecting and closes the socket.
     * @throws IllegalArgumentException if the address is unresolved or its port is 0
     */
    public CompletableFuture<CallbackConnection> dial(InetSocketAddress remote, Callbacks callbacks) {
        Objects.requireNonNull(callbacks, "callbacks");
        if (remote.isUnresolved() || remote.getPort() == 0) {
            throw new IllegalArgumentException(
                    "to be dialed an address must be resolved and have a port: " + remote);
        }
        Dial dial = new Dial(group, remote, options, connectNanos, limits,
                core -> connected(core, callbacks));
        dials.add(dial);
        dial.future.whenComplete((connection, failure) -> dials.remove(dial));
        // After adding it: either close() finds it among the others, or this finds the client closed.
        if (closed) {
            dial.fail("the client is closed");
        } else {
            dial.start();
        }
        return dial.future;
    }

    /**
     * Takes over a connected TCP socket that something else has opened, or a connection that was {@link Detached}. It is
     * made non-blocking.
     *
     * @param descriptor the connection's from now on, unless this throws
     * @param unread bytes that were read from it already: the callbacks get them first
     * @return its callbacks are called from now on
     * @throws NetparkException if it is no connected TCP socket, or cannot be watched
     */
    public CallbackConnection adopt(int descriptor, byte[] unread, Callbacks callbacks) throws NetparkException {
        Objects.requireNonNull(callbacks, "callbacks");
        CallbackConnection connection = connected(Connection.adopt(group.currentOrNext(), descriptor), callbacks);
        ByteBuffer first = ByteBuffer.wrap(unread.clone());
        boolean begun = connection.loop().tryExecute(() -> {
            if (connection.isOpen()) {
                connection.input.preload(first);
            }
            connection.life.start(() -> {});
        });
        if (!begun) {
            connection.life.end(new NetparkException.Closed(connection + ": closed here, with its event loop"));
        }
        return connection;
    }

    private CallbackConnection connected(Connection core, Callbacks callbacks) {
        CallbackConnection connection = new CallbackConnection(core, callbacks, limits, connections);
        connections.add(connection);
        if (closed) {
            connection.close();
        }
        return connection;
    }

    /**
     * Gives up what is being dialed, closes every connection, and closes the event loops if they are its own: that
     * waits until their threads have ended and all close callbacks have run, unless called on an event loop. Can be
     * called again.
     */
    @Override
    public void close() {
        closed = true;
        dials.forEach(dial -> dial.fail("the client was closed"));
        connections.closeAll("with the client");
        if (ownsGroup) {
            group.close();
            connections.awaitWorkers();
        }
    }

    /** What a client is made of. */
    public static final class Builder extends Setup<Builder> {

        private long connectNanos;

        private Builder() {}

        @Override
        Builder self() {
            return this;
        }

        /**
         * How long a dial may take. Zero, the default, leaves it to the kernel, which gives up after about two
         * minutes.
         */
        public Builder connectTimeout(Duration time) {
            connectNanos = notNegativeNanos(time);
            return this;
        }

        /**
         * Makes the client, with its event loops if it has its own.
         *
         * @throws NetparkException if there are no descriptors or no memory for them
         * @throws UnsupportedOperationException if Netpark cannot run here
         */
        public CallbackClient open() throws NetparkException {
            return new CallbackClient(openGroup(), this);
        }
    }
}
