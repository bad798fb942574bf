package io.netpark.core.sys;

import io.netpark.core.linux.ITimerSpec;
import io.netpark.core.linux.Linux;
import io.netpark.core.memory.NativeMemory;
import java.time.Duration;

/**
 * A timer as a descriptor (timerfd_create(2)), non-blocking and close-on-exec. It is readable when it has expired and nobody has
 * taken that yet. Any thread may use it.
 *
 * @see OpenDescriptor#timerFd
 */
public final class TimerFd extends OpenDescriptor {

    private static final Duration SHORTEST = Duration.ofNanos(1);

    /** What {@link #arm} writes, and room for what {@link #takeExpirations} reads. Guarded by this. */
    private final NativeMemory memory;

    private TimerFd(LibC libc, int number, NativeMemory memory) {
        super(libc, number);
        this.memory = memory;
    }

    static TimerFd open(LibC libc) throws NetparkException {
        NativeMemory memory = NativeMemory.allocate(ITimerSpec.SIZE + Long.BYTES);
        try (Unowned fresh = new Unowned(libc)) {
            int number = fresh.hold(libc.timerfdCreate(Linux.CLOCK_MONOTONIC, Linux.TFD_NONBLOCK | Linux.TFD_CLOEXEC));
            if (number < 0) {
                throw NetparkException.of(-number, "timerfd_create");
            }
            TimerFd timer = new TimerFd(libc, number, memory);
            fresh.release();
            return timer;
        }
    }

    /**
     * Has it expire once; what was set before, and what has expired and was not taken, is forgotten.
     *
     * @param first after this time; at once if that is zero or less
     * @throws NetparkException.Closed if it is closed
     */
    public void arm(Duration first) throws NetparkException {
        arm(first, Duration.ZERO);
    }

    /**
     * Has it expire again and again; what was set before, and what has expired and was not taken, is forgotten.
     *
     * @param first for the first time after this time; at once if that is zero or less
     * @param period and then each time this has passed; zero for only once
     * @throws IllegalArgumentException if the period is negative
     * @throws NetparkException.Closed if it is closed
     */
    public void arm(Duration first, Duration period) throws NetparkException {
        if (period.isNegative()) {
            throw new IllegalArgumentException("a timer's period is not negative, as " + period + " is; zero means only once");
        }
        set(first.isNegative() || first.isZero() ? SHORTEST : first, period);
    }

    /**
     * Has it expire no more. What has expired and was not taken is forgotten.
     *
     * @throws NetparkException.Closed if it is closed
     */
    public void disarm() throws NetparkException {
        set(Duration.ZERO, Duration.ZERO);
    }

    private synchronized void set(Duration first, Duration period) throws NetparkException {
        ITimerSpec.write(memory.buffer(), 0, first, period);
        int fd = beginUse("arm");
        int result;
        try {
            result = libc().timerfdSettime(fd, 0, memory.address(), 0);
        } finally {
            endUse();
        }
        if (result < 0) {
            throw NetparkException.of(-result, "arm " + this);
        }
    }

    /**
     * Takes what has expired. Never waits.
     *
     * @return how often it has expired since it was armed, or since the last time; 0 if it has not
     * @throws NetparkException.Closed if it is closed
     */
    public synchronized long takeExpirations() throws NetparkException {
        return readInto(memory.address() + ITimerSpec.SIZE, Long.BYTES) < 0 ? 0 : memory.buffer().getLong(ITimerSpec.SIZE);
    }

    @Override
    public String toString() {
        return "timer " + super.toString();
    }
}
