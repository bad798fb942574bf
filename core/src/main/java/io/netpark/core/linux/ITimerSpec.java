package io.netpark.core.linux;

import java.nio.ByteBuffer;
import java.time.Duration;

/** Layout of {@code struct itimerspec}: the {@link Timespec} of the period, then that of the first time. */
public final class ITimerSpec {

    /** Its size in bytes. */
    public static final int SIZE = 2 * Timespec.SIZE;

    private ITimerSpec() {}

    /** Writes non-negative durations. A first time of 0 disarms the timer, a period of 0 means only once. */
    public static void write(ByteBuffer memory, int offset, Duration first, Duration period) {
        Timespec.write(memory, offset, period);
        Timespec.write(memory, offset + Timespec.SIZE, first);
    }
}
