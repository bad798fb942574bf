package io.netpark.blocking;

import io.netpark.core.loop.ErrorPaths;
import io.netpark.core.loop.EventLoopGroup;
import io.netpark.core.net.listening.Admission;
import io.netpark.core.net.listening.ListenerDescriptor;
import io.netpark.core.net.options.NetOptions;
import io.netpark.core.net.serving.Shutdown;
import io.netpark.core.net.serving.rules.BlockingEnding;
import io.netpark.core.net.serving.rules.Ending;
import io.netpark.core.net.streams.ConnectionDescriptor;
import io.netpark.core.sys.Due;
import io.netpark.core.sys.NetparkException;
import io.netpark.core.sys.OpenDescriptor;
import io.netpark.core.tls.ServerTls;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/**
 * Accepts connections for threads that wait: one by one, or to be {@linkplain #serve served} by a thread each.
 *
 * <pre>{@code
 * try (BlockingListener listener = BlockingListener.listen("127.0.0.1", 7000)) {
 *     listener.serve(connection -> {
 *         for (String line = connection.awaitLine(); line != null; line = connection.awaitLine()) {
 *             connection.writer().putString(line + "\n");
 *             connection.flush();
 *         }
 *     });
 * }
 * }</pre>
 *
 * <p>When descriptors run out, accepting pauses and goes on by itself; that is reported, and never thrown.
 *
 * <p>Threads: any but those of event loops. Several may accept at a time, and take turns in the order in which they came.
 *
 * <p>Interrupts: as {@link BlockingConnection} has it. A thread that is interrupted while it waits gets an
 * {@link InterruptedIOException} and stays interrupted; it has accepted nothing.
 */
public final class BlockingListener implements AutoCloseable {

    private final ListenerDescriptor core;
    private final @Nullable EventLoopGroup owned;
    private final Accepting accepting;
    private final Handlers handlers;
    private final BlockingEnding ending;

    private BlockingListener(ListenerDescriptor core, @Nullable EventLoopGroup owned) {
        this.core = core;
        this.owned = owned;
        this.accepting = new Accepting(core);
        this.handlers = new Handlers(core.loop().clock(), core::close);
        this.ending = new BlockingEnding(Ending.ofHandlers(handlers), handlers.changes(), handlers::allHaveLeft);
    }

    // How it begins

    /**
     * Listens on a port of every address of this machine, with event loops of its own, which end with it.
     *
     * @param port 0 takes a free one, see {@link #port}
     * @throws NetparkException if it is in use or not permitted
     */
    public static BlockingListener listen(int port) throws NetparkException {
        return listen(new InetSocketAddress(port));
    }

    /**
     * Listens on an address given by name or number, looked up now, with event loops of its own, which end with it.
     *
     * @throws NetparkException naming the address: unknown, in use, not of this machine, not permitted
     * @throws IllegalArgumentException if the host has a port in it
     */
    public static BlockingListener listen(String host, int port) throws NetparkException {
        return listen(ListenerDescriptor.addressOf(host, port));
    }

    /** As {@link #listen(String, int)}, with TLS: see {@link #listen(EventLoopGroup, SocketAddress, NetOptions, Admission, ServerTls)}. */
    public static BlockingListener listen(String host, int port, ServerTls tls) throws NetparkException {
        return listen(ListenerDescriptor.addressOf(host, port), tls);
    }

    /** As {@link #listen(EventLoopGroup, SocketAddress)}, with event loops of its own, which end with it. */
    public static BlockingListener listen(SocketAddress address) throws NetparkException {
        return listenOnOwnLoops(address, null);
    }

    /** As {@link #listen(SocketAddress)}, with TLS: see {@link #listen(EventLoopGroup, SocketAddress, NetOptions, Admission, ServerTls)}. */
    public static BlockingListener listen(SocketAddress address, ServerTls tls) throws NetparkException {
        return listenOnOwnLoops(address, Objects.requireNonNull(tls, "tls"));
    }

    private static BlockingListener listenOnOwnLoops(SocketAddress address, @Nullable ServerTls tls) throws NetparkException {
        EventLoopGroup group = EventLoopGroup.builder().daemon(true).open();
        try {
            return listen(group, address, NetOptions.DEFAULT, null, tls, group);
        } catch (Throwable e) {
            group.close();
            throw e;
        }
    }

    /**
     * Listens on an address.
     *
     * @param group its event loops watch the connections, in turn; stays the caller's
     * @param address resolved, or a unix address; port 0 takes a free one
     * @throws NetparkException naming the address: in use, not of this machine, not permitted
     * @throws NetparkException.UnknownHost if the address is unresolved
     */
    public static BlockingListener listen(EventLoopGroup group, SocketAddress address) throws NetparkException {
        return listen(group, address, NetOptions.DEFAULT);
    }

    /** As {@link #listen(EventLoopGroup, SocketAddress)}, with options of the socket and of those that are accepted. */
    public static BlockingListener listen(EventLoopGroup group, SocketAddress address, NetOptions options)
            throws NetparkException {
        return listen(group, address, options, null);
    }

