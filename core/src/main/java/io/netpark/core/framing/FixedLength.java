package io.netpark.core.framing;

import io.netpark.core.buffer.BufferReader;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/** Messages of one length; see {@link Framing#fixedLength}. */
record FixedLength(int length) implements Framing {

    FixedLength {
        Limit.positive(length, "length of a message");
    }

    @Override
    public int longest() {
        return length;
    }

    @Override
    public @Nullable ByteBuffer take(BufferReader in) {
        return in.available() < length ? null : in.next(length);
    }
}
