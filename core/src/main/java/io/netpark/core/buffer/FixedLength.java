package io.netpark.core.buffer;

import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/** Messages of one length; see {@link Framing#fixedLength}. */
record FixedLength(int length) implements Framing {

    FixedLength {
        positive(length, "length of a message");
    }

    static int positive(int number, String what) {
        if (number < 1) {
            throw new IllegalArgumentException("the " + what + " must be positive, not " + number);
        }
        return number;
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
