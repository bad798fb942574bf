package io.netpark.core.loop;

import java.util.Arrays;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * The armed timers of one loop, soonest first: a binary heap whose timers know their place, so that moving and
 * removing one costs O(log n) and no search. NOT thread safe. Times are values of the loop's clock and are
 * compared by difference, because they may wrap. Timers due at the same instant run in no particular order.
 *
 * <p>A timer that is not armed may leave an operation without an end, so none is refused. If the heap is full, and there is no memory
 * for a larger one, timers are linked beside it, and looked through one by one. Each timer that leaves the heap makes room for one of
 * these.
 */
final class TimerQueue {

    /** {@link Timer#index} of a timer that is not in the queue. */
    static final int OUT = -1;
    /** {@link Timer#index} of a timer that is in the queue, and not in the heap. */
    static final int BESIDE = -2;

    private final UnaryOperator<Timer[]> larger;
    private Timer[] heap = new Timer[16];
    private int inHeap;
    /** The first of those that the heap has no room for; null unless it is full. */
    private @Nullable Timer beside;
    private int countBeside;

    TimerQueue() {
        this(heap -> Arrays.copyOf(heap, heap.length * 2));
    }

    /** @param larger makes a larger heap of one that is full; may find no memory */
    TimerQueue(UnaryOperator<Timer[]> larger) {
        this.larger = larger;
    }

    int size() {
        return inHeap + countBeside;
    }

    /** The soonest timer, or null. */
    @Nullable Timer first() {
        Timer first = inHeap == 0 ? null : heap[0];
        for (Timer timer = beside; timer != null; timer = timer.next) {
            if (first == null || timer.dueNanos - first.dueNanos < 0) {
                first = timer;
            }
        }
        return first;
    }

    /** Inserts the timer, or moves it if it is in the queue. */
    void put(Timer timer, long dueNanos) {
        if (timer.index == BESIDE) {
            timer.dueNanos = dueNanos;
        } else if (timer.index == OUT) {
            timer.dueNanos = dueNanos;
            if (hasRoom()) {
                up(inHeap++, timer);
            } else {
                link(timer);
            }
        } else {
            boolean sooner = dueNanos - timer.dueNanos < 0;
            timer.dueNanos = dueNanos;
            if (sooner) {
                up(timer.index, timer);
            } else {
                down(timer.index, timer);
            }
        }
    }

    /** Whether the heap has room for one more, if need be by growing; then those beside it move in first. */
    private boolean hasRoom() {
        if (inHeap == heap.length) {
            try {
                heap = larger.apply(heap);
            } catch (OutOfMemoryError e) {
                return false;
            }
            moveIn();
        }
        return inHeap < heap.length;
    }

    private void moveIn() {
        for (Timer timer; inHeap < heap.length && (timer = beside) != null; ) {
            unlink(timer);
            up(inHeap++, timer);
        }
    }

    private void link(Timer timer) {
        timer.index = BESIDE;
        timer.next = beside;
        beside = timer;
        countBeside++;
    }

    private void unlink(Timer timer) {
        if (beside == timer) {
            beside = timer.next;
        } else {
            Timer before = beside;
            while (before != null && before.next != timer) {
                before = before.next;
            }
            assert before != null;
            before.next = timer.next;
        }
        timer.next = null;
        timer.index = OUT;
        countBeside--;
    }

    /** Takes the timer out; nothing happens if it is not in. */
    void remove(Timer timer) {
        if (timer.index == BESIDE) {
            unlink(timer);
        } else if (timer.index != OUT) {
            removeFromHeap(timer);
            moveIn();
        }
    }

    @SuppressWarnings("NullAway") // nobody reads what is behind the last one
    private void removeFromHeap(Timer timer) {
        int hole = timer.index;
        timer.index = OUT;
        Timer last = heap[--inHeap];
        heap[inHeap] = null;
        if (last != timer) {
            last.index = hole;
            down(hole, last);
            if (last.index == hole) {
                up(hole, last);
            }
        }
    }

    private void up(int at, Timer timer) {
        while (at > 0) {
            int parent = (at - 1) >>> 1;
            if (heap[parent].dueNanos - timer.dueNanos <= 0) {
                break;
            }
            place(at, heap[parent]);
            at = parent;
        }
        place(at, timer);
    }

    private void down(int at, Timer timer) {
        for (int child; (child = 2 * at + 1) < inHeap; at = child) {
            if (child + 1 < inHeap && heap[child + 1].dueNanos - heap[child].dueNanos < 0) {
                child++;
            }
            if (timer.dueNanos - heap[child].dueNanos <= 0) {
                break;
            }
            place(at, heap[child]);
        }
        place(at, timer);
    }

    private void place(int at, Timer timer) {
        heap[at] = timer;
        timer.index = at;
    }
}
