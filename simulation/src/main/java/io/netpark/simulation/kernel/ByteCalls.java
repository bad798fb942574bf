package io.netpark.simulation.kernel;

import io.netpark.core.linux.Linux;
import io.netpark.core.sys.Errno;
import io.netpark.simulation.description.AlarmTimer;
import io.netpark.simulation.description.Description;
import io.netpark.simulation.description.EventCounter;
import io.netpark.simulation.description.Failure;
import io.netpark.simulation.description.IoVector;
import io.netpark.simulation.description.Pipe;
import io.netpark.simulation.description.PipeEnd;
import io.netpark.simulation.description.UserMemory;
import io.netpark.simulation.schedule.Timeline;
import java.nio.ByteBuffer;
import java.util.concurrent.TimeUnit;

/** The calls on descriptors of any kind, and those that make pipes, counters and timers. */
final class ByteCalls {

    private static final int F_DUPFD = 0;
    private static final int TIMER_ABSTIME = 1;
    private static final long NANOS_A_SECOND = TimeUnit.SECONDS.toNanos(1);

    private final DescriptorTable table;
    private final Waiting waiting;
    private final Timeline timeline;

    ByteCalls(DescriptorTable table, Waiting waiting, Timeline timeline) {
        this.table = table;
        this.waiting = waiting;
        this.timeline = timeline;
    }

    int read(int fd, IoVector into) {
        Description description = table.get(fd);
        description.requireReadable();
        return waiting.until(description, !description.isNonBlocking(), () -> description.read(into));
    }

    int write(int fd, IoVector from) {
        Description description = table.get(fd);
        description.requireWritable();
        return waiting.all(description, from, !description.isNonBlocking(), () -> description.write(from));
    }

    int fcntl(int fd, int command, int argument) {
        Description description = table.get(fd);
        return switch (command) {
            case Linux.F_GETFD -> table.isCloseOnExec(fd) ? Linux.FD_CLOEXEC : 0;
            case Linux.F_SETFD -> {
                table.setCloseOnExec(fd, (argument & Linux.FD_CLOEXEC) != 0);
                yield 0;
            }
            case Linux.F_GETFL -> description.flags();
            case Linux.F_SETFL -> {
                description.setFlags(argument);
                yield 0;
            }
            case F_DUPFD, Linux.F_DUPFD_CLOEXEC -> table.duplicate(description, argument, command != F_DUPFD);
            case Linux.F_GETPIPE_SZ -> pipe(fd).capacity();
            case Linux.F_SETPIPE_SZ -> pipe(fd).resize(argument);
            default -> throw new Failure(Errno.EINVAL);
        };
    }

    private PipeEnd pipe(int fd) {
        return table.get(fd, PipeEnd.class, Errno.EBADF);
    }

    int pipe(long fds, int flags) {
        ByteBuffer numbers = UserMemory.at(fds, 2 * Integer.BYTES);
        table.requireNumbers(2);
        table.requireFiles(2, Errno.ENFILE);
        Pipe pipe = new Pipe(flags);
        boolean closeOnExec = (flags & Linux.O_CLOEXEC) != 0;
        numbers.putInt(0, table.open(closeOnExec, Errno.ENFILE, pipe::output));
        numbers.putInt(4, table.open(closeOnExec, Errno.ENFILE, pipe::input));
        return 0;
    }

    int eventfd(int initial, int flags) {
        return table.open((flags & Linux.EFD_CLOEXEC) != 0, Errno.ENOMEM, () -> new EventCounter(initial, flags));
    }

    int timer(int clock, int flags) {
        return table.open((flags & Linux.TFD_CLOEXEC) != 0, Errno.ENOMEM, () -> new AlarmTimer(timeline, clock, flags));
    }

    /** timerfd_settime(2): a period and a first time, in seconds and nanoseconds each. */
    int setTimer(int fd, int flags, long value, long old) {
        ByteBuffer memory = UserMemory.at(value, 4 * Long.BYTES);
        AlarmTimer timer = table.get(fd, AlarmTimer.class, Errno.EINVAL);
        if ((flags & ~TIMER_ABSTIME) != 0) {
            throw new Failure(Errno.EINVAL);
        }
        long period = nanos(memory, 0);
        long first = nanos(memory, 2 * Long.BYTES);
        if (old != 0) {
            ByteBuffer before = UserMemory.at(old, 4 * Long.BYTES);
            put(before, 0, timer.period());
            put(before, 2 * Long.BYTES, timer.remaining());
        }
        if (first == 0) {
            timer.disarm();
        } else {
            timer.arm(flags == 0 ? timeline.clock().after(first) : first, period);
        }
        return 0;
    }

    private static long nanos(ByteBuffer memory, int offset) {
        long seconds = memory.getLong(offset);
        long nanos = memory.getLong(offset + Long.BYTES);
        if (seconds < 0 || nanos < 0 || nanos >= NANOS_A_SECOND) {
            throw new Failure(Errno.EINVAL);
        }
        return seconds > Long.MAX_VALUE / NANOS_A_SECOND - 1 ? Long.MAX_VALUE : seconds * NANOS_A_SECOND + nanos;
    }

    private static void put(ByteBuffer memory, int offset, long nanos) {
        memory.putLong(offset, nanos / NANOS_A_SECOND);
        memory.putLong(offset + Long.BYTES, nanos % NANOS_A_SECOND);
    }
}
