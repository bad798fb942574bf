package io.netpark.callback.messages;

import io.netpark.callback.accepting.Acceptor;
import io.netpark.core.loop.EventLoopGroup;
import io.netpark.core.net.messages.MessageDescriptor;
import io.netpark.core.net.messages.MessageListenerDescriptor;
import io.netpark.core.sys.AddressText;
import io.netpark.core.sys.NetparkException;
import java.net.SocketAddress;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Accepts sockets of sequenced packets on a unix address, and tells callbacks what comes. A socket is closed at the end of its
 * peer's packets. Every method may be called by any thread.
 */
public final class CallbackMessageServer implements AutoCloseable {

    private final MessageListenerDescriptor listener;
    private final MessageCallbacks callbacks;
    private final Set<CallbackMessages> sockets = ConcurrentHashMap.newKeySet();
    private volatile boolean closed;

    private CallbackMessageServer(MessageListenerDescriptor listener, MessageCallbacks callbacks) {
        this.listener = listener;
        this.callbacks = callbacks;
    }

    /**
     * Starts a server. The file of a unix path goes with it.
     *
     * @param group the loops that accepted sockets go to; stays the caller's
     * @param address a unix address
     * @throws NetparkException naming the address: in use, not permitted
     * @throws IllegalArgumentException if it is no unix address
     */
    public static CallbackMessageServer listen(EventLoopGroup group, SocketAddress address, MessageCallbacks callbacks)
            throws NetparkException {
        MessageListenerDescriptor listener = MessageListenerDescriptor.listen(group, address, callbacks.options);
        CallbackMessageServer server = new CallbackMessageServer(listener, callbacks);
        new Acceptor<>(listener, server::accepted).start();
        return server;
    }

    /** On the listener's loop. */
    private void accepted(MessageDescriptor core) {
        CallbackMessages socket = CallbackMessages.start(core, callbacks, sockets::remove);
        sockets.add(socket);
        // After adding it: either close() finds it among the others, or this finds the server closed; and it may have ended already.
        if (closed) {
            socket.end(withServer(socket));
        }
        if (!socket.isOpen()) {
            sockets.remove(socket);
        }
    }

    private static NetparkException withServer(CallbackMessages socket) {
        return new NetparkException.Closed(socket + ": closed here, with the server");
    }

    /** The address it listens on. */
    public SocketAddress localAddress() {
        return listener.localAddress();
    }

    /** How many sockets are open, or have been closed and their close callbacks not yet run. */
    public int sockets() {
        return sockets.size();
    }

    /** Stops listening, and closes what was accepted; close callbacks follow. Can be called again. */
    @Override
    public void close() {
        closed = true;
        listener.close();
        sockets.forEach(socket -> socket.end(withServer(socket)));
    }

    @Override
    public String toString() {
        return "message server on " + AddressText.of(localAddress());
    }
}
