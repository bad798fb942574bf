package io.netpark.core.poll;

import java.util.Arrays;

/**
 * The waiters that one wait has woken, in the order of the kernel's events. They are collected while the event array
 * is scanned and run only after it has been read to its end: what they run may close descriptors of the same batch
 * or wait again. Confined to its event loop; keeps its array, so a steady load allocates nothing.
 */
public final class WokenBatch {

    private Runnable[] waiters = new Runnable[64];
    private int size;

    /** Adds a waiter that has been taken out of its slot. */
    public void add(Runnable waiter) {
        if (size == waiters.length) {
            waiters = Arrays.copyOf(waiters, size * 2);
        }
        waiters[size++] = waiter;
    }

    /** How many are in it. */
    public int size() {
        return size;
    }

    /** The waiter at {@code index}, which the batch then forgets. */
    public Runnable remove(int index) {
        Runnable waiter = waiters[index];
        waiters[index] = null; // not kept alive until the next burst of this size
        return waiter;
    }

    /** Ends the batch; every waiter has been {@linkplain #remove removed}. */
    public void clear() {
        size = 0;
    }
}
