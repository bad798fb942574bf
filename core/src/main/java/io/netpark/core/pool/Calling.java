package io.netpark.core.pool;

import io.netpark.core.loop.EventLoop;
import io.netpark.core.sys.NetparkException;
import org.jspecify.annotations.Nullable;

/**
 * Calls of borrowers. What a borrower does may have the next one called, on its stack: who gives back at once does. A few calls
 * may nest so; what would be deeper becomes a task of an event loop, so that no number of borrowers needs more stack than that.
 */
abstract sealed class Calling implements Runnable {

    private static final int MOST_NESTED = 8;
    /** Calls on the stack of this thread, of any pool. */
    private static final ThreadLocal<int[]> NESTED = ThreadLocal.withInitial(() -> new int[1]);

    final Pool.Borrower borrower;
    final EventLoop loop;

    private Calling(Pool.Borrower borrower, EventLoop loop) {
        this.borrower = borrower;
        this.loop = loop;
    }

    /** Now, or by the loop if too many nest. Throws nothing. */
    static void call(EventLoop later, Calling calling) {
        int[] nested = nested();
        if (nested == null) {
            calling.run();
            return;
        }
        if (nested[0] >= MOST_NESTED && calling.isTakenOverBy(later)) {
            return;
        }
        nested[0]++;
        try {
            calling.run();
        } finally {
            nested[0]--;
        }
    }

    /** Without memory for it, this call is taken for the first: it must be made. */
    private static int @Nullable [] nested() {
        try {
            return NESTED.get();
        } catch (OutOfMemoryError e) {
            return null;
        }
    }

    private boolean isTakenOverBy(EventLoop later) {
        try {
            return later.tryExecute(this);
        } catch (OutOfMemoryError e) {
            return false;
        }
    }

    @Override
    public final void run() {
        try {
            tell();
        } catch (Throwable e) {
            threw(e);
        } finally {
            EventLoop.leaveUserCode();
        }
    }

    abstract void tell();

    abstract void threw(Throwable e);

    /** It gets a connection. */
    static final class Lent extends Calling {
        private final PoolLease lease;

        /** @param loop reports */
        Lent(Pool.Borrower borrower, PoolLease lease, EventLoop loop) {
            super(borrower, loop);
            this.lease = lease;
        }

        @Override
        void tell() {
            borrower.lent(lease);
        }

        @Override
        void threw(Throwable e) {
            lease.discard();
            loop.report("What was to be lent a connection threw; it is closed", e);
        }
    }

    /** It gets none. */
    static final class Failed extends Calling {
        private final NetparkException failure;

        /** @param loop reports */
        Failed(Pool.Borrower borrower, NetparkException failure, EventLoop loop) {
            super(borrower, loop);
            this.failure = failure;
        }

        @Override
        void tell() {
            borrower.failed(failure);
        }

        @Override
        void threw(Throwable e) {
            loop.report("What was to be told that there is no connection threw", e);
        }
    }
}
