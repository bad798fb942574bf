package io.netpark.core.framing;

import io.netpark.core.buffer.BufferReader;
import io.netpark.core.sys.NetparkException;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/** Messages that end with LF or CRLF; see {@link Framing#lines}. */
record Lines(int limit) implements Framing {

    Lines {
        Limit.positive(limit, "limit of a line");
    }

    @Override
    public int longest() {
        return (int) Math.min(Integer.MAX_VALUE, limit + 2L);
    }

    @Override
    public @Nullable ByteBuffer take(BufferReader in) throws NetparkException.LimitExceeded {
        long index = in.indexOf((byte) '\n');
        long end = index < 0 ? in.available() : index;
        boolean carriageReturn = end > 0 && in.getByte(end - 1) == '\r';
        long length = carriageReturn ? end - 1 : end;
        Limit.check(length, limit, "the end of a line");
        if (index < 0) {
            return null;
        }
        ByteBuffer line = in.next((int) length);
        in.skip(carriageReturn ? 2 : 1);
        return line;
    }
}
