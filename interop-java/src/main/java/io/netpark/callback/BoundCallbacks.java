package io.netpark.callback;

import io.netpark.callback.delivery.Receiver;
import io.netpark.callback.delivery.Refusal;
import io.netpark.callback.delivery.UserCallbacks;
import io.netpark.core.buffer.BufferReader;
import io.netpark.core.framing.Framing;
import io.netpark.core.sys.NetparkException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** {@link Callbacks} with the connection that they are called with: what the rooms below call. */
final class BoundCallbacks implements UserCallbacks {

    private final CallbackConnection connection;
    private final Callbacks callbacks;
    private final @Nullable Workers workers;

    /** @param workers who runs the callbacks; null for the event loop */
    BoundCallbacks(CallbackConnection connection, Callbacks callbacks, @Nullable Workers workers) {
        this.connection = connection;
        this.callbacks = callbacks;
        this.workers = workers;
    }

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

    static Receiver ofRequests(RequestHandler handler) {
        return Receiver.ofRequests(handler);
    }

    static Receiver ofInput(InputHandler handler) {
        return Receiver.ofInput(handler, handler instanceof Framed framed ? framed.framing() : null);
    }

    @Override
    public boolean prepare() throws Exception {
        return callbacks.prepare == null || callbacks.prepare.prepare(connection);
    }

    @Override
    public boolean hasConnect() {
        return callbacks.hasConnect();
    }

    @Override
    public void connect() throws Exception {
        callbacks.connect.handle(connection);
    }

    @Override
    @SuppressWarnings("NullAway") // a receiver that takes requests has a handler
    public void request(Receiver receiver, ByteBuffer in) throws Exception {
        ((RequestHandler) receiver.handler()).request(connection, in);
    }

    @Override
    @SuppressWarnings("NullAway") // a receiver that takes input has a handler
    public void input(Receiver receiver, BufferReader in) throws Exception {
        ((InputHandler) receiver.handler()).input(connection, in);
    }

    @Override
    public boolean hasWritable() {
        return callbacks.hasWritable();
    }

    @Override
    public void writable() throws Exception {
        callbacks.writable.handle(connection);
    }

    @Override
    public boolean hasHalfClose() {
        return callbacks.halfClose != null;
    }

    @Override
    public void halfClose() throws Exception {
        if (callbacks.halfClose != null) {
            callbacks.halfClose.handle(connection);
        }
    }

    @Override
    public boolean hasFailure() {
        return callbacks.failure != null;
    }

    @Override
    public void failed(Throwable failure) throws Exception {
        if (callbacks.failure != null) {
            callbacks.failure.failed(connection, failure);
        }
    }

    @Override
    public void disconnected(@Nullable NetparkException cause) throws Exception {
        callbacks.disconnect.closed(connection, cause);
    }

    @Override
    public void closed(@Nullable NetparkException cause) throws Exception {
        callbacks.close.closed(connection, cause);
    }

    @Override
    public Refusal refused() {
        Rejection decision = workers == null ? Rejection.CLOSE
                : Objects.requireNonNull(workers.rejected(connection), "what becomes of the callback");
        return switch (decision) {
            case WAIT -> Refusal.WAIT;
            case RUN_ON_LOOP -> Refusal.RUN_ON_LOOP;
            case CLOSE -> Refusal.CLOSE;
        };
    }
}
