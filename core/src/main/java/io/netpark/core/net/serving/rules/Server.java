package io.netpark.core.net.serving.rules;

import io.netpark.core.net.serving.Shutdown;

/** A server, as its {@link Ending} sees it. Whoever goes through the phases of the ending calls these, one after the other. */
public interface Server {

    /** The first phase begins: handlers and callbacks see from now on that the server is draining. */
    void announce();

    /** Closes the listeners. The connections that are open now will be in the report. */
    void stopAccepting();

    /** Ends the connections that wait for a request, and from now on those that come to do so. */
    void endIdle();

    /**
     * The time to finish is over: nothing is read any more, and what has been written is sent.
     *
     * @param nanos time for that; it may be 0
     * @return whether there is something to wait for
     */
    boolean flush(long nanos);

    /**
     * Closes what is left, by a reset where an answer is incomplete. A connection that is accepted by a straggler is closed at once.
     *
     * @param because for the exception that tells of it: {@code as the time to finish was over}
     * @return how many connections were left
     */
    int cutOff(String because);

    /**
     * What became of the connections.
     *
     * @param cut how many were cut off
     */
    Shutdown.Report report(int cut);
}
