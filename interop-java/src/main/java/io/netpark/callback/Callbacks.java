package io.netpark.callback;

import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What is to be told of a connection. Immutable, for any number of connections at a time. Their order for one
 * connection:
 *
 * <pre>
 *   connect, once --> request, writable, any number --> half-close, at most once --> close, once
 *                     (after the half-close only writable, and request if asked for again)
 * </pre>
 *
 * A connection that was opened but closed before its loop could tell anyone has neither connect nor close.
 */
public final class Callbacks {

    private static final ConnectionHandler NOTHING = connection -> {};

    final ConnectionHandler connect;
    final @Nullable RequestHandler request;
    final @Nullable InputHandler input;
    final @Nullable ConnectionHandler halfClose;
    final ConnectionHandler writable;
    final CloseHandler close;

    private Callbacks(Builder builder) {
        connect = builder.connect;
        request = builder.request;
        input = builder.input;
        halfClose = builder.halfClose;
        writable = builder.writable;
        close = builder.close;
    }

    /** None yet. */
    public static Builder builder() {
        return new Builder();
    }

    /** Collects callbacks; of each kind the last one given counts. */
    public static final class Builder {

        private ConnectionHandler connect = NOTHING;
        private @Nullable RequestHandler request;
        private @Nullable InputHandler input;
        private @Nullable ConnectionHandler halfClose;
        private ConnectionHandler writable = NOTHING;
        private CloseHandler close = (connection, cause) -> {};

        private Builder() {}

        /** The connection is established. Returns before the first request begins. */
        public Builder onConnect(ConnectionHandler handler) {
            connect = Objects.requireNonNull(handler, "handler");
            return this;
        }

        /** Bytes have arrived. Without it they are read and dropped. */
        public Builder onRequest(RequestHandler handler) {
            request = Objects.requireNonNull(handler, "handler");
            input = null;
            return this;
        }

        /**
         * Bytes have arrived: as {@link #onRequest}, and instead of it, with a reader that parses them where they lie. For
         * messages that need not be in one piece, or are moved on without a copy.
         */
        public Builder onInput(InputHandler handler) {
            input = Objects.requireNonNull(handler, "handler");
            request = null;
            return this;
        }

        /**
         * The peer has shut down its sending side: every byte it sent has been through a request callback, and no more
         * will come. The connection stays open for writing, and it is up to the callback to see that it is closed:
         * by {@link CallbackConnection#closeAfterWrites}, {@link CallbackConnection#shutdownOutput} (which closes,
         * now that both directions have ended) or {@link CallbackConnection#close}. Without this callback it is closed
         * as soon as everything written before has been sent.
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

        /** The connection is closed; after those added by {@link CallbackConnection#onClose}. */
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
