package io.netpark.core.poll;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The waiters that one wait has woken, in the order of the kernel's events. They are collected while the event array
 * is scanned and run only after it has been read to its end: what they run may close descriptors of the same batch
 * or wait again. Confined to its event loop; keeps its array, so a steady load allocates nothing.
 */
public final class WokenBatch {

    /** How many waiters a {@link Pollable} may add when it is told something: a reader, a writer, and what goes on with a handshake. */
    static final int MOST_OF_ONE = 3;

    private @Nullable Runnable[] waiters = new @Nullable Runnable[64];
    /** Those from here to {@link #end} are in it. */
    private int first;
    private int end;

    /** An empty batch. */
    public WokenBatch() {}

    /** Adds a waiter that has been taken out of its slot. */
    public void add(Runnable waiter) {
        if (end == waiters.length) {
            waiters = Arrays.copyOf(waiters, end * 2);
        }
        waiters[end++] = waiter;
    }

    /**
     * Makes sure that what the next {@link Pollable} adds needs no memory: a waiter that has been taken out of its slot and
     * finds no place here would be lost.
     *
     * @return false if there is no memory: those that are in it have to be run first
     */
    public boolean makeRoom() {
        if (end + MOST_OF_ONE > waiters.length) {
            try {
                waiters = Arrays.copyOf(waiters, waiters.length * 2);
            } catch (OutOfMemoryError e) {
                return false;
            }
        }
        return true;
    }

    /** How many are in it. */
    public int size() {
        return end - first;
    }

    /** Takes the first one out; null if there is none. */
    public @Nullable Runnable take() {
        if (first == end) {
            first = 0;
            end = 0;
            return null;
        }
        Runnable waiter = waiters[first];
        waiters[first++] = null; // not kept alive until the next burst of this size
        return waiter;
    }
}