    /**
     * As {@link #listen(EventLoopGroup, SocketAddress, NetOptions)}.
     *
     * @param admission how many connections may be open at a time, in all and from one address; null for as many as come
     */
    public static BlockingListener listen(EventLoopGroup group, SocketAddress address, NetOptions options,
            @Nullable Admission admission) throws NetparkException {
        return listen(group, address, options, admission, null, null);
    }

    /**
     * As {@link #listen(EventLoopGroup, SocketAddress, NetOptions, Admission)}, with TLS. Handshakes of any number of connections go on side
     * by side, on the event loops, while others are accepted. One that fails is reported in one line, and its connection is closed.
     *
     * @param tls how connections are encrypted; null for plain ones
     */
    public static BlockingListener listen(EventLoopGroup group, SocketAddress address, NetOptions options,
            @Nullable Admission admission, @Nullable ServerTls tls) throws NetparkException {
        return listen(group, address, options, admission, tls, null);
    }

    private static BlockingListener listen(EventLoopGroup group, SocketAddress address, NetOptions options,
            @Nullable Admission admission, @Nullable ServerTls tls, @Nullable EventLoopGroup owned) throws NetparkException {
        ErrorPaths.load(BlockingListener.class, "io.netpark.blocking");
        ListenerDescriptor core = ListenerDescriptor.listen(group, address, options, admission);
        core.setTls(tls);
        return new BlockingListener(core, owned);
    }

    /** As {@link #adopt(EventLoopGroup, OpenDescriptor, NetOptions, Admission)}, with the options that listeners have and no limit. */
    public static BlockingListener adopt(EventLoopGroup group, OpenDescriptor descriptor) throws NetparkException {
        return adopt(group, descriptor, NetOptions.DEFAULT, null);
    }

    /** As {@link #adopt(EventLoopGroup, OpenDescriptor, NetOptions, Admission, ServerTls)}, without TLS. */
    public static BlockingListener adopt(EventLoopGroup group, OpenDescriptor descriptor, NetOptions options,
            @Nullable Admission admission) throws NetparkException {
        return adopt(group, descriptor, options, admission, null);
    }

    /**
     * Takes over a socket that listens already: the service manager's ({@link io.netpark.core.net.listening.ListenFds}), or that of the process
     * which this one succeeds ({@link #duplicate}). Connections that wait already are accepted like later ones.
     *
     * <p>The file of a unix socket's path is not removed when this is closed, unless {@link #removeFileOnClose} says so.
     *
     * @param descriptor the listener's from now on, unless this throws
     * @param options set on the socket, and so on what it accepts
     * @param admission how many connections may be open at a time; null for as many as come
     * @param tls how connections are encrypted; null for plain ones
     * @throws NetparkException saying what the descriptor is instead, and what to do
     * @throws IllegalStateException if it is closed, or was taken over already
     */
    public static BlockingListener adopt(EventLoopGroup group, OpenDescriptor descriptor, NetOptions options,
            @Nullable Admission admission, @Nullable ServerTls tls) throws NetparkException {
        ErrorPaths.load(BlockingListener.class, "io.netpark.blocking");
        ListenerDescriptor core = ListenerDescriptor.adopt(group, descriptor, options, admission);
        core.setTls(tls);
        return new BlockingListener(core, null);
    }

    /**
     * Another descriptor of the socket, for the process that is to go on with it: both accept from the same queue, and nobody who waits
     * in it is lost when this listener is closed. Of a unix socket with a path {@link #keepFile} is to be called before.
     *
     * @return the caller's to close, or to pass on
     * @throws NetparkException.Closed if this is closed
     */
    public OpenDescriptor duplicate() throws NetparkException {
        return core.duplicate();
    }

    /** The address it listens on, with the port that was chosen for 0. */
    public SocketAddress localAddress() {
        return core.localAddress();
    }

    /**
     * The port it listens on.
     *
     * @throws IllegalStateException if it is a unix socket, which has none
     */
    public int port() {
        return core.port();
    }

    /** Where accepted connections go. */
    public EventLoopGroup group() {
        return core.group();
    }

    /** The file of a unix socket stays when this is closed: somebody else goes on with the socket. */
    public void keepFile() {
        core.keepFile();
    }

    /** The file of a unix socket is removed when this is closed, though the socket was adopted. */
    public void removeFileOnClose() {
        core.removeFileOnClose();
    }

    // Accepting by hand

    /**
     * Waits for the next connection; the caller closes it. Its TLS handshake goes on meanwhile: {@link BlockingConnection#awaitTls} waits
     * for that, as does what reads and writes.
     *
     * @throws NetparkException.Closed if the listener is closed, before or meanwhile
     * @throws InterruptedIOException if the thread is interrupted while it waits, and stays so; it has accepted nothing
     */
    public BlockingConnection accept() throws IOException {
        return accept(Due.FOREVER);
    }

