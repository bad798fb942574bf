package io.netpark.core.net.streams;

import io.netpark.core.linux.Linux;
import io.netpark.core.net.scratch.Scratch;
import io.netpark.core.sys.Due;
import io.netpark.core.sys.LibC;
import java.nio.ByteBuffer;

/**
 * Whether the peer of a connection takes what is in the socket, though the socket takes nothing from here: its buffer may hold
 * megabytes, and opens again in lumps, so a peer that reads steadily looks from here as if it had stopped. The kernel is asked
 * ({@code bytes_acked} of TCP_INFO, and SO_MEMINFO), and only when the peer is about to be given up.
 *
 * <p>An answer is about the time since the one before. The first has none before it: what it can say is that a socket which had
 * no room left has some now; else it takes what is on its way for moving, once.
 *
 * <p>For Netpark's own adapters.
 */
final class Uptake {

    private static final long UNKNOWN = -1;

    /** The 32-bit members of SO_MEMINFO (linux/sock_diag.h). */
    private static final int MEMINFO_SIZE = 36;
    private static final int WMEM_ALLOC = 8;
    private static final int SNDBUF = 12;
    private static final int WMEM_QUEUED = 20;

    /** The offset of bytes_acked in {@code struct tcp_info} (linux/tcp.h). */
    private static final int BYTES_ACKED = 120;

    /** How often in a silence to look, at most. */
    private static final int LOOKS = 8;

    private final ByteOutput stream;
    /** What the peer had taken when that was last asked: a number that only grows while nothing is written. */
    private long taken;
    private volatile boolean known;
    /** Whether the socket held anything then that the peer could take. */
    private boolean holds;
    /** Since when the peer has taken nothing, if {@link #known}; and when to look again. */
    private long grownAt;
    private long nextLook;

    /** Nothing is known yet. */
    Uptake(ByteOutput stream) {
        this.stream = stream;
    }

    /** The socket has taken something: a new time begins. From any thread. */
    void restart() {
        if (known) {
            known = false;
        }
    }

    /**
     * Whether the peer has taken something since this was last asked, or since the socket took something, if that was later. Not by
     * two threads at a time.
     */
    boolean goesOn() {
        return stream.goesOn(this);
    }

    /** When to ask {@link #isOver} first, of a silence that begins now. */
    static long firstLook(long lastByte, long nanos) {
        return Due.after(lastByte, nanos / LOOKS);
    }

    /**
     * Whether a silence has lasted for its time: neither has the socket taken or given anything, nor the peer taken any of what the
     * socket holds. For a timer, which asks again at {@link #nextLook}: several times in a silence while the socket holds something,
     * since only the looks tell when the peer has taken some.
     *
     * @param lastByte when the socket took or gave something last, an instant of the loop's clock
     * @param nanos how long the silence may be
     */
    boolean isOver(long lastByte, long nanos) {
        long now = stream.loop().clock().nanoTime();
        boolean first = !known;
        long since = first || grownAt - lastByte < 0 ? lastByte : grownAt; // a byte may have moved in the midst of the look before
        boolean looks = firstLook(since, nanos) - now <= 0;
        if (looks && goesOn() && (!first || Due.after(since, nanos) - now <= 0)) {
            since = now;
        }
        grownAt = since;
        long due = Due.after(since, nanos);
        long next = looks ? Due.after(now, nanos / LOOKS) : firstLook(since, nanos);
        boolean tells = !looks || known && holds;
        nextLook = tells && due - next > 0 ? next : due;
        return due - now <= 0;
    }

    /** When to ask {@link #isOver} again, if it was not over. */
    long nextLook() {
        return nextLook;
    }

    /** With a reference held. */
    boolean goesOn(LibC libc, int fd, boolean tcp, boolean wasFull) {
        Scratch scratch = Scratch.take();
        try {
            ByteBuffer memory = scratch.memory();
            int length = option(libc, fd, scratch, Linux.SOL_SOCKET, Linux.SO_MEMINFO, MEMINFO_SIZE);
            if (length < WMEM_QUEUED + Integer.BYTES) {
                return false; // before Linux 4.12, or where system calls are filtered
            }
            int queued = memory.getInt(Scratch.VALUE + (tcp ? WMEM_QUEUED : WMEM_ALLOC));
            int room = memory.getInt(Scratch.VALUE + SNDBUF) - queued;
            long now = tcp ? acknowledged(libc, fd, scratch) : Integer.MAX_VALUE - (long) queued;
            if (now == UNKNOWN) {
                return false;
            }
            boolean first = !known;
            boolean grown = first ? queued > 0 && (!wasFull || room > 0) : now > taken;
            taken = now;
            holds = queued > 0;
            known = true;
            return grown;
        } finally {
            scratch.giveBack();
        }
    }

    private static long acknowledged(LibC libc, int fd, Scratch scratch) {
        int length = option(libc, fd, scratch, Linux.IPPROTO_TCP, Linux.TCP_INFO, BYTES_ACKED + Long.BYTES);
        return length < BYTES_ACKED + Long.BYTES ? UNKNOWN : scratch.memory().getLong(Scratch.VALUE + BYTES_ACKED);
    }

    /** How long the value is, or minus errno. */
    private static int option(LibC libc, int fd, Scratch scratch, int level, int name, int size) {
        scratch.memory().putInt(Scratch.LENGTH, size);
        int result = libc.getsockopt(fd, level, name, scratch.address(Scratch.VALUE), scratch.address(Scratch.LENGTH));
        return result < 0 ? result : scratch.memory().getInt(Scratch.LENGTH);
    }
}
