package io.netpark.callback;

import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What is to be told of a connection. Immutable, for any number of connections at a time. Their order for one
 * connection:
 *
 * <pre>
 *   prepare, once --> connect, once --> request, writable, any number --> half-close, at most once --> close, once
 *        |               |              (after it only writable, and request if asked for again)         ^
 *        |               `--------------- disconnect, once, before close --------------------------------'
 *        `--> refused: no other callback
 * </pre>
 *
 * They run on the connection's event loop, or on {@link Workers}: then disconnect does not wait for the callback that a
 * worker is running, and close does. A connection that was closed before its loop could tell anyone has none of them. One
 * with workers that ends before any has begun with its connect callback has disconnect and close, and not connect.
 */
public final class Callbacks {

    private static final ConnectionHandler NOTHING = connection -> {};

    final @Nullable PrepareHandler prepare;
    final ConnectionHandler connect;
    final Receiver receiver;
    final @Nullable ConnectionHandler halfClose;
    final ConnectionHandler writable;
    final CloseHandler disconnect;
    final CloseHandler close;

    private Callbacks(Builder builder) {
        prepare = builder.prepare;
        connect = builder.connect;
        receiver = builder.receiver;
        halfClose = builder.halfClose;
        writable = builder.writable;
        disconnect = builder.disconnect;
        close = builder.close;
    }

    boolean hasConnect() {
        return connect != NOTHING;
    }

    boolean hasWritable() {
        return writable != NOTHING;
    }

    /** None yet. */
    public static Builder builder() {
        return new Builder();
    }

    /** Collects callbacks; of each kind the last one given counts. */
    public static final class Builder {

        private @Nullable PrepareHandler prepare;
        private ConnectionHandler connect = NOTHING;
        private Receiver receiver = Receiver.NOBODY;
        private @Nullable ConnectionHandler halfClose;
        private ConnectionHandler writable = NOTHING;
        private CloseHandler disconnect = (connection, cause) -> {};
        private CloseHandler close = (connection, cause) -> {};

        private Builder() {}

        /** The connection is there; is it wanted? Returns before the connect callback begins. */
        public Builder onPrepare(PrepareHandler handler) {
            prepare = Objects.requireNonNull(handler, "handler");
            return this;
        }

        /** The connection is established. Returns before the first request begins. */
        public Builder onConnect(ConnectionHandler handler) {
            connect = Objects.requireNonNull(handler, "handler");
            return this;
        }

        /** Bytes have arrived. Without it they are read and dropped. */
        public Builder onRequest(RequestHandler handler) {
            receiver = new Receiver(Objects.requireNonNull(handler, "handler"), null);
            return this;
        }

        /**
         * Bytes have arrived: as {@link #onRequest}, and instead of it, with a reader that parses them where they lie. For
         * messages that need not be in one piece, or are moved on without a copy.
         */
        public Builder onInput(InputHandler handler) {
            receiver = new Receiver(null, Objects.requireNonNull(handler, "handler"));
            return this;
        }

        /**
         * The peer has shut down its sending side: every byte it sent has been through a request callback, and no more
         * will come. Told also while reading is paused, when an answer may still be under way. The connection stays open for
         * writing, and it is up to the callback to see that it is closed:
         * by {@link CallbackConnection#closeAfterWrites}, {@link CallbackConnection#shutdownOutput} (which closes,
         * now that both directions have ended) or {@link CallbackConnection#close}. Without this callback it is closed
         * as soon as everything written before has been sent; while reading is paused, not before it resumes.
         */
        public Builder onHalfClose(ConnectionHandler handler) {
            halfClose = Objects.requireNonNull(handler, "handler");
            return this;
        }

        /** Pending output had exceeded the high-water mark and is now at the low-water mark or below. */
        public Builder onWritable(ConnectionHandler handler) {
            writable = Objects.requireNonNull(handler, "handler");
            return this;
        }

        /**
         * The connection has ended, in whatever way, or has been closed here. Told on the event loop, at once: also while a
         * request callback runs on a worker, whose work may now be in vain. Before the close callbacks.
         */
        public Builder onDisconnect(CloseHandler handler) {
            disconnect = Objects.requireNonNull(handler, "handler");
            return this;
        }

        /**
         * The connection is closed and no other callback of it is running, or will; the last one, after those added by
         * {@link CallbackConnection#onClose}.
         */
        public Builder onClose(CloseHandler handler) {
            close = Objects.requireNonNull(handler, "handler");
            return this;
        }

        /** The callbacks collected so far. */
        public Callbacks build() {
            return new Callbacks(this);
        }
    }
}
