package io.netpark.callback;

import io.netpark.callback.futures.PlacedFuture;
import io.netpark.callback.lifecycle.Connections;
import io.netpark.callback.lifecycle.Dialing;
import io.netpark.callback.state.Limits;
import io.netpark.core.loop.EventLoop;
import io.netpark.core.loop.EventLoopGroup;
import io.netpark.core.net.dialing.Dial;
import io.netpark.core.net.dialing.Dialer;
import io.netpark.core.net.socket.Detached;
import io.netpark.core.net.streams.ConnectionDescriptor;
import io.netpark.core.pool.Pool;
import io.netpark.core.pool.PoolOptions;
import io.netpark.core.sys.Due;
import io.netpark.core.sys.NetparkException;
import io.netpark.core.sys.OpenDescriptor;
import io.netpark.core.tls.ClientTls;
import java.net.SocketAddress;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Objects;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.BiFunction;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

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
    private final Dialer dialer;
    private final Limits limits;
    private final @Nullable Workers workers;
    private final Connections connections;
    private final Set<Dialing<CallbackConnection>> dials = ConcurrentHashMap.newKeySet();
    private final Queue<Pool> pools = new ConcurrentLinkedQueue<>();
    private volatile boolean closed;

    private CallbackClient(EventLoopGroup group, Builder builder) {
        this.group = group;
        this.connections = new Connections(group.clock());
        this.ownsGroup = builder.ownsGroup();
        this.limits = builder.limits();
        this.workers = builder.workers();
        this.dialer = builder.dialer.apply(Dialer.of(group).withOptions(builder.options).withTimeout(builder.connectTimeout)
                .withTls(builder.tls));
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
     * Connects to a host by name or IP literal, trying its addresses as {@link Dialer} says; otherwise as the other.
     *
     * @throws IllegalArgumentException if the port is not one
     */
    public CompletableFuture<CallbackConnection> dial(String host, int port, Callbacks callbacks) {
        Objects.requireNonNull(host, "host");
        return dial(callbacks, (dialer, outcome) -> dialer.dial(host, port, outcome));
    }

    /**
     * Connects, on the event loop that is calling if it is one of this client's, else on the next in turn.
     *
     * @param remote an {@link java.net.InetSocketAddress}, whose name is looked up if it is unresolved, or a unix address
     * @return completes on the connection's loop, after the connect callback and before the first request. Fails with
     *     {@link NetparkException.Refused}, {@link NetparkException.Unreachable}, {@link NetparkException.TimedOut}
     *     ({@code CONNECT}; {@code HANDSHAKE}), {@link NetparkException.TlsFailure} and so on, or {@link NetparkException.Closed} if the client is closed or the connect
     *     callback threw; no socket stays open then. Cancelling it, or completing it exceptionally in another way,
     *     stops connecting and closes the socket.
     * @throws IllegalArgumentException if its port is 0
     * @throws IllegalStateException if messages of the callbacks' framing may be longer than the client's input limit
     */
    public CompletableFuture<CallbackConnection> dial(SocketAddress remote, Callbacks callbacks) {
        Objects.requireNonNull(remote, "remote");
        return dial(callbacks, (dialer, outcome) -> dialer.dial(remote, outcome));
    }

    private CompletableFuture<CallbackConnection> dial(
            Callbacks callbacks, BiFunction<Dialer, Dial.Outcome, Dial> how) {
        require(callbacks);
        Dialing<CallbackConnection> dialing =
                new Dialing<>(newFuture(), core -> connected(core, callbacks), connection -> connection.life);
        dials.add(dialing);
        dialing.future().whenComplete((connection, failure) -> dials.remove(dialing));
        // After adding it: either close() finds it among the others, or this finds the client closed.
        if (closed) {
            dialing.fail("the client is closed");
        } else {
            try {
                dialing.start(dialer, how);
            } catch (IllegalArgumentException e) {
                dials.remove(dialing);
                throw e;
            }
        }
        return dialing.future();
    }

    /**
     * Makes two connections, each of which is the other's peer, without a port or a path (socketpair(2)): one for the callbacks that a
     * test is about, the other for those with which it looks at what they do. The first lives on the event loop that is calling if it
     * is one of this client's, else on the next in turn, and so does the second.
     *
     * @param first whose connect callback is called first if both are on one loop
     * @return their callbacks are called from now on
     * @throws NetparkException if there are no descriptors for it, or the event loops are closed
     */
    public CallbackPair pair(Callbacks first, Callbacks second) throws NetparkException {
        require(first);
        require(second);
        ConnectionDescriptor.Pair made =
                group.place(one -> group.place(other -> ConnectionDescriptor.pair(one, other)));
        CallbackPair pair;
        try {
            pair = new CallbackPair(connected(made.first(), first), connected(made.second(), second));
        } catch (Throwable e) { // no memory
            made.close();
            throw e;
        }
        start(pair.first(), () -> {});
        start(pair.second(), () -> {});
        return pair;
    }

    /** From any thread; before that nothing is read, and no callback called. */
    private static void start(CallbackConnection connection, Runnable before) {
        boolean begun = connection.loop().tryExecute(() -> {
            before.run();
            connection.life.start(() -> {});
        });
        if (!begun) {
            connection.life.ending().end(new NetparkException.Closed(connection + ": closed here, with its event loop"));
        }
    }

    /**
     * Takes over a connected stream socket that something else has opened: a parent process, another library. It is made
     * non-blocking.
     *
     * @param descriptor the connection's from now on, unless this throws
     * @return its callbacks are called from now on
     * @throws NetparkException if it is no connected stream socket, or cannot be watched
     * @throws IllegalStateException if the descriptor is closed, or was taken over already
     */
    public CallbackConnection adopt(OpenDescriptor descriptor, Callbacks callbacks) throws NetparkException {
        return adopt(new Detached(descriptor, new byte[0]), callbacks);
    }

    /**
     * Takes over a connection that was {@linkplain CallbackConnection#detach detached}, as the other does; the callbacks get the
     * unread bytes first.
     *
     * @param detached its descriptor is the connection's from now on, unless this throws
     * @throws NetparkException if it is no connected stream socket, or cannot be watched
     * @throws IllegalStateException if it is closed, or was taken over already
     */
    public CallbackConnection adopt(Detached detached, Callbacks callbacks) throws NetparkException {
        require(callbacks);
        ByteBuffer first = ByteBuffer.wrap(detached.unread().clone());
        CallbackConnection connection =
                connected(group.place(loop -> ConnectionDescriptor.adopt(loop, detached.descriptor())), callbacks);
        start(connection, () -> {
            if (connection.isOpen()) {
                connection.input.preload(first);
            }
        });
        return connection;
    }

    /** As the other, with {@link PoolOptions#DEFAULT}. */
    public CallbackPool newPool() {
        return newPool(PoolOptions.DEFAULT);
    }

    /**
     * A pool of connections that are made as this client's are. It ends with the client.
     *
     * @param options its limits
     */
    public CallbackPool newPool(PoolOptions options) {
        return newPool(options, Duration.ZERO, null);
    }

    /**
     * As the other, with a check.
     *
     * @param checkAfter how long a connection may have been idle before it is checked
     * @param check asks a connection that has been idle whether it is good
     */
    public CallbackPool newPool(PoolOptions options, Duration checkAfter, @Nullable ConnectionCheck check) {
        Pool pool = new Pool(dialer, options);
        pools.add(pool);
        if (closed) {
            pool.close();
        }
        return new CallbackPool(pool, this, Due.notNegativeNanos(checkAfter, "time after which a connection is checked"), check);
    }

    /** @throws IllegalStateException if connections of this client cannot have these callbacks */
    void require(Callbacks callbacks) {
        callbacks.receiver.requireRoom(limits);
    }

    /** Of something that is on no loop yet. */
    <T> PlacedFuture<T> newFuture() {
        EventLoop calling = EventLoop.current();
        return limits.newFuture(calling != null ? calling : group.first());
    }

    CallbackConnection connected(ConnectionDescriptor core, Callbacks callbacks) {
        CallbackConnection connection = new CallbackConnection(core, callbacks, limits, workers, connections);
        connections.add(connection.life);
        if (closed) {
            connection.close();
        }
        return connection;
    }

    /**
     * Gives up what is being dialed, closes every connection (by a reset those that are in the midst of something), and closes the event loops if they are its own: that
     * waits until their threads have ended and all close callbacks have run, unless called on an event loop. Can be
     * called again.
     */
    @Override
    public void close() {
        closed = true;
        dials.forEach(dialing -> dialing.fail("the client was closed"));
        pools.forEach(Pool::close);
        connections.closeAll("with the client");
        if (ownsGroup) {
            group.close();
            connections.awaitWorkers();
        }
    }

    /** What a client is made of. */
    public static final class Builder extends Settings<Builder> {

        private Duration connectTimeout = Due.INFINITE;
        private UnaryOperator<Dialer> dialer = UnaryOperator.identity();
        private @Nullable ClientTls tls;

        private Builder() {}

        @Override
        Builder self() {
            return this;
        }

        /**
         * How long a dial may take in all, with the look-up of a name. {@link Due#INFINITE}, the default, leaves it to the kernel,
         * which gives up after about two minutes.
         *
         * @throws IllegalArgumentException if it is not positive
         */
        public Builder connectTimeout(Duration time) {
            Due.timeoutNanos(time, "connect timeout");
            connectTimeout = time;
            return this;
        }

        /**
         * Encrypts the connections that it dials, its pools' as well; those of {@link CallbackClient#pair} and {@link CallbackClient#adopt}
         * are plain. The default is not to. A dial ends with the handshake, which counts into its time; the first callback comes after
         * that. The server has to prove that it is who was dialed: by name, or by address if an address was dialed.
         */
        public Builder tls(ClientTls tls) {
            this.tls = Objects.requireNonNull(tls, "tls");
            return this;
        }

        /**
         * Further choices of how it dials: resolver, local address, delays between attempts.
         *
         * @param choices gets the dialer as it would be, and returns the one to use
         */
        public Builder dialer(UnaryOperator<Dialer> choices) {
            dialer = Objects.requireNonNull(choices, "choices");
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
