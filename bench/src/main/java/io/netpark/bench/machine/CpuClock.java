package io.netpark.bench.machine;

import com.sun.jna.Native;
import io.netpark.core.linux.Timespec;
import io.netpark.core.memory.NativeMemory;

/**
 * CPU time of a process, user and system, of all its threads and of those that have ended, to the nanosecond: what
 * clock_getcpuclockid(3) is for. The scheduler's own accounting, not the ticks that /proc/PID/stat counts in.
 */
public final class CpuClock {

    static {
        Native.register(CpuClock.class, "c");
    }

    private CpuClock() {}

    private static native int clock_gettime(int clock, long timespec);

    /** Nanoseconds the process has used since it started. */
    public static long nanos(long pid) {
        NativeMemory timespec = NativeMemory.allocate(Timespec.SIZE);
        int clock = ~(int) pid << 3 | 2; // linux/posix-timers.h: CPUCLOCK_SCHED of a process
        if (clock_gettime(clock, timespec.address()) != 0) {
            throw new BenchFailure("the CPU clock of process " + pid + " cannot be read: it has ended");
        }
        return timespec.buffer().getLong(0) * 1_000_000_000L + timespec.buffer().getLong(8);
    }
}
