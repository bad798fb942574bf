package io.netpark.callback.messages;

import io.netpark.core.net.messages.MessageBatch;
import io.netpark.core.net.options.NetOptions;
import java.util.Objects;

/**
 * What message sockets do: their callbacks, and how much they receive and keep. Immutable; any number of sockets can share one,
 * and then share the memory that they receive into, one batch a loop.
 */
public final class MessageCallbacks {

    final MessageSocketHandler open;
    final MessageHandler message;
    final MessageSocketHandler writable;
    final MessageErrorHandler error;
    final MessageCloseHandler close;
    final NetOptions options;
    final int pendingLimit;
    /** An event loop's own. Nothing is in it but during a turn of a socket. */
    private final ThreadLocal<MessageBatch> batch;

    private MessageCallbacks(Builder builder) {
        open = builder.open;
        message = builder.message;
        writable = builder.writable;
        error = builder.error;
        close = builder.close;
        options = builder.options;
        pendingLimit = builder.pendingLimit;
        int count = builder.batchCount;
        int size = builder.messageSize;
        batch = ThreadLocal.withInitial(() -> new MessageBatch(count, size));
    }

    /** Callbacks that do nothing unless told otherwise. */
    public static Builder builder() {
        return new Builder();
    }

    MessageBatch batch() {
        return batch.get();
    }

    /** Makes {@link MessageCallbacks}. NOT thread safe. */
    public static final class Builder {

        private MessageSocketHandler open = socket -> {};
        private MessageHandler message = (socket, message) -> {};
        private MessageSocketHandler writable = socket -> {};
        private MessageErrorHandler error = (socket, cause) -> {};
        private MessageCloseHandler close = (socket, cause) -> {};
        private NetOptions options = NetOptions.DEFAULT;
        private int batchCount = 32;
        private int messageSize = 2048;
        private int pendingLimit = 256;

        private Builder() {}

        /** Called first, once: the socket is bound, connected, or accepted. */
        public Builder onOpen(MessageSocketHandler handler) {
            open = Objects.requireNonNull(handler, "handler");
            return this;
        }

        /** Called for each message. */
        public Builder onMessage(MessageHandler handler) {
            message = Objects.requireNonNull(handler, "handler");
            return this;
        }

        /** Called when messages were pending, or have been dropped, and none is pending any more. */
        public Builder onWritable(MessageSocketHandler handler) {
            writable = Objects.requireNonNull(handler, "handler");
            return this;
        }

        /**
         * Called for what goes wrong without ending the socket. Without this it is ignored: a message that does not arrive is in the
         * nature of datagrams.
         */
        public Builder onError(MessageErrorHandler handler) {
            error = Objects.requireNonNull(handler, "handler");
            return this;
        }

        /** Called last, once. */
        public Builder onClose(MessageCloseHandler handler) {
            close = Objects.requireNonNull(handler, "handler");
            return this;
        }

        /** Options of the sockets. The default is {@link NetOptions#DEFAULT}, as far as they apply to messages. */
        public Builder options(NetOptions options) {
            this.options = Objects.requireNonNull(options, "options");
            return this;
        }

        /**
         * How much is received by one system call; after a few of those other sockets have their turn. The default is 32 messages of
         * 2048 bytes: raise the size for longer datagrams, or they are truncated. It costs {@code count * size} bytes a loop.
         *
         * @param count 1 to 1024
         * @param size bytes of a message, at least 1
         * @throws IllegalArgumentException as {@link MessageBatch#MessageBatch}
         */
        public Builder receive(int count, int size) {
            if (count < 1 || count > 1024 || size < 1) {
                throw new IllegalArgumentException("1 to 1024 messages of at least 1 byte, not " + count + " of " + size);
            }
            batchCount = count;
            messageSize = size;
            return this;
        }

        /**
         * How many messages of a socket may wait for the kernel to take them. More are dropped, and counted: see
         * {@link CallbackMessages#send}. The default is 256; 0 drops whatever cannot be sent at once.
         */
        public Builder pendingLimit(int messages) {
            if (messages < 0) {
                throw new IllegalArgumentException("a limit cannot be negative: " + messages);
            }
            pendingLimit = messages;
            return this;
        }

        /** Callbacks as described. */
        public MessageCallbacks build() {
            return new MessageCallbacks(this);
        }
    }
}
