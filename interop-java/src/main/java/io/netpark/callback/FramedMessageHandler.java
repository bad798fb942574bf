package io.netpark.callback;

import java.nio.ByteBuffer;

/** Told that a whole message has arrived, on the connection's event loop or on its {@link Workers}. */
@FunctionalInterface
public interface FramedMessageHandler {

    /**
     * Deals with one message. The next one is another call, also if it has arrived already.
     *
     * @param message from position to limit, one message as its {@link io.netpark.core.framing.Framing} hands it on, big-endian at
     *     first. What is left of it is dropped. Valid only until this returns: the memory then serves other bytes.
     *     {@link CallbackConnection#write} copies what it cannot send at once, so {@code message} may be given to it as it is.
     * @throws Exception whatever; it is told or reported as {@link Callbacks.Builder#onFailure} says, and the connection is closed
     */
    void message(CallbackConnection connection, ByteBuffer message) throws Exception;
}
