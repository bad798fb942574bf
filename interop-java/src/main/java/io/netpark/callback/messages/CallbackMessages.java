package io.netpark.callback.messages;

import io.netpark.callback.futures.OneByOne;
import io.netpark.callback.socket.CallbackSocket;
import io.netpark.core.loop.EventLoop;
import io.netpark.core.loop.EventLoopGroup;
import io.netpark.core.net.messages.MessageDescriptor;
import io.netpark.core.net.options.PeerCredentials;
import io.netpark.core.sys.NetparkException;
import java.net.InetAddress;
import java.net.NetworkInterface;
import java.net.SocketAddress;
import java.nio.ByteBuffer;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A socket that keeps the boundaries of messages and tells callbacks what comes: UDP, datagrams of unix, or sequenced packets of
 * unix.
 *
 * <pre>{@code
 *   MessageCallbacks echo = MessageCallbacks.builder()
 *           .onMessage((socket, message) -> socket.send(message.bytes(), message.sender()))
 *           .build();
 *   CallbackMessages socket = CallbackMessages.bind(group, new InetSocketAddress(7000), echo);
 * }</pre>
 *
 * <p>Callbacks run on the socket's event loop, one at a time: open once, then messages, errors and writable in any order, close
 * once. What they throw is reported, and ends nothing. Every method may be called by any thread.
 *
 * <p>Ownership: whoever opened it closes it; the group closes what is open when it is closed.
 *
 * <p>Descriptors that come with a message are closed: passing them is for {@link MessageDescriptor} and for coroutines.
 *
 * <p>Messages are not encrypted: there is no DTLS.
 */
public final class CallbackMessages extends CallbackSocket {

    private final MessageDescriptor core;
    private final MessageCallbacks callbacks;
    private final MessageOutbox outbox;
    private final Consumer<CallbackMessages> closed;
    private final AtomicBoolean ended = new AtomicBoolean();

    private CallbackMessages(MessageDescriptor core, MessageCallbacks callbacks, Consumer<CallbackMessages> closed) {
        super(core);
        this.core = core;
        this.callbacks = callbacks;
        this.closed = closed;
        this.outbox = new MessageOutbox(this, core, callbacks.pendingLimit);
    }

    // Opening

    /**
     * Binds a socket for datagrams, as {@link MessageDescriptor#bind} does.
     *
     * @param group one of its loops gets it: the calling one, or the next in turn
     * @param address resolved, or a unix address; port 0 takes a free one
     * @throws NetparkException naming the address: in use, not of this machine, not permitted
     */
    public static CallbackMessages bind(EventLoopGroup group, SocketAddress address, MessageCallbacks callbacks)
            throws NetparkException {
        return start(group.place(loop -> MessageDescriptor.bind(loop, address, callbacks.options)), callbacks, socket -> {});
    }

    /**
     * Opens a socket for datagrams to and from one peer, as {@link MessageDescriptor#dial} does.
     *
     * @throws NetparkException if there is no way there, or (unix) nobody
     */
    public static CallbackMessages dial(EventLoopGroup group, SocketAddress remote, MessageCallbacks callbacks)
            throws NetparkException {
        return start(group.place(loop -> MessageDescriptor.dial(loop, remote, callbacks.options)), callbacks, socket -> {});
    }

    /**
     * Connects a socket for sequenced packets, at once, as {@link MessageDescriptor#dialPackets} does. The end of the peer's packets
     * closes it.
     *
     * @throws NetparkException.Refused if nobody listens there
     */
    public static CallbackMessages dialPackets(EventLoopGroup group, SocketAddress remote, MessageCallbacks callbacks)
            throws NetparkException {
        return start(group.place(loop -> MessageDescriptor.dialPackets(loop, remote, callbacks.options)), callbacks, socket -> {});
    }

    static CallbackMessages start(MessageDescriptor core, MessageCallbacks callbacks, Consumer<CallbackMessages> closed) {
        CallbackMessages socket = new CallbackMessages(core, callbacks, closed);
        if (!core.loop().tryExecute(socket::begin)) {
            socket.end(new NetparkException.Closed(socket + ": closed here, with its event loop"));
        }
        return socket;
    }

