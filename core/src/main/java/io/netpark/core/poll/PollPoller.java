package io.netpark.core.poll;

import io.netpark.core.sys.Errno;
import io.netpark.core.sys.LibC;
import io.netpark.core.sys.Linux;
import io.netpark.core.sys.NativeMemory;
import io.netpark.core.sys.NetparkException;
import io.netpark.core.sys.PollFd;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
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

    private NativeMemory fds = NativeMemory.allocate(64 * PollFd.SIZE);
    private final List<Watch> polled = new ArrayList<>();
    private long[] tokens = new long[64];
    private int[] readiness = new int[64];

    private PollPoller(LibC libc, WakeupEvent wakeup) {
        this.libc = libc;
        this.wakeup = wakeup;
    }

    static PollPoller open(LibC libc) throws NetparkException {
        return new PollPoller(libc, WakeupEvent.open(libc));
    }

    @Override
    public void add(int fd, Pollable pollable, int interest) throws NetparkException {
        int flags = libc.fcntl(fd, Linux.F_GETFL, 0);
        if (flags < 0) {
            throw NetparkException.of(-flags, "register " + pollable + " with poll");
        }
        synchronized (slots) {
            requireOpen();
            Watch watch = new Watch(fd, slots.add(pollable));
            watch.want(interest);
            watches.put(watch.token, watch);
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
            result = libc.poll(fds.address(), polled.size() + 1, EpollPoller.kernelTimeout(timeoutNanos));
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
        polled.clear();
        for (Watch watch : watches.values()) {
            if (!watch.silent()) { // error and hang-up cannot be masked, and would be reported for ever
                polled.add(watch);
            }
        }
        if (fds.size() < (polled.size() + 1) * PollFd.SIZE) {
            fds = NativeMemory.allocate((polled.size() + 1) * 2 * PollFd.SIZE);
        }
        PollFd.write(fds.buffer(), 0, wakeup.fd(), Linux.EPOLLIN);
        for (int i = 0; i < polled.size(); i++) {
            PollFd.write(fds.buffer(), i + 1, polled.get(i).fd, polled.get(i).asked);
        }
    }

    private int collect() {
        if (PollFd.readiness(fds.buffer(), 0) != 0) {
            wakeup.drain();
        }
        int found = 0;
        for (int i = 0; i < polled.size(); i++) {
            int reported = PollFd.readiness(fds.buffer(), i + 1);
            Watch watch = polled.get(i);
            if (reported == 0 || (reported & Linux.POLLNVAL) != 0) {
                continue; // closed between the copy and the wait; its removal is on the way
            }
            if (found == tokens.length) {
                tokens = Arrays.copyOf(tokens, found * 2);
                readiness = Arrays.copyOf(readiness, found * 2);
            }
            if ((watch.mode & Interest.ONE_SHOT) != 0) {
                watch.asked = 0;
            } else if ((watch.mode & Interest.EDGE) != 0) {
                watch.asked &= ~answered(reported);
            }
            tokens[found] = watch.token;
            readiness[found++] = reported;
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
        return slots.get(tokens[i]);
    }

    @Override
    public int readiness(int i) {
        return readiness[i];
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
