package io.netpark.core.poll;

import io.netpark.core.linux.EpollEvent;
import io.netpark.core.linux.Linux;
import io.netpark.core.linux.Timespec;
import io.netpark.core.memory.NativeMemory;
import io.netpark.core.sys.Due;
import io.netpark.core.sys.Errno;
import io.netpark.core.sys.LibC;
import io.netpark.core.sys.NetparkException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * {@link Poller} on epoll(7). The event array lives outside the heap and doubles when a wait fills it. The eventfd of
 * {@link #wakeup} is registered edge-triggered and never read: every write is a new edge (mio and Netty do the same),
 * so a wake-up costs one system call and not three.
 */
final class EpollPoller extends Poller {

    /** The token of the eventfd. No slot has it: an index is never negative. */
    private static final long WAKEUP = -1;
    private static final int FIRST_CAPACITY = 128;
    private static final int LAST_CAPACITY = 1 << 16;
    private static final int GROWTH_PAUSE = 1000;
    /** Above this a whole millisecond matters little, and epoll_wait takes its timeout in a register. */
    private static final long MILLIS_SUFFICE = TimeUnit.MILLISECONDS.toNanos(20);

    private final LibC libc;
    private final int epfd;
    private final WakeupEvent wakeup;
    private NativeMemory events = NativeMemory.allocate(FIRST_CAPACITY * EpollEvent.SIZE);
    private int capacity = FIRST_CAPACITY;
    private int found;
    /** Waits that fill the array until it is tried again to make it larger. */
    private int growthPause;
    /** The argument of epoll_ctl; guarded by {@link #slots}. */
    private final NativeMemory controlEvent = NativeMemory.allocate(EpollEvent.SIZE);
    private final NativeMemory timespec = NativeMemory.allocate(Timespec.SIZE);
    private boolean nanosecondWaits = true;

    private EpollPoller(LibC libc, int epfd, WakeupEvent wakeup) {
        this.libc = libc;
        this.epfd = epfd;
        this.wakeup = wakeup;
    }

    static EpollPoller open(LibC libc) throws NetparkException {
        WakeupEvent wakeup = WakeupEvent.open(libc);
        int epfd = -1;
        try {
            epfd = libc.epollCreate(Linux.EPOLL_CLOEXEC);
            if (epfd < 0) {
                throw NetparkException.of(-epfd, "epoll_create1");
            }
            EpollPoller poller = new EpollPoller(libc, epfd, wakeup);
            int result = poller.control(Linux.EPOLL_CTL_ADD, wakeup.fd(), Linux.EPOLLIN | Linux.EPOLLET, WAKEUP);
            if (result < 0) {
                throw NetparkException.of(-result, "epoll_ctl of the wake-up eventfd");
            }
            return poller;
        } catch (Throwable e) { // no memory, say
            wakeup.close();
            if (epfd >= 0) {
                libc.close(epfd);
            }
            throw e;
        }
    }

    @Override
    public void add(int fd, Pollable pollable, int interest) throws NetparkException {
        synchronized (slots) {
            requireOpen();
            long token = slots.add(pollable);
            int result;
            try {
                result = control(Linux.EPOLL_CTL_ADD, fd, interest, token);
            } catch (Throwable e) {
                slots.remove(token);
                throw e;
            }
            if (result < 0) {
                slots.remove(token);
                throw NetparkException.of(-result, "register " + pollable + " with epoll");
            }
        }
    }

    @Override
    public void modify(int fd, Pollable pollable, int interest) throws NetparkException {
        synchronized (slots) {
            long token = pollable.token();
            if (slots.get(token) != pollable) {
                return;
            }
            int result = control(Linux.EPOLL_CTL_MOD, fd, interest, token);
            if (result < 0) {
                throw NetparkException.of(-result, "change the interest in " + pollable);
            }
        }
    }

    @Override
    public void remove(int fd, Pollable pollable) {
        synchronized (slots) {
            if (slots.remove(pollable.token()) && !isClosed()) {
                // Cannot fail for a registered descriptor that is still open, and nothing could be done if it did.
                libc.epollCtl(epfd, Linux.EPOLL_CTL_DEL, fd, 0);
            }
        }
    }

    @Override
    public boolean edgeTriggered() {
        return true;
    }

    @Override
    public void arm(int fd, Pollable pollable, int interest) {
        // Armed for life: an edge-triggered registration reports every change.
    }

    private int control(int operation, int fd, int interest, long token) {
        EpollEvent.write(controlEvent.buffer(), 0, interest, token);
        return libc.epollCtl(epfd, operation, fd, controlEvent.address());
    }

    @Override
    public int await(long timeoutNanos) throws NetparkException {
        if (found == capacity && capacity < LAST_CAPACITY) {
            grow();
        }
        found = 0; // whatever is thrown from here on, the batch is over
        int result = waitFor(timeoutNanos);
        if (result < 0 && result != -Errno.EINTR) {
            throw NetparkException.of(-result, "epoll_wait");
        }
        // A signal ends the wait early: the loop recomputes its timeout, as it does after every wait.
        return found = Math.max(result, 0);
    }

    /** Without memory it stays as it is: what finds no place comes with the next wait. */
    private void grow() {
        if (growthPause > 0) { // asking again and again would cost: for memory outside the heap the JDK collects and waits
            growthPause--;
            return;
        }
        try {
            int larger = capacity * 2;
            events = NativeMemory.allocate(larger * EpollEvent.SIZE);
            capacity = larger; // only now: the kernel writes as much as it is told that there is room for
        } catch (OutOfMemoryError e) {
            growthPause = GROWTH_PAUSE;
        }
    }

    private int waitFor(long timeoutNanos) {
        if (timeoutNanos > 0 && timeoutNanos < MILLIS_SUFFICE && nanosecondWaits) {
            Timespec.write(timespec.buffer(), 0, timeoutNanos);
            int result = libc.epollPwait2(epfd, events.address(), capacity, timespec.address());
            if (result >= 0 || result == -Errno.EINTR) {
                return result;
            }
            // glibc before 2.35, a kernel before 5.11, or a filter of system calls, which may say anything. What is wrong
            // with the poller itself, epoll_wait says, too.
            nanosecondWaits = false;
        }
        return libc.epollWait(epfd, events.address(), capacity, kernelTimeout(timeoutNanos));
    }

    /** Never early: less than a millisecond becomes one. Huge waits are clamped; the loop waits again. */
    static int kernelTimeout(long nanos) {
        return nanos < 0 ? -1 : Due.kernelMillis(nanos);
    }

    @Override
    public @Nullable Pollable pollable(int i) {
        return slots.get(EpollEvent.data(events.buffer(), i));
    }

    @Override
    public int readiness(int i) {
        return EpollEvent.readiness(events.buffer(), i);
    }

    @Override
    public void wakeup() {
        wakeup.signal();
    }

    @Override
    void closeDescriptors() {
        wakeup.close();
        libc.close(epfd);
    }

    @Override
    public String toString() {
        return "epoll";
    }
}
