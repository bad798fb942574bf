package io.netpark.core.linux;

import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

/**
 * Layout of {@code struct timespec} on a 64-bit kernel: {@code long tv_sec; long tv_nsec}.
 *
 * <p>For Netpark's own adapters.
 */
public final class Timespec {

    /** Its size in bytes. */
    public static final int SIZE = 16;

    private static final long NANOS_A_SECOND = TimeUnit.SECONDS.toNanos(1);

    private Timespec() {}

    /** Writes a non-negative duration. */
    public static void write(ByteBuffer memory, int offset, long nanos) {
        memory.putLong(offset, nanos / NANOS_A_SECOND);
        memory.putLong(offset + 8, nanos % NANOS_A_SECOND);
    }

    /** Writes a non-negative duration of any length. */
    static void write(ByteBuffer memory, int offset, Duration duration) {
        memory.putLong(offset, duration.getSeconds());
        memory.putLong(offset + 8, duration.getNano());
    }
}
