package io.netpark.core.poll;

import io.netpark.core.linux.Linux;
import io.netpark.core.linux.PollFd;
import io.netpark.core.memory.NativeMemory;
import io.netpark.core.sys.Errno;
import io.netpark.core.sys.LibC;
import io.netpark.core.sys.NetparkException;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * {@link Poller} on poll(2). The whole set is handed to the kernel at every wait, so the cost grows with the number of
 * descriptors watched and not with that of the ready ones: here to compare with, and as proof that nothing above
 * depends on epoll.
 *
 * <p>poll(2) is level-triggered. An {@link Interest#EDGE} registration is imitated: it asks for a direction only
 * between {@link #arm} and the report that follows.
 */
final class PollPoller extends Poller {

    /** What the kernel is asked about one descriptor. Guarded by {@link #slots}. */
    private static final class Watch {
        final int fd;
        final long token;
        int mode;
        int asked;

        Watch(int fd, long token) {
            this.fd = fd;
            this.token = token;
        }

        void want(int interest) {
            mode = interest & (Interest.EDGE | Interest.ONE_SHOT);
            asked = (interest & Interest.EDGE) != 0 ? 0 : interest & (Interest.READ | Interest.WRITE);
        }

        /** A one-shot registration that has reported, or an edge-triggered one that nobody waits for. */
        boolean silent() {
            return asked == 0 && mode != 0;
        }
    }

    private final LibC libc;
    private final WakeupEvent wakeup;
    private final Map<Long, Watch> watches = new HashMap<>();
    /** The thread inside {@link #await}: its own changes need no wake-up. */
    private volatile @Nullable Thread waiting;

    /** Room for a wait, and for what it finds. */
    private static final class Room {
        final NativeMemory fds;
        final @Nullable Watch[] polled;
        final long[] tokens;
        final int[] readiness;

        Room(int capacity) {
            fds = NativeMemory.allocate((1 + capacity) * PollFd.SIZE);
            polled = new Watch[capacity];
            tokens = new long[capacity];
            readiness = new int[capacity];
        }

        int capacity() {
            return polled.length;
        }
    }

    /** The room of the wait that is going on, or was last. */
    private Room room = new Room(64);
    private int polled;
    /** The room of the next wait, for all that are watched. A registration makes it, as a wait without memory would be deaf. */
    private Room wanted = room;

    private PollPoller(LibC libc) throws NetparkException {
        this.libc = libc;
        this.wakeup = WakeupEvent.open(libc); // last: nothing may fail with it open
    }

    static PollPoller open(LibC libc) throws NetparkException {
        return new PollPoller(libc);
    }

    @Override
    public void add(int fd, Pollable pollable, int interest) throws NetparkException {
        int flags = libc.fcntl(fd, Linux.F_GETFL, 0);
        if (flags < 0) {
            throw NetparkException.of(-flags, "register " + pollable + " with poll");
        }
        synchronized (slots) {
            requireOpen();
            if (watches.size() == wanted.capacity()) {
                wanted = new Room(wanted.capacity() * 2);
            }
            long token = slots.add(pollable);
            try {
                Watch watch = new Watch(fd, token);
                watch.want(interest);
                watches.put(token, watch);
            } catch (Throwable e) { // no memory
                slots.remove(token);
                throw e;
            }
        }
        changed();
    }

    @Override
    public void modify(int fd, Pollable pollable, int interest) {
        synchronized (slots) {
            Watch watch = watches.get(pollable.token());
            if (watch == null) {
                return;
            }
            watch.want(interest);
        }
        changed();
    }

    @Override
    public void remove(int fd, Pollable pollable) {
        synchronized (slots) {
            long token = pollable.token();
            if (!slots.remove(token)) {
                return;
            }
            watches.remove(token);
        }
        changed(); // so that a wait does not go on with a descriptor about to be closed and used again
    }

    @Override
    public boolean edgeTriggered() {
        return false;
    }

    @Override
    public void arm(int fd, Pollable pollable, int interest) {
        synchronized (slots) {
            Watch watch = watches.get(pollable.token());
            if (watch == null) {
                return;
            }
            watch.asked |= interest & (Interest.READ | Interest.WRITE | Readiness.URGENT);
        }
        changed();
    }

    private void changed() {
        Thread waiter = waiting;
        if (waiter != null && waiter != Thread.currentThread()) {
            wakeup.signal();
        }
    }

    @Override
    public int await(long timeoutNanos) throws NetparkException {
        waiting = Thread.currentThread(); // before the set is copied: a later change signals
        int result;
        try {
            synchronized (slots) {
                copyWatches();
            }
            result = libc.poll(room.fds.address(), polled + 1, EpollPoller.kernelTimeout(timeoutNanos));
        } finally {
            waiting = null;
        }
        if (result < 0) {
            if (result == -Errno.EINTR) {
                return 0;
            }
            throw NetparkException.of(-result, "poll");
        }
        if (result == 0) {
            return 0;
        }
        synchronized (slots) {
            return collect();
        }
    }

    private void copyWatches() {
        room = wanted;
        polled = 0;
        for (Watch watch : watches.values()) {
            if (!watch.silent()) { // error and hang-up cannot be masked, and would be reported for ever
                room.polled[polled++] = watch;
                PollFd.write(room.fds.buffer(), polled, watch.fd, watch.asked);
            }
        }
        PollFd.write(room.fds.buffer(), 0, wakeup.fd(), Linux.EPOLLIN);
    }

    private int collect() {
        if (PollFd.readiness(room.fds.buffer(), 0) != 0) {
            wakeup.drain();
        }
        int found = 0;
        for (int i = 0; i < polled; i++) {
            int seen = PollFd.readiness(room.fds.buffer(), i + 1);
            Watch watch = Objects.requireNonNull(room.polled[i]);
            room.polled[i] = null;
            if ((seen & Linux.POLLNVAL) != 0) {
                continue; // closed between the copy and the wait; its removal is on the way
            }
            int reported = seen & (watch.asked | Readiness.HANGUP | Readiness.ERROR); // the interest may have changed meanwhile
            if (reported == 0) {
                continue;
            }
            if ((watch.mode & Interest.ONE_SHOT) != 0) {
                watch.asked = 0;
            } else if ((watch.mode & Interest.EDGE) != 0) {
                watch.asked &= ~answered(reported);
            }
            room.tokens[found] = watch.token;
            room.readiness[found++] = reported;
        }
        return found;
    }

    /** The directions that a report answers. */
    private static int answered(int reported) {
        return ((reported & Readiness.WAKES_READER) != 0 ? Interest.READ : 0)
                | ((reported & Readiness.WAKES_WRITER) != 0 ? Interest.WRITE : 0)
                | ((reported & (Readiness.URGENT | Readiness.HANGUP | Readiness.ERROR)) != 0 ? Readiness.URGENT : 0);
    }

    @Override
    public @Nullable Pollable pollable(int i) {
        return slots.get(room.tokens[i]);
    }

    @Override
    public int readiness(int i) {
        return room.readiness[i];
    }

    @Override
    public void wakeup() {
        wakeup.signal();
    }

    @Override
    void closeDescriptors() {
        wakeup.close();
    }

    @Override
    public String toString() {
        return "poll";
    }
}
