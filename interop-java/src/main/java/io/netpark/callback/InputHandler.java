package io.netpark.callback;

import io.netpark.core.buffer.BufferReader;

/** Told that bytes have arrived, on the connection's event loop or on its {@link Workers}. */
@FunctionalInterface
public interface InputHandler {

    /**
     * Takes what it can use of the bytes that are there.
     *
     * <p>What it leaves is kept where it is and comes again, in front of what arrives next. It is not called again for
     * bytes that it has seen until there are new ones, or until it asks by {@link CallbackConnection#requestAgain}.
     *
     * @param in the unread bytes. It never waits: {@link BufferReader#missing} tells how much is to come. Views of it are valid
     *     until this returns; {@link BufferReader#slice} is for what must live longer
     * @throws Exception whatever; it is reported, and the connection is closed. What its own peer has done (an input that ends in
     *     the midst, a line that is longer than {@code readLine} allows) is not reported: it is counted, and the cause that the
     *     close callbacks are told
     */
    void input(CallbackConnection connection, BufferReader in) throws Exception;
}
