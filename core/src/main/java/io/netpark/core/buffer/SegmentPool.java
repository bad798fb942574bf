package io.netpark.core.buffer;

import io.netpark.core.heap.Block;
import io.netpark.core.report.Reporter;
import io.netpark.core.sys.NetparkException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/**
 * Lends segments of off-heap memory, of 1, 4, 16 and 64 KiB, and larger ones that it does not keep.
 *
 * <p>{@link FreeSegments} keeps what is released, within bounds, until it is taken again; what is over goes back to the operating
 * system at once, not when the collector finds it. All memory, lent or kept, is counted against one limit. Whoever finds
 * it reached may wait until there is {@linkplain #whenRoom room}.
 *
 * <p>Safe for use by any thread: a segment may be taken on one and released on another.
 */
public final class SegmentPool implements AutoCloseable {

    /** The largest segment that is kept. */
    public static final int LARGEST = 64 * 1024;

    private static final class Shared {
        static final SegmentPool INSTANCE = builder().build();
    }

    private final long limit;
    private final boolean readersWait;
    private final Reporter reporter;
    private final IntFunction<Block> memory;
    private final FreeSegments free;
    private final MemoryQueue waiting = new MemoryQueue(e -> report("A task that waited for buffer memory threw", e));
    private final LeakWatch watch;
    private final boolean paranoid;

    /** Lent and kept: what has been asked of the operating system. Bounded by {@link #limit}. */
    private final AtomicLong allocated = new AtomicLong();
    private final LongAdder lentBytes = new LongAdder();
    private final LongAdder lentSegments = new LongAdder();
    private final LongAdder taken = new LongAdder();
    private final LongAdder made = new LongAdder();
    private final LongAdder lostSegments = new LongAdder();

    private volatile boolean closed;

    private SegmentPool(Builder builder) {
        this.limit = builder.limit;
        this.readersWait = builder.readersWait;
        this.watch = new LeakWatch(builder.leakDetection);
        this.paranoid = watch.isParanoid();
        this.reporter = builder.reporter;
        this.memory = builder.memory;
        // What sits in one loop's stack is out of reach for others: a quarter of the limit at most may be.
        long retainedPerLoop = Math.min(builder.retainedPerLoop, limit / 4 / Runtime.getRuntime().availableProcessors());
        this.free = new FreeSegments(this, Math.min(builder.retained, limit), retainedPerLoop);
    }

    /** The pool of everything that was not given another: unlimited but by the JVM's limit for direct memory. */
    public static SegmentPool shared() {
        return Shared.INSTANCE;
    }

    /** A pool as it is unless told otherwise. */
    public static Builder builder() {
        return new Builder();
    }

    // Taking

    /**
     * Lends a segment of at least so many bytes. Its content is undefined.
     *
     * @throws NetparkException.LimitExceeded if that would exceed the pool's limit
     * @throws OutOfMemoryError if the JVM's limit for direct memory is reached (-XX:MaxDirectMemorySize)
     */
    public Segment take(int atLeast) throws NetparkException.LimitExceeded {
        Segment segment = tryTake(atLeast, false);
        if (segment == null) {
            NetparkException.LimitExceeded full = new NetparkException.LimitExceeded("take " + atLeast + " bytes of buffer memory: the pool's"
                    + " limit of " + limit + " bytes is reached, with " + lentBytes.sum()
                    + " bytes lent; raise SegmentPool.Builder.limit, or lower the connections' limits");
            full.setAbout(this); // and not about a peer that has sent too much
            throw full;
        }
        return segment;
    }

    /** As {@link #take}, whatever the limit: for bytes that are in the pool's memory already and only move. */
    Segment takeBeyondLimit(int atLeast) {
        Segment segment = tryTake(atLeast, true);
        assert segment != null;
        return segment;
    }

    private @Nullable Segment tryTake(int atLeast, boolean beyondLimit) {
        if (atLeast < 0) {
            throw new IllegalArgumentException("a segment cannot have " + atLeast + " bytes");
        }
        int sizeClass = SegmentSizes.classOf(atLeast);
        Segment segment = sizeClass < SegmentSizes.CLASSES ? free.poll(sizeClass) : null;
        if (segment == null) {
            segment = make(SegmentSizes.sizeFor(atLeast), beyondLimit);
            if (segment == null) {
                return null;
            }
        }
        try {
            segment.lend();
            if (!watch.isOff()) {
                watch.begin(segment, taken.sum());
                reportLost();
            }
        } catch (Throwable e) { // no memory to remember it
            discard(segment);
            throw e;
        }
        lentBytes.add(segment.size());
        lentSegments.increment();
        taken.increment();
        return segment;
    }