    private void begin() {
        if (isOpen()) {
            call("onOpen", callbacks.open);
        }
        new MessageInbox(this, core, callbacks).run();
    }

    // Sending

    /**
     * Sends a message, all of {@code message}, or keeps a copy for when the kernel takes it, or drops it if
     * {@linkplain MessageCallbacks.Builder#pendingLimit as many} wait already. Messages of one thread are sent in order. Its
     * position advances to its limit, unless this throws.
     *
     * @param to resolved; null for the peer of a connected socket
     * @return what became of it. When it is not {@code SENT}, {@link MessageCallbacks.Builder#onWritable} will be called once none
     *     waits any more, unless nothing may wait
     * @throws NetparkException naming the address, and what to do, if it could be tried at once: too long, nobody there, not
     *     connected. What fails later is told to {@link MessageCallbacks.Builder#onError}
     * @throws NetparkException.Closed if the socket is closed
     * @throws IllegalArgumentException if a socket of this family cannot reach the address
     */
    public SendResult send(ByteBuffer message, @Nullable SocketAddress to) throws NetparkException {
        return outbox.send(message, to);
    }

    /** Sends to the peer of a connected socket; otherwise as the other. */
    public SendResult send(ByteBuffer message) throws NetparkException {
        return outbox.send(message, null);
    }

    /** How many messages wait for the kernel to take them. */
    public int pendingMessages() {
        return outbox.count();
    }

    /** How many messages have been dropped because as many waited as may. */
    public long droppedMessages() {
        return outbox.dropped();
    }

    // What it is connected to, and a member of

    /** Whom it is connected to, also after closing; null if to nobody. */
    public @Nullable SocketAddress remoteAddress() {
        return core.remoteAddress();
    }

    /** As {@link MessageDescriptor#connect}. */
    public void connect(SocketAddress peer) throws NetparkException {
        core.connect(peer);
    }

    /** As {@link MessageDescriptor#join}. */
    public void join(InetAddress group, @Nullable NetworkInterface on) throws NetparkException {
        core.join(group, on);
    }

    /** As {@link MessageDescriptor#leave}. */
    public void leave(InetAddress group, @Nullable NetworkInterface on) throws NetparkException {
        core.leave(group, on);
    }

    /** As {@link MessageDescriptor#sendMulticastThrough}. */
    public void sendMulticastThrough(NetworkInterface on) throws NetparkException {
        core.sendMulticastThrough(on);
    }

    /** As {@link MessageDescriptor#peerCredentials}. */
    public PeerCredentials peerCredentials() throws NetparkException {
        return core.peerCredentials();
    }

    // The end

    @Override
    public boolean isOpen() {
        return !ended.get();
    }

    @Override
    public void close() {
        end(null);
    }

    /** The first one who does, says why. */
    void end(@Nullable NetparkException cause) {
        Runnable tell = () -> { // made first: there may be no memory for it
            guarded("onClose", () -> callbacks.close.closed(this, cause));
            closed.accept(this);
        };
        if (!ended.compareAndSet(false, true)) {
            return;
        }
        try {
            core.close();
        } finally {
            OneByOne.onLoop(loop(), tell); // always as a task: whoever is calling may be in the midst of a callback
        }
    }

    // Telling

    void tellError(NetparkException error) {
        loop().tryExecute(() -> {
            if (isOpen()) {
                guarded("onError", () -> callbacks.error.failed(this, error));
            }
        });
    }

    /** As a task, like the others: whoever says so has a lock. */
    void reportLost(@Nullable SocketAddress to, Throwable why) {
        loop().tryExecute(() -> loop().report(this + " could not send to " + to, why));
    }

    void tellWritable() {
        loop().tryExecute(() -> {
            if (isOpen()) {
                call("onWritable", callbacks.writable);
            }
        });
    }

    private void call(String name, MessageSocketHandler handler) {
        guarded(name, () -> handler.handle(this));
    }

    @FunctionalInterface
    private interface Call {
        void run() throws Exception;
    }

    private void guarded(String name, Call call) {
        try {
            call.run();
        } catch (Throwable e) {
            loop().report("The " + name + " callback of " + this + " threw", e);
        } finally {
            EventLoop.leaveUserCode();
        }
    }
}
