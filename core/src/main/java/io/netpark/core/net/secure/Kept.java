package io.netpark.core.net.secure;

import io.netpark.core.buffer.LinkBuffer;
import io.netpark.core.buffer.SegmentPool;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * Bytes that a connection has to keep until a later operation: the beginning of a record, plaintext for which there was no room, records
 * that the socket did not take. Holds no memory while it is empty. As much as there is is kept, whatever the limit of the pool, because it
 * cannot be refused any more. Its callers see to it that one thread uses it at a time.
 */
final class Kept {

    private @Nullable LinkBuffer bytes;
    private boolean closed;

    int size() {
        LinkBuffer known = bytes;
        return known == null ? 0 : (int) known.available();
    }

    boolean isEmpty() {
        return size() == 0;
    }

    /** Adds all of {@code source}. */
    void put(ByteBuffer source) {
        if (!source.hasRemaining() || closed) {
            return;
        }
        LinkBuffer known = bytes;
        if (known == null) {
            known = bytes = new LinkBuffer(SegmentPool.shared());
        }
        known.putBeyondLimit(source);
    }

    /** Takes as much as there is room for. */
    int take(ByteBuffer target) {
        LinkBuffer known = bytes;
        return known == null || known.available() == 0 ? 0 : known.take(target);
    }

    /** Bytes that lie together from the first one on: where, and how many. */
    long firstAddress() {
        return bytes == null ? 0 : bytes.firstAddress();
    }

    int firstLength() {
        return bytes == null ? 0 : bytes.firstLength();
    }

    @SuppressWarnings("NullAway") // there is something to be skipped
    void skip(long count) {
        bytes.skip(count);
    }

    /** Whether the first record of what is kept is a whole one. */
    boolean hasWholeRecord() {
        LinkBuffer known = bytes;
        if (known == null || known.available() < Record.HEADER) {
            return false;
        }
        int length = Record.HEADER + (known.getByte(3) & 0xFF) * 256 + (known.getByte(4) & 0xFF);
        return length > RecordScratch.MAX_RECORD || known.available() >= length || !Record.isTls(known.getByte(0), known.getByte(1));
    }

    /** Closes it, and gives what there is away. */
    @Nullable LinkBuffer surrender() {
        closed = true;
        LinkBuffer known = isEmpty() ? null : bytes;
        if (known == null) {
            close();
        }
        bytes = null;
        return known;
    }

    void close() {
        closed = true;
        if (bytes != null) {
            bytes.close();
            bytes = null;
        }
    }
}
