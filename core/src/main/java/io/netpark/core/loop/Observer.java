package io.netpark.core.loop;

import io.netpark.core.poll.Pollable;
import io.netpark.core.sys.NetparkException;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

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

    /**
     * As {@link #closed(EventLoop, Pollable)}, which this calls unless it is overridden.
     *
     * @param life how long it has been since {@link #opened}
     */
    default void closed(EventLoop loop, Pollable connection, Duration life) {
        closed(loop, connection);
    }

    /** A connection was accepted and reset, because an admission limit is reached. */
    default void refused(EventLoop loop, Pollable listener) {}

    /** Descriptors or memory have run out: accepting pauses, and goes on by itself. Once an episode. */
    default void acceptPaused(EventLoop loop, Pollable listener, Throwable why) {}

    /**
     * A resolver has answered a dial that waits for it, with addresses or without. By the loop of the dial.
     *
     * @param failure null if there are addresses
     */
    default void resolved(EventLoop loop, String host, Duration took, @Nullable Throwable failure) {}

    /**
     * A dial has ended, before its outcome is told. One that was cancelled is not observed. By its loop; by another thread if the loops are
     * closed.
     *
     * @param remote what was dialed: host and port, or an address
     * @param took with the look-up of a name, and with the TLS handshake if there is one
     * @param failure null if there is a connection
     */
    default void dialed(EventLoop loop, String remote, Duration took, @Nullable NetparkException failure) {}

    /**
     * A TLS handshake has ended well, before those who wait for it are told. By the loop of the connection.
     *
     * @param protocol such as {@code TLSv1.3}
     * @param resumed whether it has resumed an earlier session
     */
    default void secured(EventLoop loop, Pollable connection, Duration took, String protocol, boolean resumed) {}

    /** A TLS handshake has failed, or was not over in time. By the loop of the connection, which is about to be closed. */
    default void notSecured(EventLoop loop, Pollable connection, Duration took, NetparkException why) {}

    /**
     * A turn of a loop took 10 ms or longer: what became ready meanwhile had to wait for its end. In groups with metrics only. By the
     * loop, when the turn has ended.
     *
     * @param took from the return of a wait to the next wait
     * @param longestRun how much of that was the longest run of what was parked on a descriptor; if that is little, the turn had much to do, or
     *     tasks or timers took the time
     * @param longestDelay how long the last of what was found ready had to wait for its run, from the return of the wait
     */
    default void longTurn(EventLoop loop, Duration took, Duration longestRun, Duration longestDelay) {}

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
            public void closed(EventLoop loop, Pollable connection, Duration life) {
                each.forEach(observer -> observer.closed(loop, connection, life));
            }

            @Override
            public void resolved(EventLoop loop, String host, Duration took, @Nullable Throwable failure) {
                each.forEach(observer -> observer.resolved(loop, host, took, failure));
            }

            @Override
            public void dialed(EventLoop loop, String remote, Duration took, @Nullable NetparkException failure) {
                each.forEach(observer -> observer.dialed(loop, remote, took, failure));
            }

            @Override
            public void secured(EventLoop loop, Pollable connection, Duration took, String protocol, boolean resumed) {
                each.forEach(observer -> observer.secured(loop, connection, took, protocol, resumed));
            }

            @Override
            public void notSecured(EventLoop loop, Pollable connection, Duration took, NetparkException why) {
                each.forEach(observer -> observer.notSecured(loop, connection, took, why));
            }

            @Override
            public void longTurn(EventLoop loop, Duration took, Duration longestRun, Duration longestDelay) {
                each.forEach(observer -> observer.longTurn(loop, took, longestRun, longestDelay));
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
