package io.netpark.core.loop;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The armed timers of one loop, soonest first: a binary heap whose timers know their place, so that moving and
 * removing one costs O(log n) and no search. NOT thread safe. Times are values of the loop's clock and are
 * compared by difference, because they may wrap. Timers due at the same instant run in no particular order.
 */
final class TimerQueue {

    private Timer[] heap = new Timer[16];
    private int size;

    int size() {
        return size;
    }

    /** The soonest timer, or null. */
    @Nullable Timer first() {
        return size == 0 ? null : heap[0];
    }

    /** Inserts the timer, or moves it if it is in the queue. */
    void put(Timer timer, long dueNanos) {
        if (timer.index < 0) {
            if (size == heap.length) {
                heap = Arrays.copyOf(heap, size * 2);
            }
            timer.dueNanos = dueNanos;
            up(size++, timer);
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

    /** Takes the timer out; nothing happens if it is not in. */
    @SuppressWarnings("NullAway") // nobody reads what is behind the last one
    void remove(Timer timer) {
        int hole = timer.index;
        if (hole < 0) {
            return;
        }
        timer.index = -1;
        Timer last = heap[--size];
        heap[size] = null;
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
        for (int child; (child = 2 * at + 1) < size; at = child) {
            if (child + 1 < size && heap[child + 1].dueNanos - heap[child].dueNanos < 0) {
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
