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
    /** Stack of free indices below {@link #used}. */
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
        int index = freeCount > 0 ? free[--freeCount] : used++;
        if (index == slots.length) {
            slots = Arrays.copyOf(slots, index * 2);
            generations = Arrays.copyOf(generations, index * 2);
        }
        if (++generations[index] == 0) {
            generations[index] = 1;
        }
        long token = (long) generations[index] << 32 | index;
        pollable.token(token);
        SLOT.setVolatile(slots, index, pollable);
        return token;
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
        if (freeCount == free.length) {
            free = Arrays.copyOf(free, freeCount * 2);
        }
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

    /** Everything registered now. */
    synchronized Pollable[] all() {
        return Arrays.stream(slots).filter(p -> p != null).toArray(Pollable[]::new);
    }

    /** How many are registered now. */
    synchronized int size() {
        return used - freeCount;
    }
}
