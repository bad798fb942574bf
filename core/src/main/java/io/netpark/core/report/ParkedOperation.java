package io.netpark.core.report;

import java.util.List;

/**
 * An operation of a connection that waits for readiness, and who goes on when that comes.
 *
 * @param operation {@code read} or {@code write}
 * @param waiter who it is: {@code coroutine}, with its name if its context has one; {@code thread} and its name; {@code onRequest} or
 *     {@code onInput} and the class of that callback; {@code callbacks} without one; {@code output of callbacks}; otherwise the name of a
 *     class
 * @param frames where it goes on, the innermost frame first. Of a coroutine they are where each of its functions is suspended, by file
 *     and line. Of a thread, its stack. Of a callback there are none
 */
public record ParkedOperation(String operation, String waiter, List<StackTraceElement> frames) {

    /** Copies the list. */
    public ParkedOperation {
        frames = List.copyOf(frames);
    }
}
