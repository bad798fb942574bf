package io.netpark.callback;

import io.netpark.core.buffer.BufferReader;
import io.netpark.core.framing.Framing;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Hands whole messages to a callback: all that are there, unless something is in the way. Then the next ones stay unread, for
 * whoever goes on. For any number of connections at a time.
 */
record Framed(Framing framing, FramedMessageHandler handler) implements InputHandler {

    @Override
    public void input(CallbackConnection connection, BufferReader in) throws Exception {
        if (!connection.input.hasRoom()) {
            return;
        }
        for (ByteBuffer message; (message = framing.take(in)) != null; ) {
            handler.message(connection, message.order(ByteOrder.BIG_ENDIAN));
            in.release();
            if (in.available() > 0 && !connection.input.goesOn(this)) {
                return;
            }
        }
    }
}