    private @Nullable Segment make(int size, boolean beyondLimit) {
        if (!count(size, beyondLimit)) {
            return null;
        }
        Block block = null;
        try {
            block = memory.apply(size);
            Segment segment = new Segment(this, block);
            made.increment();
            return segment;
        } catch (Throwable e) {
            if (block != null) {
                block.free();
            }
            allocated.addAndGet(-size);
            throw e;
        }
    }

    /** Counts memory that is about to be allocated; false if the limit is in the way. */
    private boolean count(int size, boolean beyondLimit) {
        while (true) {
            long before = allocated.get();
            if (!beyondLimit && before + size > limit) {
                if (!freeOne()) {
                    return false;
                }
            } else if (allocated.compareAndSet(before, before + size)) {
                return true;
            }
        }
    }

    /** Makes room under the limit with a segment that waits, of whatever size. */
    private boolean freeOne() {
        Segment segment = free.pollAny();
        if (segment == null) {
            return false;
        }
        discard(segment);
        return true;
    }

    // Giving back

    /** By {@link Segment#release}. */
    void giveBack(Segment segment) {
        int size = segment.size();
        lentBytes.add(-size);
        lentSegments.decrement();
        try {
            keep(segment.lease == null ? segment : watch.renew(this, segment), size);
        } catch (Throwable e) { // no memory to keep it by
            discard(segment);
        }
        if (!waiting.isEmpty()) {
            passOn();
        }
    }

    /** By {@link Segment#release}, for a segment of which somebody still has views: its memory is left to the collector. */
    void forget(Segment segment) {
        lentBytes.add(-segment.size());
        lentSegments.decrement();
        watch.end(segment);
        allocated.addAndGet(-segment.size());
        if (!waiting.isEmpty()) {
            passOn();
        }
    }

    private void keep(Segment segment, int size) {
        int sizeClass = SegmentSizes.classOf(size);
        // Over the limit, where bytes that moved have taken it, only freeing leads back.
        if (sizeClass >= SegmentSizes.CLASSES || closed || allocated.get() > limit) {
            discard(segment);
            return;
        }
        // Past half the limit, or with a task waiting, every thread must be able to reach it.
        boolean scarce = allocated.get() > limit / 2 || !waiting.isEmpty();
        if (!free.offer(sizeClass, segment, scarce)) {
            discard(segment);
        } else if (closed) { // meanwhile, and it may not have been seen
            try {
                freeAll();
            } catch (OutOfMemoryError e) {
                // It is kept: to be freed here as well, as what cannot be kept is, would be once too often.
            }
        }
    }

    /** To the operating system. */
    private void discard(Segment segment) {
        Block block = segment.block;
        assert block != null;
        block.free();
        allocated.addAndGet(-segment.size());
    }

    /** On its loop, or when that has ended: gives everything up. */
    void empty(LoopStacks ofLoop) {
        for (Segment segment; (segment = ofLoop.pollAny()) != null; ) {
            discard(segment);
            if (!waiting.isEmpty()) {
                passOn();
            }
        }
        free.forget(ofLoop);
    }

    // Waiting for room

    /**
     * Runs {@code task} once when it makes sense to try {@link #take} again, which may fail again; at once if that is
     * now. One release runs one task, on the releasing thread: it should only pass on the word. If what the task has told does not
     * take anything, it says so by {@link #passOn}, or others might wait in vain.
     */
    public void whenRoom(int atLeast, Runnable task) {
        waiting.add(task);
        // Looked at after the task has been published, so a release before that is not missed.
        if (allocated.get() - free.sharedBytes() + atLeast <= limit) {
            passOn();
        }
    }

    /** Takes a {@link #whenRoom} back; if it has run already, the next in line is told instead. */
    public void forget(Runnable task) {
        if (!waiting.remove(task)) {
            passOn();
        }
    }

    /** Tells the next that waits that there is room. */
    public void passOn() {
        waiting.passOn();
    }

    private void report(String what, Throwable cause) {
        try {
            reporter.report(what, cause);
        } catch (Throwable ignored) {
            // Whoever takes or releases a segment has nothing to do with it.
        }
    }

    /** Whether a connection that finds no memory to read into waits for some, and does not fail. */
    public boolean readersWait() {
        return readersWait && limit >= 2 * LARGEST;
    }

