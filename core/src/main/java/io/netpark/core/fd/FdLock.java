package io.netpark.core.fd;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * Keeps a descriptor number valid while a system call uses it, and keeps operations of one direction apart: the
 * fdMutex of Go's internal/poll in one word.
 *
 * <pre>
 *   63                        4         3       2      1      0
 *   |        references       | cut off | write | read | closed |
 * </pre>
 *
 * <ul>
 *   <li>A reference is held around every system call on the descriptor; without one, it may be closed and its number
 *       given to another at any moment.
 *   <li>The read and write bits are held from the start of an operation to its end, also while it is parked. A parked
 *       operation holds <i>no</i> reference: closing need not wait for it.
 *   <li>cut off is set once, by a write that ends in the midst of what is of no use in part, before it drops the write bit. From then on
 *       no write begins or goes on.
 *   <li>closed is set once. Whoever then drops the last reference destroys the descriptor; nobody else can.
 * </ul>
 *
 * Unlike Go's, the word has no queue of waiting lockers: a second reader is a mistake that is reported, since bytes
 * of a stream shared among readers are of use to none.
 */
final class FdLock {

    static final int READ = 1 << 1;
    static final int WRITE = 1 << 2;

    /** Results of {@link #enter} and {@link #reenter}. */
    static final int ENTERED = 0;
    static final int IS_CLOSED = 1;
    static final int IS_BUSY = 2;
    static final int IS_IDLE = 3;
    static final int IS_CUT_OFF = 4;

    private static final long CLOSED = 1;
    private static final long CUT_OFF = 1 << 3;
    private static final long REFERENCE = 1 << 4;

    private static final VarHandle WORD;

    static {
        try {
            WORD = MethodHandles.lookup().findVarHandle(FdLock.class, "word", long.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private volatile long word;

    /** Starts an operation: takes its lock bit and a reference. */
    int enter(int bit) {
        while (true) {
            long seen = word;
            if ((seen & CLOSED) != 0) {
                return IS_CLOSED;
            }
            if ((seen & bit) != 0) {
                return IS_BUSY;
            }
            if ((seen & CUT_OFF) != 0 && bit == WRITE) {
                return IS_CUT_OFF;
            }
            if (WORD.compareAndSet(this, seen, (seen | bit) + REFERENCE)) {
                return ENTERED;
            }
        }
    }

    /** Goes on with an operation that was parked: takes a reference. It has ended if the descriptor is closed. */
    int reenter(int bit) {
        while (true) {
            long seen = word;
            if ((seen & CLOSED) != 0) {
                unlock(bit);
                return IS_CLOSED;
            }
            if ((seen & CUT_OFF) != 0 && bit == WRITE) {
                return IS_CUT_OFF; // though the one who has cut it off may have the bit still
            }
            if ((seen & bit) == 0) {
                return IS_IDLE;
            }
            if (WORD.compareAndSet(this, seen, seen + REFERENCE)) {
                return ENTERED;
            }
        }
    }

    /** Whether an operation has one of the lock bits. */
    boolean isLocked() {
        return (word & (READ | WRITE)) != 0;
    }

    /** Whether an operation has this lock bit. */
    boolean isLocked(int bit) {
        return (word & bit) != 0;
    }

    /** Takes a reference, for a call that needs no lock. False once closed. */
    boolean acquire() {
        while (true) {
            long seen = word;
            if ((seen & CLOSED) != 0) {
                return false;
            }
            if (WORD.compareAndSet(this, seen, seen + REFERENCE)) {
                return true;
            }
        }
    }

    /** Drops a reference. True if it was the last of a closed descriptor: the caller destroys it. */
    boolean release() {
        return leave(0);
    }

    /** Ends an operation: drops its lock bit, if it still has that, and its reference. True as for {@link #release}. */
    boolean leave(int bit) {
        while (true) {
            long seen = word;
            if (seen < REFERENCE) {
                throw new IllegalStateException("a reference too many was dropped");
            }
            long after = (seen & ~(long) bit) - REFERENCE;
            if (WORD.compareAndSet(this, seen, after)) {
                return after < REFERENCE && (after & CLOSED) != 0;
            }
        }
    }

    /** Ends an operation that was parked, and so holds only its lock bit. */
    void unlock(int bit) {
        WORD.getAndBitwiseAnd(this, ~(long) bit);
    }

    /** No write begins or goes on any more. Called by the last one, before it drops its bit. */
    void cutOff() {
        WORD.getAndBitwiseOr(this, CUT_OFF);
    }

    /** Whether no write begins or goes on any more. */
    boolean isCutOff() {
        return (word & CUT_OFF) != 0;
    }

    /** Sets closed and takes a reference, in one step. False if somebody else did. */
    boolean close() {
        while (true) {
            long seen = word;
            if ((seen & CLOSED) != 0) {
                return false;
            }
            if (WORD.compareAndSet(this, seen, (seen | CLOSED) + REFERENCE)) {
                return true;
            }
        }
    }

    /**
     * Sets closed, if there is no operation. False otherwise, and if somebody else did. Waits for calls that belong to no
     * operation: they hold a reference only, and not for long.
     */
    boolean closeIfIdle() {
        while (true) {
            long seen = word;
            if ((seen & (CLOSED | READ | WRITE)) != 0) {
                return false;
            }
            if (seen < REFERENCE && WORD.compareAndSet(this, seen, seen | CLOSED)) {
                return true;
            }
            Thread.onSpinWait();
        }
    }

    boolean isClosed() {
        return (word & CLOSED) != 0;
    }

    /** References held now. */
    long references() {
        return word / REFERENCE;
    }
}
