package io.netpark.core.net.zerocopy;

import io.netpark.core.buffer.LinkBuffer;
import io.netpark.core.buffer.Segment;
import io.netpark.core.counting.Counters;
import io.netpark.core.linux.Linux;
import io.netpark.core.linux.MsgHdr;
import io.netpark.core.linux.ZeroCopyNotice;
import io.netpark.core.loop.EventLoop;
import io.netpark.core.loop.Timer;
import io.netpark.core.net.scratch.Scratch;
import io.netpark.core.net.scratch.Vector;
import io.netpark.core.sys.Errno;
import io.netpark.core.sys.LibC;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Collection;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * What the kernel has on loan of one socket: segments that it sends from where they are, each with a reference of its own until a
 * notice on the socket's error queue says that nothing reads from it any more.
 *
 * <p>The kernel numbers the sends that have lent something, and only those, from 0 on for each socket. A notice is about a range
 * of them, mostly the oldest ones. Here they are a ring, an entry for each segment of a send, given back from its head: what a
 * notice overtakes waits for those before.
 *
 * <pre>
 *   head                                   head + size
 *   | send 7, back | 8 | 8 | 9, back | 10 |
 *   `- goes next
 * </pre>
 *
 * <p>The monitor is held from before a send until what it has lent is entered, so that no notice comes too early.
 *
 * <p>For Netpark's own streams.
 */
public final class Loans {

    /** What no notice will tell of any more: never used again, and never freed. */
    private static final Collection<Loans> KEPT = new ConcurrentLinkedQueue<>();

    private final EventLoop loop;
    private final Consumer<Segment> enter = this::enter;
    /** For a poller without edges, where no event tells of notices while no operation is parked. */
    private final @Nullable Timer timer;
    private volatile ZeroCopy how = ZeroCopy.OFF;

    // Guarded by this
    private @Nullable Segment[] segments = new @Nullable Segment[16];
    private int[] sends = new int[16];
    private boolean[] back = new boolean[16];
    private int head;
    private int size;
    /** The number of the next send; it wraps around, as the kernel's does. */
    private int next;
    /** The kernel has refused: nothing is asked for until something comes back. */
    private boolean exhausted;
    /** Sends in a row from which nothing was gained. */
    private int inVain;
    private long lent;
    private long returned;
    private long copied;
    private long refused;

    /** @param look what collects, on the loop, and calls {@link #lookSoon} */
    public Loans(EventLoop loop, Runnable look) {
        this.loop = loop;
        this.timer = loop.poller().edgeTriggered() ? null : loop.newTimer(look);
    }

    /** Sees to it that what comes back is noticed. Not with the monitor. */
    public void lookSoon() {
        if (timer != null && !isEmpty()) {
            timer.arm(loop.clock().after(Lingering.LOOK_NANOS));
        }
    }

    ZeroCopy how() {
        return how;
    }

    public synchronized void set(ZeroCopy how) {
        this.how = how;
        inVain = 0;
        exhausted = false;
    }

    /** Whether so many bytes are worth lending. A hint, without the monitor. */
    public boolean areWorthwhile(long bytes) {
        int threshold = how.threshold();
        return threshold > 0 && bytes >= threshold;
    }

    // Lending

    /**
     * One sendmsg(2) of the first bytes of a buffer, {@code most} of them at most, which are on loan afterwards if there are enough of them in place.
     *
     * @return how many the kernel has taken, or minus errno
     */
    public synchronized long send(LibC libc, int fd, LinkBuffer source, long most) {
        Vector vector = Vector.take();
        try {
            vector.fillForWriting(source, most);
            boolean lending = isAsking() && areWorthwhile(vector.inPlace());
            if (lending) {
                makeRoom(vector.count());
            }
            long result = send(libc, fd, vector, lending ? Linux.MSG_ZEROCOPY : 0);
            if (lending && (result == -Errno.ENOBUFS || Errno.isNotHere(result))) {
                refused();
                lending = false;
                result = send(libc, fd, vector, 0);
            }
            if (result > 0 && lending) {
                next++; // the kernel has counted it, whatever comes now
                lent++;
                source.retainFirst(result, enter);
                Counters counters = loop.counters();
                if (counters != null) {
                    counters.lent();
                }
            }
            return result;
        } finally {
            vector.giveBack();
        }
    }

    private static long send(LibC libc, int fd, Vector vector, int flags) {
        long result;
        do {
            result = libc.sendmsg(fd, vector.message(), flags | Linux.MSG_NOSIGNAL);
        } while (result == -Errno.EINTR);
        return result;
    }

    private boolean isAsking() {
        return inVain < how.patience() && !exhausted;
    }

    private void refused() {
        refused++;
        if (size > 0) {
            exhausted = true;
        } else {
            inVain++; // nothing will come back: the limit is too low for anything
        }
    }

    private void makeRoom(int count) {
        int capacity = segments.length;
        if (size + count <= capacity) {
            return;
        }
        int larger = Integer.highestOneBit(size + count) << 1;
        @Nullable Segment[] grown = new @Nullable Segment[larger];
        int[] grownSends = new int[larger];
        boolean[] grownBack = new boolean[larger];
        for (int i = 0; i < size; i++) {
            int at = at(i);
            grown[i] = segments[at];
            grownSends[i] = sends[at];
            grownBack[i] = back[at];
        }
        segments = grown;
        sends = grownSends;
        back = grownBack;
        head = 0;
    }

    private int at(int i) {
        return head + i & segments.length - 1;
    }

    private void enter(Segment segment) {
        int at = at(size++);
        segments[at] = segment;
        sends[at] = next - 1;
        back[at] = false;
    }

    // Getting back

    public synchronized boolean isEmpty() {
        return size == 0;
    }

    /**
     * Reads the notices that there are, and gives back what they are about. Runs no user code: the owner of a linked buffer is told
     * by a task.
     *
     * @return whether there was one
     */
    public boolean collect(LibC libc, int fd) {
        boolean any = false;
        Scratch scratch = Scratch.take();
        try {
            ByteBuffer memory = scratch.memory();
            while (!isEmpty()) { // so that a queue which must be empty is not asked
                long result;
                do {
                    MsgHdr.write(memory, Scratch.MSGHDR, 0, 0, 0, 0, scratch.address(Scratch.CONTROL), ZeroCopyNotice.ROOM);
                    result = libc.recvmsg(fd, scratch.address(Scratch.MSGHDR), Linux.MSG_ERRQUEUE | Linux.MSG_DONTWAIT);
                } while (result == -Errno.EINTR);
                if (result < 0) {
                    break;
                }
                int notice = ZeroCopyNotice.find(memory, Scratch.CONTROL, MsgHdr.controlLength(memory, Scratch.MSGHDR));
                if (notice >= 0) {
                    any = true;
                    note(ZeroCopyNotice.first(memory, notice), ZeroCopyNotice.last(memory, notice),
                            ZeroCopyNotice.isCopied(memory, notice));
                }
                for (Segment segment; (segment = takeFirst()) != null; ) {
                    giveBack(segment);
                }
            }
        } finally {
            scratch.giveBack();
        }
        return any;
    }

    /** On the loop, so that the owner of a linked buffer is told by a task, and not in the midst of somebody's close or detach. */
    private void giveBack(Segment segment) {
        if (loop.inLoop() || !loop.tryWake(segment::release)) {
            segment.release();
        }
    }

    private synchronized void note(int first, int last, boolean afterAll) {
        int count = last - first + 1;
        exhausted = false;
        if (afterAll) {
            copied += count;
            inVain += Math.min(count, Integer.MAX_VALUE - inVain);
            Counters counters = loop.counters();
            if (counters != null) {
                counters.copiedAfterAll(count);
            }
        } else {
            inVain = 0;
        }
        for (int i = 0; i < size; i++) {
            int at = at(i);
            if (sends[at] - last > 0) {
                break;
            }
            if (sends[at] - first >= 0) {
                back[at] = true;
            }
        }
    }

    private synchronized @Nullable Segment takeFirst() {
        if (size == 0 || !back[head]) {
            return null;
        }
        Segment segment = segments[head];
        int send = sends[head];
        segments[head] = null;
        head = at(1);
        size--;
        if (size == 0 || sends[head] != send) {
            returned++;
        }
        if (size == 0) {
            exhausted = false; // no notice will come that says so
        }
        if (size == 0 && segments.length > 1024) {
            shrink(); // after a burst
        }
        return segment;
    }

    private void shrink() {
        segments = Arrays.copyOf(segments, 16);
        sends = new int[16];
        back = new boolean[16];
        head = 0;
    }

    /**
     * Nobody will read the notices. What the kernel has it keeps, for the rest of the process: memory that was used anew would
     * be sent, if not to a stranger then instead of the bytes that were meant.
     */
    public void keep() {
        if (!isEmpty()) {
            KEPT.add(this);
        }
    }

    /** What has been lent by a connection, which may never have begun to. */
    public static ZeroCopy.Count count(@Nullable Loans loans) {
        return loans == null ? ZeroCopy.Count.NONE : loans.count();
    }

    public synchronized ZeroCopy.Count count() {
        return new ZeroCopy.Count(lent, returned, copied, refused, how.threshold() > 0 && inVain < how.patience());
    }
}
