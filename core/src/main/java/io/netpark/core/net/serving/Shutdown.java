package io.netpark.core.net.serving;

import io.netpark.core.sys.Due;
import java.time.Duration;

/**
 * How a server comes to its end: in phases, each with its time, and each over as soon as there is nothing left to wait for.
 *
 * <ol>
 *   <li><b>Announce</b>: connections are accepted still, and handlers can see that the server is draining. Time for load
 *       balancers to look elsewhere.
 *   <li><b>Finish</b>: nobody is accepted any more. Connections that are idle, between two requests, are closed at once; others
 *       when they become so, or by their handlers.
 *   <li><b>Flush</b>: nothing is read any more. What has been written is sent.
 *   <li>What is left is cut off: closed, by a reset where an answer is incomplete, whatever the program's code does.
 * </ol>
 *
 * <p>A time may be as long as a {@link Duration} can be: then it is waited for for ever.
 *
 * An immutable value: {@code Shutdown.within(Duration.ofSeconds(10)).announcing(Duration.ofSeconds(5))}. A time is at most
 * {@link Due#FOREVER}, which stands for anything longer.
 *
 * @param announce time to accept still
 * @param finish time for requests in progress
 * @param flush time for what is written by then
 * @param keepIdle whether connections are left alone in the second phase though they are idle
 */
public record Shutdown(Duration announce, Duration finish, Duration flush, boolean keepIdle) {

    /** @throws IllegalArgumentException if a time is negative */
    public Shutdown {
        announce = usable(announce, "time to announce");
        finish = usable(finish, "time to finish");
        flush = usable(flush, "time to flush");
    }

    /** So that times can be added and waited for. */
    private static Duration usable(Duration time, String what) {
        Due.notNegativeNanos(time, what);
        return Due.atMostForever(time);
    }

    /** So much time for requests in progress, and none for the other phases. */
    public static Shutdown within(Duration finish) {
        return new Shutdown(Duration.ZERO, finish, Duration.ZERO, false);
    }

    /** The same, with this time to accept still. */
    public Shutdown announcing(Duration time) {
        return new Shutdown(time, finish, flush, keepIdle);
    }

    /** The same, with this time to send what is written. */
    public Shutdown flushing(Duration time) {
        return new Shutdown(announce, finish, time, keepIdle);
    }

    /** The same, for protocols in which the client decides when it is over: idle connections are not closed before the rest. */
    public Shutdown keepingIdle() {
        return new Shutdown(announce, finish, flush, true);
    }

    /**
     * What became of the connections that were open when accepting stopped.
     *
     * @param idle waiting for a request at that moment, and closed without one
     * @param finished at work at that moment, and closed by their peers or handlers, or for being idle, in their time
     * @param flushed closed when what was pending had been sent
     * @param cut cut off; what they were doing is lost
     */
    public record Report(int idle, int finished, int flushed, int cut) {

        /** Such as {@code 3 idle, 10 finished, 0 flushed, 1 cut off}. */
        @Override
        public String toString() {
            return idle + " idle, " + finished + " finished, " + flushed + " flushed, " + cut + " cut off";
        }
    }
}
