package io.netpark.simulation.description;

import io.netpark.core.linux.Linux;
import io.netpark.core.sys.Errno;
import io.netpark.simulation.schedule.Appointment;
import io.netpark.simulation.schedule.Timeline;
import org.jspecify.annotations.Nullable;

/** timerfd_create(2), by the clock of the simulation, whichever clock was asked for. */
public final class AlarmTimer extends Description {

    private static final int FLAGS = Linux.TFD_CLOEXEC | Linux.TFD_NONBLOCK;
    private static final int CLOCK_BOOTTIME = 7;

    private final Timeline timeline;
    private @Nullable Appointment next;
    private long due;
    private long period;
    private long expirations;

    public AlarmTimer(Timeline timeline, int clock, int flags) {
        super(O_RDWR, flags);
        if ((flags & ~FLAGS) != 0 || clock != Linux.CLOCK_MONOTONIC && clock != 0 && clock != CLOCK_BOOTTIME) {
            throw new Failure(Errno.EINVAL);
        }
        this.timeline = timeline;
    }

    /** How long it is until it expires next; 0 if it will not. */
    public long remaining() {
        return next == null ? 0 : Math.max(1, due - timeline.clock().nanoTime());
    }

    /** In nanoseconds; 0 for only once. */
    public long period() {
        return period;
    }

    /**
     * timerfd_settime(2).
     *
     * @param first when it expires, an instant of the clock
     */
    public void arm(long first, long period) {
        disarm();
        this.period = period;
        appoint(first);
    }

    /** Forgets what has expired as well. */
    public void disarm() {
        if (next != null) {
            next.cancel();
            next = null;
        }
        period = 0;
        expirations = 0;
    }

    private void appoint(long instant) {
        due = instant;
        next = timeline.at(instant, this::expire);
    }

    private void expire() {
        next = null;
        expirations++;
        if (period > 0) {
            long missed = Math.max(0, (timeline.clock().nanoTime() - due) / period); // all at once, however far time has moved
            expirations += missed;
            appoint(due + (missed + 1) * period);
        }
        waiters().wake(Linux.EPOLLIN);
    }

    @Override
    public int readiness() {
        return expirations > 0 ? Linux.EPOLLIN : 0;
    }

    @Override
    public int read(IoVector into) {
        if (into.remaining() < Long.BYTES) {
            throw new Failure(Errno.EINVAL);
        }
        if (expirations == 0) {
            throw new Failure(Errno.EAGAIN);
        }
        Words.put(into, expirations);
        expirations = 0;
        return Long.BYTES;
    }

    @Override
    protected void closed() {
        disarm();
    }
}
