package io.netpark.callback;

import io.netpark.callback.delivery.Receiver;
import io.netpark.core.framing.Framing;
import java.util.ArrayList;
import java.util.List;
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
 *
 * <p>What arrives goes to one callback: of requests, of input or of messages. A server needs one of these, or to be told that it is to
 * {@linkplain Builder#ignoreInput ignore its input}; a connection that is dialed may be there to be written to only, and without
 * such a callback what arrives is dropped.
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
    final @Nullable FailureHandler failure;
    private final boolean ignoresInput;

    private Callbacks(Builder builder) {
        prepare = builder.prepare;
        connect = builder.connect;
        receiver = builder.receiver();
        ignoresInput = builder.ignoresInput;
        halfClose = builder.halfClose;
        writable = builder.writable;
        disconnect = builder.disconnect;
        close = builder.close;
        failure = builder.failure;
    }

    boolean hasConnect() {
        return connect != NOTHING;
    }

    boolean hasWritable() {
        return writable != NOTHING;
    }

    /** Whether it has been decided what becomes of what arrives. */
    boolean hasReceiver() {
        return !receiver.isNobody() || ignoresInput;
    }

    /** These, to be changed. */
    Builder toBuilder() {
        return new Builder(this);
    }

    /** None yet. */
    public static Builder builder() {
        return new Builder();
    }

    /** Collects callbacks; of each kind the last one given counts. NOT thread safe. */
    public static final class Builder {

        private @Nullable PrepareHandler prepare;
        private ConnectionHandler connect = NOTHING;
        private @Nullable RequestHandler request;
        private @Nullable InputHandler input;
        private BoundCallbacks.@Nullable Framed framed;
        private boolean ignoresInput;
        private @Nullable ConnectionHandler halfClose;
        private ConnectionHandler writable = NOTHING;
        private CloseHandler disconnect = (connection, cause) -> {};
        private CloseHandler close = (connection, cause) -> {};
        private @Nullable FailureHandler failure;

        private Builder() {}

        private Builder(Callbacks from) {
            prepare = from.prepare;
            connect = from.connect;
            Object handler = from.receiver.handler();
            request = from.receiver.takesRequests() ? (RequestHandler) handler : null;
            framed = handler instanceof BoundCallbacks.Framed given ? given : null;
            input = framed == null && from.receiver.takesInput() ? (InputHandler) handler : null;
            ignoresInput = from.ignoresInput;
            halfClose = from.halfClose;
            writable = from.writable;
            disconnect = from.disconnect;
            close = from.close;
            failure = from.failure;
        }

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

        /** Bytes have arrived: as many as have come, which may be a part of a message, or several. */
        public Builder onRequest(RequestHandler handler) {
            request = Objects.requireNonNull(handler, "handler");
            return this;
        }

        /**
         * Bytes have arrived: as {@link #onRequest}, and instead of it, with a reader that parses them where they lie. For
         * messages that need not be in one piece, or are moved on without a copy.
         */
        public Builder onInput(InputHandler handler) {
            input = Objects.requireNonNull(handler, "handler");
            return this;
        }

        /**
         * A whole message has arrived: instead of {@link #onRequest}, for a protocol of which a {@link Framing} knows where a message
         * ends.
         *
         * <p>Each message is one call, in order. A message that is too long closes the connection with
         * {@link io.netpark.core.sys.NetparkException.LimitExceeded}, and a stream that ends within a message with
         * {@link io.netpark.core.sys.NetparkException.Truncated}. No further message is handed on while more than the
         * {@linkplain CallbackServer.Builder#highWaterMark high-water mark} of output is pending, while reading is paused, and when
         * the callback has closed, replaced its callback or begun a copy: what has come by then stays unread.
         */
        public Builder onMessage(Framing framing, FramedMessageHandler handler) {
            framed = new BoundCallbacks.Framed(
                    Objects.requireNonNull(framing, "framing"), Objects.requireNonNull(handler, "handler"));
            return this;
        }

        /**
         * What arrives is read and dropped, on purpose: for a server that only sends, or whose connections are copied or relayed to
         * others.
         */
        public Builder ignoreInput() {
            ignoresInput = true;
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

        /**
         * Something has gone wrong. What the peer does to its connection (a reset, any timeout, a stream that ends in the midst of
         * something, more than a limit allows) is counted and told here. What a callback throws otherwise is told here instead of being
         * reported. Without this callback the former is counted only, and the latter reported to the
         * {@linkplain io.netpark.core.report.Reporter reporter}. The connection is closed in either case, unless it was a close callback
         * that threw; this comes before disconnect and close.
         */
        public Builder onFailure(FailureHandler handler) {
            failure = Objects.requireNonNull(handler, "handler");
            return this;
        }

        /**
         * The callbacks collected so far.
         *
         * @throws IllegalStateException if there are several for what arrives
         */
        public Callbacks build() {
            return new Callbacks(this);
        }

        private Receiver receiver() {
            List<String> several = new ArrayList<>();
            if (request != null) {
                several.add("onRequest");
            }
            if (input != null) {
                several.add("onInput");
            }
            if (framed != null) {
                several.add("onMessage");
            }
            if (ignoresInput) {
                several.add("ignoreInput");
            }
            if (several.size() > 1) {
                throw new IllegalStateException("what arrives goes to one callback, and there are several: "
                        + String.join(", ", several) + "; leave all but one of them out");
            }
            if (request != null) {
                return BoundCallbacks.ofRequests(request);
            }
            InputHandler taker = framed != null ? framed : input;
            return taker == null ? Receiver.NOBODY : BoundCallbacks.ofInput(taker);
        }
    }
}
