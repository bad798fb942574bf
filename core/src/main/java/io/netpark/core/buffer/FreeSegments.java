package io.netpark.core.buffer;

import io.netpark.core.loop.EventLoop;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jctools.queues.atomic.MpmcAtomicArrayQueue;
import org.jspecify.annotations.Nullable;

/**
 * The segments that a pool keeps until they are lent again. Each waits in one of two places: a stack of the event loop on whose
 * thread it was released, where the segment released last, still in the processor's cache, is lent first; or a queue that all
 * threads share. Both are bounded. Any thread.
 */
final class FreeSegments {

    private final SegmentPool pool;
    private final long retainedPerLoop;
    /** By class. */
    private final MpmcAtomicArrayQueue<Segment>[] shared;
    /** Of the loop whose thread asks. A loop must not keep a pool that nobody else knows: it has no more than a tie. */
    private final ThreadLocal<LoopStacks.Tie> ofLoop = new ThreadLocal<>();
    private final Set<LoopStacks> stacks = ConcurrentHashMap.newKeySet();

    /**
     * @param retained bytes that all threads share, a quarter for each class
     * @param retainedPerLoop bytes in the stacks of each loop
     */
    FreeSegments(SegmentPool pool, long retained, long retainedPerLoop) {
        this.pool = pool;
        this.retainedPerLoop = retainedPerLoop;
        this.shared = newQueues(retained);
    }

    @SuppressWarnings({"unchecked", "rawtypes"})
    private static MpmcAtomicArrayQueue<Segment>[] newQueues(long retained) {
        MpmcAtomicArrayQueue[] queues = new MpmcAtomicArrayQueue[SegmentSizes.CLASSES];
        for (int i = 0; i < SegmentSizes.CLASSES; i++) {
            // Down to a power of two: the queue would round it up, beyond the bound.
            queues[i] = new MpmcAtomicArrayQueue<>(Math.max(2, Integer.highestOneBit(SegmentSizes.count(retained, i))));
        }
        return queues;
    }

    /** Takes a segment of a class out, or null. */
    @Nullable Segment poll(int sizeClass) {
        LoopStacks own = ownStacks();
        Segment segment = own == null ? null : own.poll(sizeClass);
        return segment != null ? segment : shared[sizeClass].relaxedPoll();
    }

    /** Takes a segment of whatever size out that the calling thread can reach, or null. A large one first. */
    @Nullable Segment pollAny() {
        for (int i = SegmentSizes.CLASSES - 1; i >= 0; i--) {
            Segment segment = shared[i].poll();
            if (segment != null) {
                return segment;
            }
        }
        LoopStacks own = ownStacks();
        return own == null ? null : own.pollAny();
    }

    /**
     * Keeps a segment.
     *
     * @param forAll whether every thread must be able to reach it
     * @return false if there is no place for it
     */
    boolean offer(int sizeClass, Segment segment, boolean forAll) {
        EventLoop loop = forAll ? null : EventLoop.current();
        // A loop that ends empties its stacks; what it is given behind that would stay there.
        return loop != null && !loop.isShutdown() && stacks(loop).offer(sizeClass, segment) || shared[sizeClass].offer(segment);
    }

    /** Bytes that every thread can reach. */
    long sharedBytes() {
        long bytes = 0;
        for (int i = 0; i < SegmentSizes.CLASSES; i++) {
            bytes += (long) shared[i].size() * SegmentSizes.sizeOf(i);
        }
        return bytes;
    }

    /** The pool is closed: has each loop give up what it keeps. */
    void giveUpStacks() {
        for (LoopStacks each : stacks) {
            each.giveUp();
        }
    }

    /** A loop has given its stacks up. */
    void forget(LoopStacks empty) {
        stacks.remove(empty);
    }

    /** Of the loop whose thread this is, if it has kept anything yet. */
    private @Nullable LoopStacks ownStacks() {
        if (EventLoop.current() == null) {
            return null;
        }
        LoopStacks.Tie tie = ofLoop.get();
        return tie == null ? null : tie.get();
    }

    /** Of this loop, whose thread it is. */
    private LoopStacks stacks(EventLoop loop) {
        LoopStacks known = ownStacks();
        return known != null ? known : newStacks(loop);
    }

    private LoopStacks newStacks(EventLoop loop) {
        LoopStacks made = new LoopStacks(pool, loop, retainedPerLoop);
        ofLoop.set(made.tie);
        loop.atEnd(made.tie);
        stacks.add(made);
        return made;
    }
}
