package io.netpark.core.loop;

import io.netpark.core.poll.Pollable;
import java.time.Duration;
import java.util.List;

/**
 * Is told what happens to the loops and connections of a group. It is called at once, on the thread where it happens. That is mostly
 * the loop's, so an observer must not block. An exception of an observer is reported and does no other harm. A descriptor's
 * {@code toString} names its addresses.
 */
public interface Observer {

    /** A connection has been accepted, dialed (it may not be established yet) or adopted. By any thread. */
    default void opened(EventLoop loop, Pollable connection) {}

    /** A connection's descriptor has been closed, or given away. By any thread. */
    default void closed(EventLoop loop, Pollable connection) {}

    /** A connection was accepted and reset, because an admission limit is reached. */
    default void refused(EventLoop loop, Pollable listener) {}

    /** Descriptors or memory have run out: accepting pauses, and goes on by itself. Once an episode. */
    default void acceptPaused(EventLoop loop, Pollable listener, Throwable why) {}

    /**
     * One callback, task or coroutine holds the loop for longer than the watchdog allows. Once an episode, by the watchdog's
     * thread.
     *
     * @param atLeast how long it has been running
     * @param where its stack is that of the loop's thread
     */
    default void held(EventLoop loop, Duration atLeast, Throwable where) {}

    /** What held the loop has returned; by the watchdog's thread, so a little late. */
    default void released(EventLoop loop, Duration about) {}

    /**
     * A loop has ended by a failure, though nobody has closed it: its poller keeps failing. What lived on it is closed. By the
     * loop's thread, before it ends.
     */
    default void lost(EventLoop loop, Throwable why) {}

    /** An observer that tells all of these, in their order. */
    static Observer all(Observer... observers) {
        List<Observer> each = List.of(observers);
        return new Observer() {
            @Override
            public void opened(EventLoop loop, Pollable connection) {
                each.forEach(observer -> observer.opened(loop, connection));
            }

            @Override
            public void closed(EventLoop loop, Pollable connection) {
                each.forEach(observer -> observer.closed(loop, connection));
            }

            @Override
            public void refused(EventLoop loop, Pollable listener) {
                each.forEach(observer -> observer.refused(loop, listener));
            }

            @Override
            public void acceptPaused(EventLoop loop, Pollable listener, Throwable why) {
                each.forEach(observer -> observer.acceptPaused(loop, listener, why));
            }

            @Override
            public void held(EventLoop loop, Duration atLeast, Throwable where) {
                each.forEach(observer -> observer.held(loop, atLeast, where));
            }

            @Override
            public void lost(EventLoop loop, Throwable why) {
                each.forEach(observer -> observer.lost(loop, why));
            }

            @Override
            public void released(EventLoop loop, Duration about) {
                each.forEach(observer -> observer.released(loop, about));
            }
        };
    }
}
