package io.netpark.callback.messages;

import io.netpark.core.net.messages.MessageBatch;
import io.netpark.core.net.messages.MessageDescriptor;
import java.net.SocketAddress;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * A message that has come to a {@link CallbackMessages}. Valid until the callback that got it returns; asked afterwards it throws
 * IllegalStateException, as its memory may have a message to another socket by then. NOT thread safe.
 */
public final class Message {

    /** Null when the callback has returned. */
    private @Nullable MessageBatch batch;
    private final int index;

    Message(MessageBatch batch, int index) {
        this.batch = batch;
        this.index = index;
    }

    private MessageBatch batch() {
        MessageBatch valid = batch;
        if (valid == null) {
            throw new IllegalStateException("a message is valid until the callback that got it returns; copy what is wanted longer");
        }
        return valid;
    }

    /** Its callback has returned. */
    void end() {
        batch = null;
    }

    /** Its bytes, a direct buffer: what there was room for. May be empty. */
    public ByteBuffer bytes() {
        return batch().bytes(index);
    }

    /** How many bytes it had when it was sent, also those for which there was no room. */
    public int length() {
        return batch().length(index);
    }

    /** Whether it had more bytes than {@link MessageCallbacks.Builder#receive} makes room for. The rest is lost. */
    public boolean isTruncated() {
        return batch().isTruncated(index);
    }

    /** Who has sent it, to be answered; unnamed for a unix sender that is not bound, and for a peer of {@link MessageDescriptor packets}. */
    public SocketAddress sender() {
        return batch().address(index);
    }

    @Override
    public String toString() {
        return batch == null ? "message whose callback has returned" : "message of " + length() + " bytes from " + sender();
    }
}
