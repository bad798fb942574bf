package io.netpark.callback.output;

import io.netpark.core.buffer.LinkBuffer;

/** Something in an {@link OutputQueue} that is no bytes in memory, and the bytes that come after it. NOT thread safe. */
abstract sealed class Queued permits QueuedFile, QueuedLoan {

    final LinkBuffer after;

    Queued(LinkBuffer after) {
        this.after = after;
    }

    void close() {
        after.close();
    }
}
