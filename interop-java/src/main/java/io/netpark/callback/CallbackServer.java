package io.netpark.callback;

import io.netpark.core.loop.EventLoop;
import io.netpark.core.loop.EventLoopGroup;
import io.netpark.core.net.Connection;
import io.netpark.core.net.Listener;
import io.netpark.core.sys.NetparkException;
import java.net.InetSocketAddress;
import java.time.Duration;

/**
 * Accepts TCP connections and tells callbacks about them.
 *
 * <pre>{@code
 *   try (CallbackServer server = CallbackServer.builder()
 *           .onRequest((connection, in) -> connection.write(in))
 *           .listen("127.0.0.1", 7000)) {
 *       Thread.currentThread().join();
 *   }
 * }</pre>
 *
 * When descriptors run out, accepting pauses and goes on by itself, and what is open is served.
 *
 * <p>Every method may be called by any thread.
 */
public final class CallbackServer implements AutoCloseable {

    private final EventLoopGroup group;
    private final boolean ownsGroup;
    private final Listener listener;
    private final Callbacks callbacks;
    private final Limits limits;
    private final Connections connections = new Connections();
    private volatile boolean closed;
    private volatile boolean draining;

    private CallbackServer(EventLoopGroup group, boolean ownsGroup, Listener listener, Builder builder) {
        this.group = group;
        this.ownsGroup = ownsGroup;
        this.listener = listener;
        this.callbacks = builder.callbacks.build();
        this.limits = builder.limits();
    }

    /** A server that listens nowhere yet and does nothing with what it is sent. */
    public static Builder builder() {
        return new Builder();
    }

    /** The address it listens on, with the port that was chosen for 0. */
    public InetSocketAddress localAddress() {
        return listener.localAddress();
    }

    /** The event loops of its connections. */
    public EventLoopGroup group() {
        return group;
    }

    /** How many connections are open, or have been closed and their close callbacks not yet run. */
    public int connections() {
        return connections.size();
    }

    /** Whether {@link #drain} or {@link #close} has been called: the time for callbacks to say goodbye. */
    public boolean isDraining() {
        return draining;
    }

    /** On the listener's loop. */
    private void accepted(Connection core) {
        CallbackConnection connection = new CallbackConnection(core, callbacks, limits, connections);
        connections.add(connection);
        // After adding it: either close() finds it among the others, or this finds the server closed.
        if (closed || !core.loop().tryExecute(() -> connection.start(() -> {}))) {
            connection.end(new NetparkException.Closed(connection + ": closed here, with the server"));
        }
    }

    /**
     * Stops accepting, waits until all connections have been closed by their peers or by callbacks, and closes those
     * that are left when the time is over, whatever they are doing. Connections that wait in the backlog are
     * reset. To be called again or at the same time, each call waits. The event loops go on; {@link #close} ends them.
     *
     * <p>If the waiting thread is interrupted the time is over; it stays interrupted.
     *
     * @return how many connections were cut off; their close callbacks get {@link NetparkException.Closed}
     * @throws IllegalStateException on an event loop, which would be waiting for itself
     */
    public int drain(Duration time) {
        if (EventLoop.current() != null) {
            throw new IllegalStateException("an event loop cannot wait for connections; drain from another thread");
        }
        draining = true;
        listener.close();
        try {
            connections.awaitNone(Setup.notNegativeNanos(time));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        closed = true;
        return connections.closeAll("as the time to finish was over");
    }

    /**
     * Stops accepting, closes every connection, and closes the event loops if they are its own: that waits until their
     * threads have ended and all close callbacks have run, unless called on an event loop. Can be called again.
     */
    @Override
    public void close() {
        draining = true;
        closed = true;
        listener.close();
        connections.closeAll("with the server");
        if (ownsGroup) {
            group.close();
        }
    }

    @Override
    public String toString() {
        return "callback server on " + localAddress();
    }

    /** What a server is made of: callbacks (see {@link Callbacks.Builder}) and settings. */
    public static final class Builder extends Setup<Builder> {

        private final Callbacks.Builder callbacks = Callbacks.builder();

        private Builder() {}

        @Override
        Builder self() {
            return this;
        }

        /** See {@link Callbacks.Builder#onConnect}. */
        public Builder onConnect(ConnectionHandler handler) {
            callbacks.onConnect(handler);
            return this;
        }

        /** See {@link Callbacks.Builder#onRequest}. */
        public Builder onRequest(RequestHandler handler) {
            callbacks.onRequest(handler);
            return this;
        }

        /** See {@link Callbacks.Builder#onInput}. */
        public Builder onInput(InputHandler handler) {
            callbacks.onInput(handler);
            return this;
        }

        /** See {@link Callbacks.Builder#onHalfClose}. */
        public Builder onHalfClose(ConnectionHandler handler) {
            callbacks.onHalfClose(handler);
            return this;
        }

        /** See {@link Callbacks.Builder#onWritable}. */
        public Builder onWritable(ConnectionHandler handler) {
            callbacks.onWritable(handler);
            return this;
        }

        /** See {@link Callbacks.Builder#onClose}. */
        public Builder onClose(CloseHandler handler) {
            callbacks.onClose(handler);
            return this;
        }

        /**
         * Starts a server on an address given by name or number, looked up now, which may take its time.
         *
         * @throws IllegalArgumentException if there is no such host
         * @throws NetparkException as {@link #listen(InetSocketAddress)}
         */
        public CallbackServer listen(String host, int port) throws NetparkException {
            return listen(new InetSocketAddress(host, port));
        }

        /**
         * Starts a server.
         *
         * @param address resolved; port 0 takes a free one, see {@link CallbackServer#localAddress}
         * @throws NetparkException naming the address: in use, not of this machine, not permitted
         * @throws IllegalArgumentException if the address is unresolved
         * @throws UnsupportedOperationException if Netpark cannot run here
         */
        public CallbackServer listen(InetSocketAddress address) throws NetparkException {
            EventLoopGroup group = openGroup();
            try {
                Listener listener = Listener.listen(group, address, options);
                CallbackServer server = new CallbackServer(group, ownsGroup(), listener, this);
                new Acceptor(listener, server::accepted).start();
                return server;
            } catch (NetparkException | RuntimeException | Error e) {
                if (ownsGroup()) {
                    group.close();
                }
                throw e;
            }
        }
    }
}