    /**
     * Waits for the next connection, for so long at most. Nothing is lost when the time is over: whoever comes a moment later is the
     * next accept's. Otherwise, and if interrupted, as {@link #accept()}.
     *
     * @param timeout zero or less does not wait
     * @throws NetparkException.TimedOut if nobody has come in time; the timeout is {@code ACCEPT}
     */
    public BlockingConnection accept(Duration timeout) throws IOException {
        return accept(Due.nanos(timeout));
    }

    private BlockingConnection accept(long nanos) throws IOException {
        ConnectionDescriptor accepted = accepting.next(nanos);
        try {
            return new BlockingConnection(accepted);
        } catch (Throwable e) { // no memory
            accepted.close();
            throw e;
        }
    }

    // Serving

    /**
     * Serves connections, each by a thread of its own: a virtual one from JDK 21 on, else a daemon thread of the platform. Otherwise,
     * and if interrupted, as {@link #serve(Executor, BlockingHandler, BlockingFailureHandler)} without anybody who is told of failures.
     */
    public void serve(BlockingHandler handler) throws InterruptedIOException {
        serve(threads(), handler, null);
    }

    /** As {@link #serve(BlockingHandler)}, and {@code onFailure} is told of failures. */
    public void serve(BlockingHandler handler, BlockingFailureHandler onFailure)
            throws InterruptedIOException {
        serve(threads(), handler, Objects.requireNonNull(onFailure, "onFailure"));
    }

    /** Those of a clock that says which thread runs when are its own. */
    private Executor threads() {
        return core.loop().clock().overShared(HandlerThreads.SHARED);
    }

    /**
     * Accepts connections and has them handled, until the listener is closed or shut down; returns when the handlers have, too. No
     * failure of a handler, of the executor or of accepting ends it. Several threads may serve at a time.
     *
     * <p>What a peer does to its own connection (a reset, a timeout of any kind, a truncated message, a limit) is counted, and told to
     * {@code onFailure} if there is one. All else that a handler throws is told to {@code onFailure}; or is reported, if there is none.
     * That the listener was cut off, or the connection closed here, is told to nobody. A connection that the executor does not take,
     * because it rejects it or throws, is closed, and told of in the same way.
     *
     * <p>With TLS the handler's thread waits for the handshake, and the handler is called when that is over. If it fails, which is reported
     * in one line, the handler never knows of the connection, nor does {@code onFailure}. A shutdown does not wait for clients that have
     * not begun theirs: these are idle.
     *
     * <p>If the thread is interrupted, the listener is closed and the handlers are cut off, as in the last phase of {@link #shutdown}.
     *
     * @param executor runs the handlers; it needs a thread for each connection that is to be served at a time. What it takes it must
     *     run, sooner or later; it stays the caller's
     * @param handler called once for each connection, which is closed when it returns; not for one that is cut off before it has begun
     * @param onFailure on the handler's thread, or where the executor has thrown; null for nobody
     * @throws InterruptedIOException if the thread is interrupted while it waits, and stays so
     */
    public void serve(Executor executor, BlockingHandler handler,
            @Nullable BlockingFailureHandler onFailure) throws InterruptedIOException {
        ThreadWaiter.requireNoLoop(core);
        new Serving(accepting, handlers, executor, handler, onFailure).run();
    }

    /**
     * Comes to an end in phases, as {@link Shutdown} says: {@link #serve} returns then. Handlers that wait in
     * {@link BlockingConnection#awaitRequest} with nothing to read are idle, and are told at once that there will be no request; others
     * go on until they return. Those that have not returned when the times to finish and to flush are over (a handler's writes are
     * its own affair) are cut off: their connections are closed, by a reset in the midst of an answer, and their threads interrupted.
     *
     * <p>The times hold whatever handlers do. This waits a quarter of a second at most for those that were cut off to feel it and
     * leave. The event loops go on; {@link #close} ends them, if they are the listener's own. Connections that were accepted by hand
     * are their owners' affair.
     *
     * <p>Called again, or at the same time, it waits until the first call has come to its end, which it does at the latest when the
     * times of this one are over. If the thread is interrupted all times are over; it stays interrupted.
     *
     * @return what became of the connections
     * @throws IllegalStateException on an event loop, or in a handler of this listener: it would be waiting for itself
     */
    public Shutdown.Report shutdown(Shutdown phases) {
        ThreadWaiter.requireNoLoop("the end of " + this);
        if (handlers.isRunByCaller()) {
            throw new IllegalStateException("shut down " + this + ": a handler of it would be waiting for itself; call shutdown on another"
                    + " thread, or close it to stop accepting only");
        }
        return ending.run(phases);
    }

    /**
     * Stops listening. An accept in progress ends with {@link NetparkException.Closed}, connections that wait are refused. Those that
     * were accepted stay open, unless the event loops are the listener's own: these end with it, and their connections too. Calling it
     * again has no effect.
     */
    @Override
    public void close() {
        core.close();
        if (owned != null) {
            owned.close();
        }
    }

    @Override
    public String toString() {
        return core.toString();
    }
}
