package io.netpark.callback;

import io.netpark.callback.delivery.Receiver;
import io.netpark.callback.input.Input;
import io.netpark.callback.lifecycle.Copying;
import io.netpark.callback.lifecycle.Connections;
import io.netpark.callback.lifecycle.Detaching;
import io.netpark.callback.lifecycle.Lifecycle;
import io.netpark.callback.lifecycle.Securing;
import io.netpark.callback.output.Output;
import io.netpark.callback.state.Limits;
import io.netpark.core.framing.Framing;
import io.netpark.core.net.options.NetOption;
import io.netpark.core.net.options.PeerCredentials;
import io.netpark.core.net.options.TcpInfo;
import io.netpark.core.net.socket.Detached;
import io.netpark.core.net.streams.ConnectionDescriptor;
import io.netpark.core.net.streams.PeerState;
import io.netpark.core.net.zerocopy.ZeroCopy;
import io.netpark.core.sys.Due;
import io.netpark.core.sys.NetparkException;
import io.netpark.core.tls.Tls;
import io.netpark.core.tls.TlsSession;
import java.net.SocketAddress;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A TCP connection with {@link Callbacks}, made by a {@link CallbackServer} or a {@link CallbackClient}.
 *
 * <p>Threads: every method may be called by any thread, and none waits, but for {@link #awaitInput}. Callbacks run on the
 * thread of {@link #loop}, or on {@link Workers} as those say; one at a time, never inside one another (only if the loop has
 * ended may a close callback run on the thread that causes it).
 *
 * <p>Ownership: it owns its socket. A server or client closes the connections it made when it is closed itself.
 * Buffers stay the caller's and are used only during the calls.
 */
public final class CallbackConnection extends CallbackWriter {

    final ConnectionDescriptor core;
    /** This connection below its interface; the two halves are the life's. */
    final Lifecycle life;
    final Input input;

    CallbackConnection(
            ConnectionDescriptor core, Callbacks callbacks, Limits limits, @Nullable Workers workers, Connections owner) {
        super(core);
        this.core = core;
        this.life = new Lifecycle(core, limits, workers == null ? null : workers.crew(), owner,
                new BoundCallbacks(this, callbacks, workers), callbacks.receiver);
        this.input = life.input();
    }

    // Reading

    /**
     * Stops reading, and so the request callback, until {@link #resumeReading}. Called by a callback of this
     * connection it takes effect at once; called by another thread it may be overtaken by one last request. Meanwhile
     * the kernel's buffer fills up and the peer has to wait.
     *
     * <p>That the peer has gone is told nevertheless, unless bytes that have come before are still to be read: a reset ends the
     * connection, and the half-close callback is called, if there is one. Without one a peer that has ended its stream is waiting
     * for the answer, and what is done then is done when reading resumes. {@link #peerState} tells at any time. A peer that has ended its
     * stream by TLS's close_notify alone, and not the socket's, is found out when reading resumes.
     */
    public void pauseReading() {
        input.pause();
    }

    /**
     * Takes {@link #pauseReading} back. A request callback comes later, never during this call. What it left unread comes again
     * then, in front of what has come since, as by {@link #requestAgain}; unless it is the callback itself that resumes, which has
     * just seen it.
     */
    public void resumeReading() {
        input.resume();
    }

    /**
     * Has the request callback called once more with the bytes it left unread, if there are any by then; later, never
     * during this call, and also while reading is paused. Calls that have not been answered count as one. The end of the peer's
     * stream is not told before: who takes one message a call, and asks again, gets all of them.
     */
    public void requestAgain() {
        input.requestAgain();
    }

    /**
     * Replaces the request callback, from the next call on; the one that is running comes to its end. Bytes that the old one
     * has left unread go to the new one at once, as by {@link #requestAgain}: so a protocol can be switched by the message
     * that asks for it. All of them do, also if they are more than the new one's {@link CallbackServer.Builder#inputLimit}, which counts when it
     * has been called with them.
     */
    public void onRequest(RequestHandler handler) {
        input.receiver(BoundCallbacks.ofRequests(Objects.requireNonNull(handler, "handler")));
    }

    /** As {@link #onRequest}, with an input callback. Either kind replaces either. */
    public void onInput(InputHandler handler) {
        input.receiver(BoundCallbacks.ofInput(Objects.requireNonNull(handler, "handler")));
    }

    /**
     * As {@link #onRequest}, with a callback of whole messages. Any kind replaces any.
     *
     * @throws IllegalStateException if the input limit is less than a message may need
     */
    public void onMessage(Framing framing, FramedMessageHandler handler) {
        Receiver next = BoundCallbacks.ofInput(new BoundCallbacks.Framed(
                Objects.requireNonNull(framing, "framing"), Objects.requireNonNull(handler, "handler")));
        next.requireRoom(life.limits());
        input.receiver(next);
    }

    /**
     * Waits until the reader of the input callback that is calling has this many bytes. For callbacks that
     * {@linkplain Workers workers} run, on virtual threads above all; the read timeout counts meanwhile.
     *
     * @return false if the peer has ended its stream before
     * @throws NetparkException.Closed if the connection is closed meanwhile
     * @throws NetparkException.LimitExceeded if it is more than the input limit
     * @throws IllegalStateException in any other place; on an event loop it would wait for itself
     */
    public boolean awaitInput(long count) throws NetparkException, InterruptedException {
        if (!life.delivery().mayWait()) {
            throw new IllegalStateException("await input of " + this
                    + ": only in its input callback, and only if that is run by workers");
        }
        return input.await(count);
    }

    // Copying

    /**
     * Copies what the peer sends to another connection, to the end of the stream: first what callbacks have left unread. A
     * stream that is full goes from socket to socket inside the kernel (splice(2)); a trickle, and what cannot be spliced, as where
     * either side has TLS, is copied. While it waits for bytes it holds no memory.
     *
     * <p>Meanwhile no request or input callback is called here, and what is written to the target waits until this has ended.
     * Called by a callback it begins when that has returned, which must not wait for it. The end of the stream is not passed on;
     * afterwards it is told here as ever. Timeouts of both connections hold. It ends when this connection is closed or breaks, also
     * while it waits for room in the target.
     *
     * @param target on this event loop or another; what was written to it before goes first
     * @return how many bytes. It fails as the connection fails on whose account it is, which is closed with that as the cause; the
     *     other stays open, for its owner to {@linkplain #reset reset} if its peer is not to take what it has got for all. A target
     *     that was in the midst of bytes takes no more, and is reset when it ends.
     *     Cancelling it ends the copy: if it is in the midst of bytes then, the target is reset. In either case what the target
     *     has not taken is unread here again, and nothing is missing for whoever goes on with it
     * @throws IllegalStateException if it is being copied from already
     */
    public CompletableFuture<Long> copyTo(CallbackConnection target) {
        return copyTo(target, Long.MAX_VALUE);
    }

    /**
     * As the other, to the end of the stream or until it was {@code count} bytes: the body of a message, say. What comes after
     * them, callbacks are called with as ever; if it has come already, as by {@link #requestAgain}.
     *
     * @param count how many bytes at most, of which those that callbacks have left unread are the first
     * @throws IllegalArgumentException if it is negative
     */
    public CompletableFuture<Long> copyTo(CallbackConnection target, long count) {
        if (count < 0) {
            throw new IllegalArgumentException("a number of bytes cannot be negative: " + count);
        }
        return Copying.copy(life, target.life, count);
    }

    /**
     * Makes two connections one to the peers at their ends: copies both ways, as {@link #copyTo} does, until both streams have
     * ended. The end of either is passed on, as {@link #shutdownOutput} of the other connection, and the other direction goes
     * on. Then both are closed, after the half-close callbacks if there are any, and also if reading was paused before.
     *
     * @return how many bytes. If either direction fails, both connections are reset, so that neither peer takes what it has got
     *     for all, and it fails with that. Cancelling it ends both directions, as for {@link #copyTo}
     * @throws IllegalStateException if one of them is being copied from already
     */
    public CompletableFuture<Relayed> relay(CallbackConnection other) {
        return Copying.relay(life, other.life, Relayed::new);
    }

    // TLS

    /** As {@link #startTls(Tls, String, int)}, of a server; or of a client whose configuration names the server, or verifies no name. */
    public CompletableFuture<TlsSession> startTls(Tls tls) {
        return Securing.begin(life, Objects.requireNonNull(tls, "tls"), null, -1);
    }

    /**
     * Encrypts a plain connection from here on, in the middle of a protocol (STARTTLS): when the callback that is running has returned, and
     * everything that was written by now has been taken. So a server writes that it is ready, and calls this in the same callback; a
     * client calls it in the callback that reads so. Until the handshake is over no callback is called with bytes, and what is written
     * waits, and is encrypted.
     *
     * <p>What callbacks have left unread by then is the first of the peer's handshake, and is never shown to a callback again: so what
     * somebody has put behind the last plain message is not obeyed (CVE-2011-0411); it makes the handshake fail.
     *
     * @param tls of a server or of a client, which settles what this side is
     * @param host the name that was dialed, for the server to prove
     * @param port the port that was dialed
     * @return what the handshake has agreed on; completes on the loop, before any callback is called. Fails with
     *     {@link NetparkException.TlsFailure}, {@link NetparkException.TimedOut} ({@code HANDSHAKE}) and so on as the handshake does, and
     *     the connection is closed with that as the cause; with {@link NetparkException.Closed} if it is closed meanwhile, or its output
     *     has been shut down; or as the configuration does, and then the connection is plain as before. Cancelling it does the same
     *     before the handshake has begun, and closes the connection afterwards
     * @throws IllegalStateException if it has TLS, or is being copied from or detached
     */
    public CompletableFuture<TlsSession> startTls(Tls tls, String host, int port) {
        return Securing.begin(life, Objects.requireNonNull(tls, "tls"), Objects.requireNonNull(host, "host"), port);
    }

    /** What the TLS handshake has agreed on, also after closing; null for a plain connection, and before the end of {@link #startTls}. */
    public @Nullable TlsSession tlsSession() {
        return core.tlsSession();
    }

    // Time

    /**
     * Closes the connection if no byte comes for so long while it is being read; see {@link CallbackServer.Builder#readTimeout}.
     * Replaces the timeout in force, and counts from now on.
     *
     * @param time positive; {@link Due#INFINITE} for none
     * @throws IllegalArgumentException if it is not positive
     */
    public void setReadTimeout(Duration time) {
        input.setTimeout(Settings.timeoutNanos(time, "read timeout"));
    }

    /** As {@link #setReadTimeout}, if no byte moves in either direction; see {@link CallbackServer.Builder#idleTimeout}. */
    public void setIdleTimeout(Duration time) {
        life.idle().set(Settings.timeoutNanos(time, "idle timeout"));
    }

    /**
     * Closes the connection after so long, with {@link NetparkException.TimedOut} ({@code EXCHANGE}) as the cause, unless
     * the limit is cancelled before: when a handshake, say, has come to its end.
     *
     * @param within zero or less closes it at once; {@link Due#INFINITE} is no limit
     * @param name what must be over by then, for the message
     * @return cancelled by {@link ScheduledFuture#cancel}
     */
    public ScheduledFuture<?> limit(Duration within, String name) {
        Objects.requireNonNull(name, "name");
        return loop().schedule(() -> {
            life.ending().end(new NetparkException.TimedOut(NetparkException.Timeout.EXCHANGE,
                    name + " with " + this + ": not finished within " + Due.millis(within) + " ms"));
        }, Math.max(0, Due.nanos(within)), TimeUnit.NANOSECONDS);
    }

    // State

    @Override
    Limits limits() {
        return life.limits();
    }

    @Override
    Lifecycle life() {
        return life;
    }

    @Override
    Output output() {
        return life.output();
    }

    /** Whether it has not been closed yet: by this side, by a failure, or because the peer has ended it. */
    @Override
    public boolean isOpen() {
        return life.isOpen();
    }

    @Override
    boolean isUsable() {
        return life.isUsable();
    }

    /**
     * What has been seen of the peer, also while reading is paused or a callback is at work on another thread: whether it makes
     * sense to go on with an answer that takes long. Asks nobody, so it costs nothing; it follows what happens with the loop's next
     * turn, and so not while a callback is running on the loop.
     *
     * @return {@code CLOSED} if the connection has ended here, for whatever reason
     */
    public PeerState peerState() {
        return isOpen() ? core.peerState() : PeerState.CLOSED;
    }

    /**
     * Whether the peer has ended its stream, and nothing will come but what callbacks have been called with, or are being called with
     * now: for a callback that has an incomplete message in its hands, or the last one. True also if the connection has ended. Asks
     * the kernel if the end has not been read; with TLS only in callbacks on the loop, as the kernel does not know. For callbacks of this
     * connection; elsewhere bytes may be between the socket and the callback.
     */
    public boolean isInputEnded() {
        return !isOpen() || input.isAtEnd();
    }

    /** Whether its server is shutting down: no time to begin anything long. Always false for a dialed connection. */
    public boolean isDraining() {
        return life.owner().isDraining();
    }

    /**
     * Says that a request is being answered, though no callback is running: by other threads, or when a future completes. Until
     * that is {@linkplain Exchange#close closed}, {@linkplain CallbackServer#shutdown shutting down} the server waits for this
     * connection, and it is not {@linkplain CallbackServer.Builder#idleTimeout idle}.
     */
    public Exchange beginExchange() {
        return new Exchange(life);
    }

    /** The peer's address, also after closing: an {@link java.net.InetSocketAddress}, or a unix address. */
    public SocketAddress remoteAddress() {
        return core.remoteAddress();
    }

    @Override
    public <T> T getOption(NetOption<T> option) throws NetparkException {
        requireUsable("get " + option + " of");
        return super.getOption(option);
    }

    @Override
    public <T> void setOption(NetOption<T> option, T value) throws NetparkException {
        requireUsable("set " + option + " of"); // the socket may be another's by now
        super.setOption(option, value);
    }

    /**
     * Whether large buffers are sent without a copy from now on (MSG_ZEROCOPY): what is written as a
     * {@link io.netpark.core.buffer.LinkBuffer}, also direct buffers that are
     * {@linkplain io.netpark.core.buffer.BufferWriter#link linked} into one. Off by default; {@link ZeroCopy} says when it pays, which
     * is never within one machine, nor with TLS, which makes no use of it. Their futures complete when the kernel has taken the bytes. It
     * has them on loan then, and the owner of a linked buffer is told when it gives them back, also after {@link #close}.
     *
     * @throws NetparkException if the kernel does not do it for such a socket: only for TCP
     * @throws NetparkException.Closed if the connection is closed
     * @throws IllegalStateException if SO_ZEROCOPY is set already, by who had the descriptor before
     */
    public void setZeroCopy(ZeroCopy how) throws NetparkException {
        requireUsable("set zero copy of");
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
        requireUsable("ask for the state of");
        return core.tcpInfo();
    }

    /**
     * Who is at the other end of a unix socket.
     *
     * @throws NetparkException.Closed if the connection is closed
     * @throws IllegalStateException if it is one of TCP, which does not know
     */
    public PeerCredentials peerCredentials() throws NetparkException {
        requireUsable("ask for the credentials of");
        return core.peerCredentials();
    }

    // Closing

    /**
     * Closes the connection now; bytes that are pending are dropped, and then the peer finds a reset: an end would tell it that it
     * has got all. The close callbacks run on the loop, after the callback that is running there now. Has no effect if it is
     * closed.
     */
    @Override
    public void close() {
        life.ending().end(null);
    }

    /**
     * Closes the connection now, as {@link #close}, by a reset: what is pending here and in the kernel is dropped, and the peer
     * learns that what it has got is not all. To pass on that a stream was broken off. The peer of a unix socket finds an end:
     * such sockets have no reset.
     */
    public void reset() {
        life.ending().reset(null);
    }

    /**
     * Gives the connection to other code: takes it out of the event loop, open and non-blocking. Here it is closed, and its
     * close callbacks run. To be called on the loop, by a callback for example.
     *
     * @return the socket, and the bytes that no callback has taken; to be closed, or given to {@link CallbackClient#adopt}
     * @throws NetparkException.Closed if it is closed
     * @throws IllegalStateException on another thread, or if output is pending, or the kernel has bytes on loan (see
     *     {@link #setZeroCopy}), or it has TLS, whose keys would stay here
     */
    public Detached detach() throws NetparkException.Closed {
        if (!loop().inLoop()) {
            throw new IllegalStateException("detach " + this + ": only on its event loop, where no callback runs meanwhile");
        }
        if (input.isLent()) {
            throw new IllegalStateException("detach " + this + ": it is being copied from; cancel that first");
        }
        return Detaching.takeOut(life);
    }

    /**
     * As {@link #detach}, from any thread, by a callback that a worker runs for example: when the callback that is running has
     * returned, and everything written by now has been taken by the kernel. No callback is called with bytes meanwhile.
     *
     * @return fails as {@link #detach} does, also if more is written before it completes; then the callbacks go on. Cancelling it
     *     takes it back, unless it is too late: then the socket is closed
     */
    public CompletableFuture<Detached> detachAsync() {
        return Detaching.begin(life);
    }

    /**
     * Adds a close callback. It runs once, on the loop: when the connection is closed, those added last first, or, if
     * it has been closed and its callbacks have run, at once (as a task of the loop, if called by another thread).
     */
    public void onClose(CloseHandler handler) {
        Objects.requireNonNull(handler, "handler");
        life.onClose(cause -> handler.closed(this, cause));
    }

    /**
     * Closes the connection, as {@link #close} does.
     *
     * @return completes when its last close callback has returned
     */
    public CompletableFuture<Void> closeAsync() {
        CompletableFuture<Void> future = life.owner().whenRemoved(life);
        close();
        return future;
    }
}
