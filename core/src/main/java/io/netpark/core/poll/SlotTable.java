package io.netpark.core.poll;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Finds the pollable an event is about, and drops events that are stale. The token given to the kernel is
 *
 * <pre>
 *   63            32 31             0
 *   |  generation   |     index     |
 * </pre>
 *
 * An index is used again as soon as its registration ends, each time with the next generation; an event fetched
 * before that still carries the old one and finds nothing. Adding and removing lock; looking up does not.
 */
final class SlotTable {

    private static final VarHandle SLOT = MethodHandles.arrayElementVarHandle(Pollable[].class);

    private volatile Pollable[] slots = new Pollable[64];
    /** Of the registration in the slot, or of the last one; 0 is never a generation, so 0 is never a token. */
    private int[] generations = new int[64];
    /** Stack of free indices below {@link #used}; as long as the others, so that giving an index back needs no memory. */
    private int[] free = new int[64];
    private int freeCount;
    private int used;

    static int index(long token) {
        return (int) token;
    }

    /** Reserves an index, gives the pollable its token, and returns it. */
    synchronized long add(Pollable pollable) {
        if (pollable.token() != Pollable.UNREGISTERED) {
            throw new IllegalStateException(pollable + " is registered already");
        }
        if (freeCount == 0 && used == slots.length) {
            grow();
        }
        int index = freeCount > 0 ? free[--freeCount] : used++;
        if (++generations[index] == 0) {
            generations[index] = 1;
        }
        long token = (long) generations[index] << 32 | index;
        pollable.token(token);
        SLOT.setVolatile(slots, index, pollable);
        return token;
    }

    /** All of it or nothing: there may be no memory. */
    private void grow() {
        Pollable[] moreSlots = Arrays.copyOf(slots, used * 2);
        int[] moreGenerations = Arrays.copyOf(generations, used * 2);
        free = new int[used * 2]; // none is free
        generations = moreGenerations;
        slots = moreSlots;
    }

    /** Gives the index back. False if the token is stale: somebody else has removed it. */
    synchronized boolean remove(long token) {
        Pollable pollable = get(token);
        if (pollable == null) {
            return false;
        }
        int index = index(token);
        SLOT.setVolatile(slots, index, null);
        pollable.token(Pollable.UNREGISTERED);
        free[freeCount++] = index;
        return true;
    }

    /** The pollable registered under this very token, or null. */
    @Nullable Pollable get(long token) {
        int index = index(token);
        Pollable[] current = slots;
        if (index < 0 || index >= current.length) {
            return null;
        }
        Pollable pollable = (Pollable) SLOT.getVolatile(current, index);
        return pollable != null && pollable.token() == token ? pollable : null;
    }

    /** What is registered at an index below {@link #bound}, or null. For a walk through all that needs no memory. */
    synchronized @Nullable Pollable at(int index) {
        return slots[index];
    }

    /** All indices in use are below. */
    synchronized int bound() {
        return used;
    }

    /** Everything registered now. */
    synchronized Pollable[] all() {
        return Arrays.stream(slots).filter(p -> p != null).toArray(Pollable[]::new);
    }

    /** How many are registered now. */
    synchronized int size() {
        return used - freeCount;
    }
}
