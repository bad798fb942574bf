package io.netpark.core.buffer;

import io.netpark.core.loop.EventLoop;
import java.lang.ref.WeakReference;
import org.jspecify.annotations.Nullable;

/** The free segments of one pool that one event loop keeps. The loop's thread only, or whoever runs what it left at its end. */
final class LoopStacks {

    /** What the loop knows of them: through segments it would keep the pool for as long as it runs. Runs when the loop ends. */
    static final class Tie extends WeakReference<LoopStacks> implements Runnable {

        private Tie(LoopStacks stacks) {
            super(stacks);
        }

        @Override
        public void run() {
            LoopStacks stacks = get();
            if (stacks != null) {
                stacks.pool.empty(stacks);
            }
        }
    }

    final Tie tie = new Tie(this);
    private final SegmentPool pool;
    private final EventLoop loop;
    private final @Nullable Segment[][] stacks = new @Nullable Segment[SegmentSizes.CLASSES][];
    private final int[] sizes = new int[SegmentSizes.CLASSES];

    LoopStacks(SegmentPool pool, EventLoop loop, long bytes) {
        this.pool = pool;
        this.loop = loop;
        for (int i = 0; i < SegmentSizes.CLASSES; i++) {
            stacks[i] = new Segment[SegmentSizes.count(bytes, i)];
        }
    }

    @Nullable Segment poll(int sizeClass) {
        int size = sizes[sizeClass];
        if (size == 0) {
            return null;
        }
        Segment segment = stacks[sizeClass][size - 1];
        stacks[sizeClass][size - 1] = null; // or it could never be found lost
        sizes[sizeClass] = size - 1;
        return segment;
    }

    /** A large one first. */
    @Nullable Segment pollAny() {
        Segment segment = null;
        for (int i = SegmentSizes.CLASSES - 1; i >= 0 && segment == null; i--) {
            segment = poll(i);
        }
        return segment;
    }

    boolean offer(int sizeClass, Segment segment) {
        int size = sizes[sizeClass];
        if (size == stacks[sizeClass].length) {
            return false;
        }
        stacks[sizeClass][size] = segment;
        sizes[sizeClass] = size + 1;
        return true;
    }

    /** The pool is closed: empties them, on the loop. A loop that ends meanwhile empties them by itself. */
    void giveUp() {
        if (loop.inLoop()) {
            giveUpHere();
        } else {
            loop.tryExecute(this::giveUpHere);
        }
    }

    private void giveUpHere() {
        pool.empty(this);
        loop.forgetAtEnd(tie);
    }
}
