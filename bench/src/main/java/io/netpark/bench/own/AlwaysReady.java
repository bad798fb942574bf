package io.netpark.bench.own;

import io.netpark.core.linux.EpollEvent;
import io.netpark.core.sys.Errno;
import io.netpark.core.sys.LibC;
import java.util.Arrays;
import java.util.concurrent.CountDownLatch;

/**
 * A C library without a kernel, for accepted connections: as long as there is work, each has a request whenever the loop asks, and takes any
 * answer. A call is a few fields, so what remains is what the library itself costs. Everything else, and what happens when there is no
 * work, is the business of another C library.
 *
 * <p>It is the loop's thread that calls, and nobody but {@link #answered} reads meanwhile.
 */
final class AlwaysReady extends Forwarding {

    private static final int DESCRIPTORS = 4096;
    private static final int EPOLL_CTL_DEL = 2;
    private static final int EPOLLIN = 1;
    private static final int TOKEN = EpollEvent.SIZE - Long.BYTES;
    private static final int IOV = 16; // of a msghdr
    private static final int IOVLEN = 24;

    private final byte[] head;
    private final int length;

    private final int[] connections = new int[DESCRIPTORS];
    private volatile int count;
    private final boolean[] accepted = new boolean[DESCRIPTORS];
    private final long[] tokens = new long[DESCRIPTORS];
    private final int[] unread = new int[DESCRIPTORS];

    private int next;
    private long remaining;
    private long answered;
    private CountDownLatch done = new CountDownLatch(0);

    /**
     * Makes one.
     *
     * @param below has the descriptors
     * @param head the bytes that a request begins with; the others are whatever is in the memory
     * @param length of a request in bytes
     */
    AlwaysReady(LibC below, byte[] head, int length) {
        super(below);
        this.head = head;
        this.length = length;
    }

    /** How many connections there are. */
    int connections() {
        return count;
    }

    /** From now on there are requests. On the loop's thread. */
    void begin(long requests, CountDownLatch done) {
        answered = 0;
        remaining = requests;
        this.done = done;
    }

    /** How many bytes were answered since the last work began. After the latch. */
    long answered() {
        return answered;
    }

    @Override
    public int accept4(int fd, long sockaddr, long lengthAddress, int flags) {
        int connection = super.accept4(fd, sockaddr, lengthAddress, flags);
        if (connection >= 0) {
            accepted[connection] = true;
            connections[count] = connection;
            count = count + 1; // by one thread
        }
        return connection;
    }

    @Override
    public int epollCtl(int epfd, int operation, int fd, long event) {
        if (accepted[fd] && operation != EPOLL_CTL_DEL) {
            tokens[fd] = RawMemory.getLong(event + TOKEN);
        }
        return super.epollCtl(epfd, operation, fd, event);
    }

    @Override
    public int epollWait(int epfd, long events, int capacity, int timeoutMillis) {
        return remaining > 0 ? requests(events, capacity) : rest() ? 0 : super.epollWait(epfd, events, capacity, timeoutMillis);
    }

    @Override
    public int epollPwait2(int epfd, long events, int capacity, long timespec) {
        return remaining > 0 ? requests(events, capacity) : rest() ? 0 : super.epollPwait2(epfd, events, capacity, timespec);
    }

    private int requests(long events, int capacity) {
        int ready = (int) Math.min(Math.min(capacity, count), remaining);
        for (int i = 0; i < ready; i++) {
            int fd = connections[next];
            next = next + 1 == count ? 0 : next + 1;
            unread[fd] = length;
            RawMemory.putInt(events + (long) i * EpollEvent.SIZE, EPOLLIN);
            RawMemory.putLong(events + (long) i * EpollEvent.SIZE + TOKEN, tokens[fd]);
        }
        remaining -= ready;
        return ready;
    }

    /** Says that the work is over, once. */
    private boolean rest() {
        CountDownLatch done = this.done;
        if (done.getCount() == 0) {
            return false;
        }
        done.countDown();
        return true;
    }

    @Override
    public long recv(int fd, long address, long length, int flags) {
        if (!accepted[fd]) {
            return super.recv(fd, address, length, flags);
        }
        int left = unread[fd];
        if (left == 0) {
            return -Errno.EAGAIN;
        }
        int taken = (int) Math.min(left, length);
        int begin = this.length - left;
        if (begin < head.length) {
            RawMemory.put(address, head, begin, Math.min(head.length - begin, taken));
        }
        unread[fd] = left - taken;
        return taken;
    }

    @Override
    public long send(int fd, long address, long length, int flags) {
        if (!accepted[fd]) {
            return super.send(fd, address, length, flags);
        }
        answered += length;
        return length;
    }

    @Override
    public long sendmsg(int fd, long msghdr, int flags) {
        if (!accepted[fd]) {
            return super.sendmsg(fd, msghdr, flags);
        }
        long vector = RawMemory.getLong(msghdr + IOV);
        long count = RawMemory.getLong(msghdr + IOVLEN);
        long length = 0;
        for (int i = 0; i < count; i++) {
            length += RawMemory.getLong(vector + 16L * i + Long.BYTES);
        }
        answered += length;
        return length;
    }

    @Override
    public String toString() {
        return "without a kernel, for " + count + " connections: " + Arrays.toString(Arrays.copyOf(connections, Math.min(count, 5)));
    }
}
