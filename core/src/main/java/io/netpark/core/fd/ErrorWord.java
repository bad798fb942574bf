package io.netpark.core.fd;

import io.netpark.core.poll.Readiness;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * Why an operation must not wait, and what the kernel has said for good, in one word (atomicInfo of Go's
 * runtime/netpoll.go):
 *
 * <pre>
 *   63            32 31                                           0
 *   |  generation   | turns, closing, expired limits, sticky bits  |
 * </pre>
 *
 * The handshake with {@link ParkingSlot}: parking writes the slot, then reads this word; closing, and a deadline
 * that passes, writes this word, then reads the slot. Both are sequentially consistent, so one of them sees the
 * other.
 */
final class ErrorWord {

    /** The descriptor is being closed; never cleared. */
    static final int CLOSING = 1 << 16;
    /** The read deadline has passed; cleared when it is moved. */
    static final int EXPIRED_READ = 1 << 17;
    /** The write deadline has passed; cleared when it is moved. */
    static final int EXPIRED_WRITE = 1 << 18;
    /** A read has had its turn and is to wait for a task of the loop; cleared when that is passed on. */
    static final int TURN_OVER_READ = 1 << 19;
    /** As {@link #TURN_OVER_READ}, of a write. */
    static final int TURN_OVER_WRITE = 1 << 20;
    /** The timeout of a read has passed. It is about the read that is going on, and says nothing to a read that starts. */
    static final int TIMED_OUT_READ = 1 << 21;
    /** As {@link #TIMED_OUT_READ}, of a write. */
    static final int TIMED_OUT_WRITE = 1 << 22;

    private static final VarHandle WORD;

    static {
        try {
            WORD = MethodHandles.lookup().findVarHandle(ErrorWord.class, "word", long.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private volatile long word;

    /** The flags as they are now. */
    int flags() {
        return (int) word;
    }

    void set(int flag) {
        WORD.getAndBitwiseOr(this, (long) flag);
    }

    void clear(int flag) {
        if ((word & flag) != 0) {
            WORD.getAndBitwiseAnd(this, ~(long) flag);
        }
    }

    /** A new registration: sticky bits of the last one are forgotten, its late events will be ignored. */
    void register(int generation) {
        long seen;
        do {
            seen = word;
        } while (!WORD.compareAndSet(this, seen, (long) generation << 32 | (seen & 0xFFFFFFFFL & ~Readiness.STICKY)));
    }

    /** Remembers sticky readiness, unless it was meant for another generation. */
    void stick(int generation, int readiness) {
        int bits = readiness & Readiness.STICKY;
        while (true) {
            long seen = word;
            if ((int) (seen >>> 32) != generation || (seen & bits) == bits) {
                return;
            }
            if (WORD.compareAndSet(this, seen, seen | bits)) {
                return;
            }
        }
    }
}
