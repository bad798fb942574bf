package io.netpark.core.fd;

import java.util.List;
import java.util.function.Supplier;

/**
 * Whoever is parked in a {@link ParkingSlot}: a coroutine, a callback, a thread. Whoever takes a waiter out of the slot
 * runs it, once; a waiter may then be parked again.
 *
 * <p>{@code run} carries no result. It says "look again": the woken side re-reads the error word and repeats its
 * system call, so a stale event, a late timer or a wake-up meant for an earlier park does no harm. It runs on the
 * descriptor's event loop, outside of any other user code (on the caller's thread only if that loop has ended).
 */
@FunctionalInterface
public interface Waiter extends Runnable {

    /**
     * Who it is, in a few words, for somebody who looks while it is parked. On the descriptor's loop, while another thread may be waking
     * it.
     */
    default String who() {
        return getClass().getName();
    }

    /**
     * Where it goes on, the innermost frame first, as far as there is code that waits. Is called as {@link #who} is, and must not take
     * long; what it returns is called by another thread, and may.
     */
    default Supplier<List<StackTraceElement>> frames() {
        return List::of;
    }
}
