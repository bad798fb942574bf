package io.netpark.core.net.serving.rules;

import io.netpark.core.counting.Counters;
import io.netpark.core.loop.EventLoop;

/**
 * Tells of failures of connections: the program if it wants to know, or else the reporter. Each failure is told once. Throws nothing, and
 * finds words only where there is memory for them.
 *
 * @param <C> a connection, or its handler
 */
public abstract class FailureReports<C> {

    /** On which loop the connection lives. */
    protected abstract EventLoop loopOf(C connection);

    /**
     * Tells the program.
     *
     * @return false if it does not want to know
     * @throws Exception if the program's code does; that is reported
     */
    protected abstract boolean tellProgram(C connection, Throwable failure) throws Exception;

    /** The text of a report. */
    protected String describe(C connection, String because) {
        return connection + ": " + because;
    }

    /** The text of a report about a handler. */
    protected static String describeHandler(Object connection, String because, long droppedBytes) {
        return "The handler of " + connection + " " + because + "; the connection is closed"
                + (droppedBytes > 0 ? "; " + droppedBytes + " bytes that it had not flushed are dropped" : "");
    }

    /** Counts a handler, or a callback, that has failed by anything else than what the peer did to the connection; each failure once. */
    protected final void count(C connection) {
        Counters counters = loopOf(connection).counters();
        if (counters != null) {
            try {
                counters.handlerFailed();
            } catch (Throwable noMemory) {
                // The count grows where many threads count at a time. Whoever is to be told of the failure is told nevertheless.
            }
        }
    }

    /**
     * Tells of a failure.
     *
     * @param because what has happened, for the report: {@code failed}
     * @param isNews whether the failure is reported if the program does not want to know, or throws
     */
    public final void tell(C connection, String because, Throwable failure, boolean isNews) {
        try {
            if (!tellProgram(connection, failure) && isNews) {
                report(connection, because, failure);
            }
        } catch (Throwable e) {
            if (isNews) {
                report(connection, because, failure);
            }
            report(connection, "failed, and so did the code that was told of it", e);
        } finally {
            EventLoop.leaveUserCode();
        }
    }

    /** Tells the reporter, and nobody else. */
    public final void report(C connection, String because, Throwable failure) {
        String what = "Something has failed on behalf of a connection";
        try {
            what = describe(connection, because);
        } catch (Throwable noMemory) {
            // Then the general words have to do.
        }
        loopOf(connection).report(what, failure);
    }
}
