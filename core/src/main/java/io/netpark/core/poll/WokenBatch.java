package io.netpark.core.poll;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The waiters that one wait has woken, in the order of the kernel's events. They are collected while the event array
 * is scanned and run only after it has been read to its end: what they run may close descriptors of the same batch
 * or wait again. Confined to its event loop, but for {@link #running}; keeps its arrays, so a steady load allocates nothing.
 */
public final class WokenBatch {

    /** How many waiters a {@link Pollable} may add when it is told something: a reader, a writer, and what goes on with a handshake. */
    static final int MOST_OF_ONE = 3;

    private @Nullable Runnable[] waiters = new @Nullable Runnable[64];
    /** By which registration each was woken. A token and not the object: to note a number costs the garbage collector nothing. */
    private long[] tokens = new long[64];
    /** The registration that wakes now. */
    private long token = Pollable.UNREGISTERED;
    /** Those from here to {@link #end} are in it. */
    private int first;
    private int end;

    /** An empty batch. */
    public WokenBatch() {}

    /** Adds a waiter that has been taken out of its slot. */
    public void add(Runnable waiter) {
        if (end == waiters.length) {
            grow();
        }
        tokens[end] = token;
        waiters[end++] = waiter;
    }

    /** What is added from now on is woken by this. */
    public void by(Pollable pollable) {
        token = pollable.token();
    }

    /** All of it or nothing: there may be no memory. */
    private void grow() {
        long[] moreTokens = Arrays.copyOf(tokens, tokens.length * 2);
        waiters = Arrays.copyOf(waiters, waiters.length * 2);
        tokens = moreTokens;
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
                grow();
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

    /**
     * By which registration the one was woken that was taken out last, and is run now; 0 if there is none. For another thread that looks: it
     * may see what was before.
     */
    public long running() {
        long[] known = tokens;
        int running = first - 1;
        return running >= 0 && running < known.length ? known[running] : Pollable.UNREGISTERED;
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
