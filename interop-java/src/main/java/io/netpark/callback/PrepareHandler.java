package io.netpark.callback;

/** Asked whether a connection is wanted, before anything else, on the connection's event loop. */
@FunctionalInterface
public interface PrepareHandler {

    /**
     * The time to {@linkplain CallbackConnection#attach attach} what the other callbacks need, to set timeouts, or to
     * refuse. Nothing has been read; of a connection with TLS, nothing but the handshake, which is over:
     * {@link CallbackConnection#tlsSession} says who the peer is. Must not block, also if other callbacks have {@linkplain Workers workers}.
     *
     * @return false to refuse: the connection is closed, and its connect, disconnect and close callbacks are not called;
     *     those that were added by {@link CallbackConnection#onClose} are
     * @throws Exception whatever; it is reported, and the connection is refused
     */
    boolean prepare(CallbackConnection connection) throws Exception;
}
