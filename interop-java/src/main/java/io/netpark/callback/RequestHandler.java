package io.netpark.callback;

import java.nio.ByteBuffer;

/** Told that bytes have arrived, on the connection's event loop or on its {@link Workers}. */
@FunctionalInterface
public interface RequestHandler {

    /**
     * Takes what it can use of the bytes that are there; what it takes shows in the buffer's position.
     *
     * <p>What it leaves is kept and comes again, in front of what arrives next. It is not called again for bytes that
     * it has seen until there are new ones, or until it asks by {@link CallbackConnection#requestAgain}.
     *
     * @param in the unread bytes, big-endian at first. Valid only until this returns: the memory then serves another
     *     connection. {@link CallbackConnection#write} copies what it cannot send at once, so {@code in} may be given
     *     to it as it is.
     * @throws Exception whatever; it is reported, and the connection is closed. What its own peer has done (an input that ends in
     *     the midst, a limit) is not reported: it is counted, and the cause that the close callbacks are told
     */
    void request(CallbackConnection connection, ByteBuffer in) throws Exception;
}