    // Watching

    boolean isParanoid() {
        return paranoid;
    }

    private void reportLost() {
        for (LentSegment lease; (lease = watch.poll()) != null; ) {
            lostSegments.increment();
            lentBytes.add(-lease.size);
            lentSegments.decrement();
            allocated.addAndGet(-lease.size); // the collector frees the memory
            report("A segment of " + lease.size + " bytes was lost: nobody can release it any more, and its "
                    + "memory waits for the garbage collector. Close the LinkBuffer, or release the segment, that "
                    + "was taken here", lease.taken);
            passOn();
        }
    }

    /** What is lent and kept now, and what has happened so far. */
    public Statistics statistics() {
        reportLost();
        return new Statistics(lentSegments.sum(), lentBytes.sum(), allocated.get(), taken.sum(), made.sum(),
                lostSegments.sum());
    }

    /**
     * A pool at an instant.
     *
     * @param lentSegments segments that somebody holds
     * @param lentBytes their size
     * @param allocatedBytes the memory of the pool, lent or kept
     * @param taken how often a segment has been taken
     * @param made how often that needed new memory
     * @param lost segments that were never released, as far as {@link LeakDetection} has noticed
     */
    public record Statistics(
            long lentSegments, long lentBytes, long allocatedBytes, long taken, long made, long lost) {}

    /**
     * Keeps no memory from now on; what is lent may still be released, and more be taken. Event loops give up what they keep for
     * themselves in their next turn.
     */
    @Override
    public void close() {
        closed = true;
        freeAll();
    }

    private void freeAll() {
        while (freeOne()) {
            // until none is left
        }
        free.giveUpStacks();
    }

    @Override
    public String toString() {
        return "segment pool, " + statistics();
    }

    /** What a pool is made of. */
    public static final class Builder {

        private static final long MIB = 1024 * 1024;

        private long limit = Long.MAX_VALUE;
        private long retained = 32 * MIB;
        private long retainedPerLoop = 2 * MIB;
        private boolean readersWait = true;
        private LeakDetection leakDetection = LeakDetection.ofProcess();
        private Reporter reporter = Reporter.LOG;
        private IntFunction<Block> memory = Block::allocate;

        private Builder() {}

        /**
         * The most memory in bytes that the pool may have, lent or kept; at least 64 KiB. The default is none: the JVM
         * has one (-XX:MaxDirectMemorySize), but reaching that is an OutOfMemoryError.
         */
        public Builder limit(long bytes) {
            if (bytes < LARGEST) {
                throw new IllegalArgumentException("a pool needs at least " + LARGEST + " bytes, not " + bytes);
            }
            this.limit = bytes;
            return this;
        }

        /**
         * Whether a connection that is to be read, and finds no memory under the {@link #limit}, waits until others have
         * given some back. That is the default; otherwise its read fails with {@link NetparkException.LimitExceeded}.
         * In the midst of a message, with memory in its hands, it always fails: if those waited for one another, all would
         * wait for ever. So it does under a limit of less than 128 KiB. Writing never waits for memory.
         */
        public Builder readersWait(boolean wait) {
            this.readersWait = wait;
            return this;
        }

        /**
         * The most free memory in bytes that all threads share, a quarter for each size, but at least two segments. The
         * default is 32 MiB.
         */
        public Builder retained(long bytes) {
            this.retained = notNegative(bytes);
            return this;
        }

        /** The most free memory in bytes that each event loop keeps for itself. The default is 2 MiB. */
        public Builder retainedPerLoop(long bytes) {
            this.retainedPerLoop = notNegative(bytes);
            return this;
        }

        /** How closely to watch. The default is {@link LeakDetection#ofProcess}. */
        public Builder leakDetection(LeakDetection level) {
            this.leakDetection = level;
            return this;
        }

        /** Gets reports of lost segments. The default is {@link Reporter#LOG}. */
        public Builder reporter(Reporter reporter) {
            this.reporter = reporter;
            return this;
        }

        /** Where its memory comes from, for tests. */
        Builder memory(IntFunction<Block> source) {
            this.memory = source;
            return this;
        }

        private static long notNegative(long bytes) {
            if (bytes < 0) {
                throw new IllegalArgumentException("a pool cannot keep " + bytes + " bytes");
            }
            return bytes;
        }

        /** The pool. */
        public SegmentPool build() {
            return new SegmentPool(this);
        }
    }
}
