package io.netpark.simulation.kernel;

import io.netpark.core.linux.EpollEvent;
import io.netpark.core.linux.Linux;
import io.netpark.core.linux.PollFd;
import io.netpark.core.sys.Due;
import io.netpark.core.sys.Errno;
import io.netpark.simulation.description.Description;
import io.netpark.simulation.description.Failure;
import io.netpark.simulation.description.UserMemory;
import io.netpark.simulation.poll.Epoll;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** The calls that tell what is ready. */
final class ReadinessCalls {

    private static final int ALWAYS = Linux.EPOLLERR | Linux.EPOLLHUP;
    /** Offsets in struct pollfd, which {@link PollFd} writes. */
    private static final int EVENTS = 4;
    private static final int REPORTED = 6;

    private final DescriptorTable table;
    private final Waiting waiting;

    ReadinessCalls(DescriptorTable table, Waiting waiting) {
        this.table = table;
        this.waiting = waiting;
    }

    int create(int flags) {
        return table.open((flags & Linux.EPOLL_CLOEXEC) != 0, Errno.ENOMEM, () -> new Epoll(flags));
    }

    int control(int epfd, int operation, int fd, long event) {
        int events = 0;
        long data = 0;
        if (operation != Linux.EPOLL_CTL_DEL) {
            ByteBuffer memory = UserMemory.at(event, EpollEvent.SIZE);
            events = EpollEvent.readiness(memory, 0);
            data = EpollEvent.data(memory, 0);
        }
        Description epoll = table.get(epfd);
        Description description = table.get(fd);
        if (!description.isPollable()) {
            throw new Failure(Errno.EPERM);
        }
        if (!(epoll instanceof Epoll instance)) {
            throw new Failure(Errno.EINVAL);
        }
        instance.control(operation, description, fd, events, data);
        return 0;
    }

    /** @param nanos 0 not to wait, {@link Due#FOREVER} to wait without end */
    int await(int epfd, long events, int capacity, long nanos) {
        if (capacity <= 0) {
            throw new Failure(Errno.EINVAL);
        }
        Epoll epoll = table.get(epfd, Epoll.class, Errno.EINVAL);
        ByteBuffer memory = UserMemory.at(events, (long) capacity * EpollEvent.SIZE);
        return Math.max(0, waiting.until(List.of(epoll), nanos, () -> {
            int found = epoll.collect(memory, capacity);
            return found == 0 ? Waiting.NOT_YET : found;
        }));
    }

    /** As epoll_wait(2) and poll(2) have it. */
    static long nanosOfMillis(int millis) {
        return millis < 0 ? Due.FOREVER : TimeUnit.MILLISECONDS.toNanos(millis);
    }

    /** As epoll_pwait2(2) has it. */
    static long nanosAt(long timespec) {
        if (timespec == 0) {
            return Due.FOREVER;
        }
        ByteBuffer memory = UserMemory.at(timespec, 2 * Long.BYTES);
        long seconds = memory.getLong(0);
        long nanos = memory.getLong(Long.BYTES);
        if (seconds < 0 || nanos < 0 || nanos >= TimeUnit.SECONDS.toNanos(1)) {
            throw new Failure(Errno.EINVAL);
        }
        return seconds > TimeUnit.DAYS.toSeconds(36_500) ? Due.FOREVER : TimeUnit.SECONDS.toNanos(seconds) + nanos;
    }

    int poll(long pollfds, long count, long nanos) {
        ByteBuffer array = UserMemory.at(pollfds, count * PollFd.SIZE);
        List<@Nullable Description> all = new ArrayList<>();
        List<Description> open = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            Description description = find(array.getInt(i * PollFd.SIZE));
            all.add(description);
            if (description != null) {
                open.add(description);
            }
        }
        return Math.max(0, waiting.until(open, nanos, () -> {
            int found = report(array, all);
            return found == 0 ? Waiting.NOT_YET : found;
        }));
    }

    private @Nullable Description find(int fd) {
        try {
            return fd < 0 ? null : table.get(fd);
        } catch (Failure closed) {
            return null;
        }
    }

    private static int report(ByteBuffer array, List<@Nullable Description> all) {
        int found = 0;
        for (int i = 0; i < all.size(); i++) {
            int at = i * PollFd.SIZE;
            Description description = all.get(i);
            int ready = description != null ? description.readiness() & (array.getShort(at + EVENTS) | ALWAYS)
                    : array.getInt(at) < 0 ? 0 : Linux.POLLNVAL;
            array.putShort(at + REPORTED, (short) ready);
            found += ready != 0 ? 1 : 0;
        }
        return found;
    }
}
