package io.netpark.callback.lifecycle;

import io.netpark.callback.output.OutputQueue;
import io.netpark.core.buffer.LinkBuffer;
import io.netpark.core.net.transfer.Transfer;
import org.jspecify.annotations.Nullable;

/** One direction of a {@link Copying}: the two connections, and what has been read ahead. */
final class OneWay {
    final Lifecycle source;
    final Lifecycle target;
    /** What callbacks of the source have left unread; at the end, what the source gets back. */
    final LinkBuffer ahead;
    @Nullable Transfer transfer;
    /** It ended in the midst of bytes. */
    boolean interrupted;
    /** Its source's input is here. On the loop of that. */
    boolean hasInput;
    /** Its target's output is here. On the loop of that. */
    boolean hasOutput;

    OneWay(Lifecycle source, Lifecycle target) {
        this.source = source;
        this.target = target;
        this.ahead = target.limits().newBuffer();
    }

    long copied() {
        return transfer == null ? 0 : transfer.copied();
    }

    long lost() {
        return transfer == null ? 0 : transfer.lost();
    }

    /** Bytes that the target has not taken come first again when the source goes on: after those that are ahead, if any are. */
    void left(LinkBuffer bytes) {
        interrupted = true;
        OutputQueue.move(bytes, ahead);
    }
}
