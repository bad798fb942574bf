package io.netpark.callback;

import io.netpark.callback.accepting.Acceptor;
import io.netpark.callback.futures.OneByOne;
import io.netpark.callback.futures.PlacedFuture;
import io.netpark.callback.lifecycle.Connections;
import io.netpark.callback.lifecycle.ServerEnd;
import io.netpark.callback.state.Limits;
import io.netpark.core.framing.Framing;
import io.netpark.core.loop.Balancing;
import io.netpark.core.loop.EventLoopGroup;
import io.netpark.core.net.listening.Admission;
import io.netpark.core.net.listening.ListenerDescriptor;
import io.netpark.core.net.serving.Shutdown;
import io.netpark.core.net.serving.rules.BlockingEnding;
import io.netpark.core.net.serving.rules.Ending;
import io.netpark.core.net.streams.ConnectionDescriptor;
import io.netpark.core.sys.AddressText;
import io.netpark.core.sys.NetparkException;
import io.netpark.core.sys.OpenDescriptor;
import io.netpark.core.tls.ServerTls;
import java.net.SocketAddress;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

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
    /** On the same port; more than one if there is one for each loop. */
    private final List<ListenerDescriptor> listeners;
    private final Callbacks callbacks;
    private final Limits limits;
    private final @Nullable Workers workers;
    private final Connections connections;
    /** Connections that are accepted from now on are closed. */
    private volatile boolean closed;
    private final BlockingEnding ending;

    private CallbackServer(EventLoopGroup group, boolean ownsGroup, List<ListenerDescriptor> listeners, Callbacks callbacks,
            Limits limits, @Nullable Workers workers) {
        this.group = group;
        this.connections = new Connections(group.clock());
        this.ownsGroup = ownsGroup;
        this.listeners = listeners;
        this.callbacks = callbacks;
        this.limits = limits;
        this.workers = workers;
        this.ending = new BlockingEnding(Ending.ofCallbacks(new ServerEnd(connections, listeners, () -> closed = true)),
                connections.changes(), connections::isEmpty);
    }

    /** A server that listens nowhere yet. It needs one callback for what it is sent. */
    public static Builder builder() {
        return new Builder();
    }

    /** The address it listens on, with the port that was chosen for 0. */
    public SocketAddress localAddress() {
        return listeners.get(0).localAddress();
    }

    /**
     * The port it listens on.
     *
     * @throws IllegalStateException if it listens on a unix socket, which has none
     */
    public int port() {
        return listeners.get(0).port();
    }

    /**
     * Its listening sockets once more, for the process that succeeds this one: one, or one for each loop. While that is being
     * started both accept, and no connection is refused.
     *
     * @return to be closed, passed on, or {@linkplain Builder#adopt adopted}
     * @throws NetparkException.Closed if it accepts no more
     * @throws NetparkException if there are no descriptors for it
     */
    public List<OpenDescriptor> duplicates() throws NetparkException {
        List<OpenDescriptor> duplicates = new ArrayList<>(listeners.size());
        try {
            for (ListenerDescriptor listener : listeners) {
                duplicates.add(listener.duplicate());
            }
        } catch (Throwable e) {
            duplicates.forEach(OpenDescriptor::close);
            throw e;
        }
        return duplicates;
    }

    /** The event loops of its connections. */
    public EventLoopGroup group() {
        return group;
    }

    /** How many connections are open, or have been closed and their close callbacks not yet run. */
    public int connections() {
        return connections.size();
    }

    /** Whether {@link #shutdown} or {@link #close} has been called: the time for callbacks to say goodbye. */
    public boolean isDraining() {
        return connections.isDraining();
    }

    /** On the listener's loop. */
    private void accepted(ConnectionDescriptor core) {
        CallbackConnection connection = new CallbackConnection(core, callbacks, limits, workers, connections);
        connections.add(connection.life);
        // After adding it: either close() finds it among the others, or this finds the server closed.
        boolean begins;
        try {
            begins = !closed && core.loop().tryExecute(connection.life::startAccepted);
        } catch (Throwable e) { // no memory for the task: nobody would ever take it out again
            connections.remove(connection.life);
            throw e;
        }
        if (!begins) {
            connection.life.ending().end(new NetparkException.Closed(connection + ": closed here, with the server"));
        }
    }

    /**
     * Comes to an end in phases, as {@link Shutdown} says, and returns when every connection is closed, after the times of the
     * phases at the latest, whatever callbacks do; callbacks of those that were cut off, and their close callbacks, may still be
     * running. A connection is idle if no
     * callback of it is running, no byte is unread, no output is pending, reading is not paused, its peer has not ended its
     * stream, and no {@link CallbackConnection#beginExchange exchange} is in progress. Bytes that had come by then have been
     * through a request callback, and what had been written has arrived. Connections that wait in the backlog when accepting stops are reset. The event loops go on; {@link #close} ends them.
     *
     * <p>Called again, or at the same time, it waits until the first call has come to its end, or until its own times are over:
     * then everything is cut off. {@link #close} ends all waiting. If the thread of the first call is interrupted all times are
     * over; it stays interrupted.
     *
     * @return what became of the connections
     * @throws IllegalStateException on an event loop, or in a callback of this server: they would be waiting for themselves.
     *     {@link #shutdownAsync} can be called there
     */
    public Shutdown.Report shutdown(Shutdown phases) {
        if (connections.isWaitedForByCaller()) {
            throw new IllegalStateException("shut down the " + this + ": an event loop or a callback of it would be waiting for"
                    + " itself; call shutdownAsync, or shutdown on another thread");
        }
        return ending.run(phases);
    }

    /**
     * As {@link #shutdown}, and does not wait: to be called anywhere, in a callback above all. A thread of its own does the waiting.
     *
     * @return completes on an event loop, or as {@link Builder#completeOn} has it. Cancelling it does not take it back
     */
    public CompletableFuture<Shutdown.Report> shutdownAsync(Shutdown phases) {
        Objects.requireNonNull(phases, "phases");
        PlacedFuture<Shutdown.Report> future = limits.newFuture(group.first());
        Thread thread = new Thread(group.clock().starting(() -> {
            Shutdown.Report result;
            try {
                result = shutdown(phases);
            } catch (Throwable e) {
                OneByOne.onLoop(group.first(), () -> future.tellFailure(e));
                return;
            }
            OneByOne.onLoop(group.first(), () -> future.tell(result));
        }), "netpark-shutdown");
        thread.setDaemon(true); // the event loops keep the process going
        thread.start();
        connections.drain(); // for the caller, who looks before the thread does
        return future;
    }

    /**
     * Stops accepting, closes every connection (by a reset those that are in the midst of something), and closes the event loops if they are its own: that waits until their
     * threads have ended and all close callbacks have run, unless called on an event loop or in a callback. Can be called again.
     */
    @Override
    public void close() {
        connections.drain();
        closed = true;
        listeners.forEach(ListenerDescriptor::close);
        connections.closeAll("with the server");
        ending.hurry();
        if (ownsGroup) {
            group.close();
            connections.awaitWorkers();
        }
    }

    @Override
    public String toString() {
        return "callback server on " + AddressText.of(localAddress());
    }

    /** What a server is made of: callbacks, given one by one or as {@link #callbacks}, and settings. */
    public static final class Builder extends Settings<Builder> {

        private Callbacks.Builder callbacks = Callbacks.builder();
        private @Nullable Admission admission;
        private boolean onEachLoop;
        private @Nullable ServerTls tls;

        private Builder() {}

        /** How many connections may be open at a time, in all and from one address. The default is as many as come. */
        public Builder admission(Admission admission) {
            this.admission = Objects.requireNonNull(admission, "admission");
            return this;
        }

        /**
         * Listens with a socket for each event loop (SO_REUSEPORT): the kernel spreads connections over them, and no loop has to
         * pass any on to another. The default is one socket, whose connections go to loops as {@link Balancing} has it.
         */
        public Builder listenOnEachLoop() {
            onEachLoop = true;
            return this;
        }

        /**
         * Encrypts the connections. The default is not to. Handshakes of any number of connections go on side by side, while others are
         * accepted; a connection whose handshake is going on is open, and among {@link CallbackServer#connections}. When it is over, the
         * first callback is called. If it fails, which is reported in one line, no callback ever knows of the connection, nor does the
         * failure callback. A server that shuts down does not wait for clients that have not begun
         * theirs: these are idle.
         */
        public Builder tls(ServerTls tls) {
            this.tls = Objects.requireNonNull(tls, "tls");
            return this;
        }

        @Override
        Builder self() {
            return this;
        }

        /** All callbacks at once, instead of those given so far: as a client has them. Single ones may be added or replaced. */
        public Builder callbacks(Callbacks callbacks) {
            this.callbacks = callbacks.toBuilder();
            return this;
        }

        /** See {@link Callbacks.Builder#onPrepare}. */
        public Builder onPrepare(PrepareHandler handler) {
            callbacks.onPrepare(handler);
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

        /** See {@link Callbacks.Builder#onMessage}. */
        public Builder onMessage(Framing framing, FramedMessageHandler handler) {
            callbacks.onMessage(framing, handler);
            return this;
        }

        /** See {@link Callbacks.Builder#ignoreInput}. */
        public Builder ignoreInput() {
            callbacks.ignoreInput();
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

        /** See {@link Callbacks.Builder#onDisconnect}. */
        public Builder onDisconnect(CloseHandler handler) {
            callbacks.onDisconnect(handler);
            return this;
        }

        /** See {@link Callbacks.Builder#onClose}. */
        public Builder onClose(CloseHandler handler) {
            callbacks.onClose(handler);
            return this;
        }

        /** See {@link Callbacks.Builder#onFailure}. */
        public Builder onFailure(FailureHandler handler) {
            callbacks.onFailure(handler);
            return this;
        }

        /**
         * Starts a server on an address given by name or number, looked up now, which may take its time.
         *
         * @throws NetparkException.UnknownHost if the host has no address
         * @throws IllegalArgumentException if the host has a port in it
         * @throws IllegalStateException if it is a name other than {@code localhost}, and the caller is on an event loop
         * @throws NetparkException as {@link #listen(SocketAddress)}
         */
        public CallbackServer listen(String host, int port) throws NetparkException {
            return listen(ListenerDescriptor.addressOf(host, port));
        }

        /**
         * Starts a server.
         *
         * @param address resolved, or a unix address; port 0 takes a free one, see {@link CallbackServer#port}
         * @throws NetparkException naming the address: in use, not of this machine, not permitted
         * @throws NetparkException.UnknownHost if the address is unresolved
         * @throws IllegalStateException if there is no callback for what arrives, or there are several, or the
         *     {@linkplain #inputLimit input limit} is less than a message of its {@link Framing} may need
         * @throws UnsupportedOperationException if Netpark cannot run here
         */
        public CallbackServer listen(SocketAddress address) throws NetparkException {
            Objects.requireNonNull(address, "address");
            return start("listen on " + AddressText.of(address), group -> onEachLoop
                    ? ListenerDescriptor.listenOnEachLoop(group, address, options, admission)
                    : List.of(ListenerDescriptor.listen(group, address, options, admission)));
        }

        /**
         * Starts a server on sockets that listen already: those that the service manager has passed to this process
         * ({@link io.netpark.core.net.listening.ListenFds}), or that of the process which this one succeeds ({@link CallbackServer#duplicates}).
         * Connections that wait in their backlogs are accepted like later ones. {@link #listenOnEachLoop} has no effect.
         *
         * @param listening at least one; they are the server's from now on. If this throws, those that it has taken over by then are
         *     closed, and the others stay the caller's
         * @throws NetparkException saying what a descriptor is, if it is no listening stream socket
         * @throws IllegalStateException as {@link #listen(SocketAddress)}, or if one is closed, or was taken over already
         */
        public CallbackServer adopt(OpenDescriptor... listening) throws NetparkException {
            if (listening.length == 0) {
                throw new IllegalArgumentException("adopt: at least one listening socket is needed");
            }
            return start("adopt " + Arrays.toString(listening), group -> {
                List<ListenerDescriptor> adopted = new ArrayList<>(listening.length);
                try {
                    for (OpenDescriptor socket : listening) {
                        adopted.add(ListenerDescriptor.adopt(group, socket, options, admission));
                    }
                } catch (Throwable e) {
                    adopted.forEach(ListenerDescriptor::close);
                    throw e;
                }
                return adopted;
            });
        }

        /** Where a server gets its sockets from. */
        private interface Opening {
            List<ListenerDescriptor> open(EventLoopGroup group) throws NetparkException;
        }

        private CallbackServer start(String operation, Opening opening) throws NetparkException {
            Callbacks callbacks = this.callbacks.build();
            if (!callbacks.hasReceiver()) {
                throw new IllegalStateException(operation + ": nobody is told of what arrives; add onRequest, onInput or onMessage,"
                        + " or ignoreInput() for a server that only sends or copies");
            }
            Limits limits = limits();
            callbacks.receiver.requireRoom(limits);
            EventLoopGroup group = openGroup();
            try {
                List<ListenerDescriptor> listeners = opening.open(group);
                CallbackServer server = new CallbackServer(group, ownsGroup(), listeners, callbacks, limits, workers());
                for (ListenerDescriptor listener : listeners) {
                    listener.setTls(tls);
                    new Acceptor<>(listener, server::accepted).start();
                }
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
