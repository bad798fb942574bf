package io.netpark.blocking;

import io.netpark.core.fd.Direction;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/**
 * One connection in the hands of its handler.
 *
 * <pre>
 *   given to the executor --runs--> its TLS handshake, if any --over---> handled
 *                                                             --fails, or no request is wanted any more--> closed
 *                         --rejected--> closed
 *   handled --returns--> what it has written is flushed --> closed
 *           --throws---> what it has not flushed is dropped; reset in the midst of an answer --> closed
 *   any of these --cut off--> closed at once, as after a failure; the handler's thread is interrupted
 * </pre>
 */
final class Handling implements Runnable {

    private final Handlers handlers;
    final BlockingConnection connection;
    private final BlockingHandler handler;
    private final Failures failures;
    /** In bytes, what the handler had not flushed when it failed. */
    private long dropped;

    /** Guarded by this, as are the next: an interrupt must not reach what the thread does after the handler. */
    private @Nullable Thread thread;
    private boolean begun;
    private boolean cut;
    /** Its handshake goes on. */
    private boolean secures;

    /** It waits for a request. Set by the handler's thread, as the next. */
    private volatile boolean idle;
    /** It has had something to do since the listener stopped to accept. */
    private volatile boolean busyInTheEnd;
    /** It was told that no request is wanted, and there was none. */
    private volatile boolean withoutRequest;

    Handling(Handlers handlers, BlockingConnection connection, BlockingHandler handler, Failures failures) {
        this.handlers = handlers;
        this.connection = connection;
        this.handler = handler;
        this.failures = failures;
        connection.servedBy(this);
    }

    /** Whatever the executor does, the connection is somebody's or closed afterwards. */
    void start(Executor executor) {
        try {
            executor.execute(this);
        } catch (Throwable e) { // it rejects, or there is no thread or memory to be had
            if (!refuse(e)) {
                connection.core.loop().report("The executor that runs the handler of " + connection + " threw", e);
            }
        }
    }

    /** It has not begun, and will not. Returns false if it has. */
    boolean refuse(Throwable why) {
        if (!begin(null)) {
            return false;
        }
        try {
            connection.breakOff();
            failures.tell(this, "could not be run", why);
        } finally {
            end();
        }
        return true;
    }

    @Override
    public void run() {
        if (!begin(Thread.currentThread())) {
            return;
        }
        try {
            Throwable failure = null;
            try {
                if (isSecured()) {
                    handler.handle(connection);
                    connection.flushRest();
                }
            } catch (Throwable e) {
                failure = e;
                dropped = connection.breakOff();
            } finally {
                leave();
            }
            if (failure != null && !isInterruptOfCutting(failure)) {
                failures.tell(this, "failed", failure);
            }
        } finally {
            end();
        }
    }

    /** Waits for the end of the TLS handshake, if there is one. Returns whether the handler may have the connection. */
    private boolean isSecured() {
        if (!connection.core.hasTls()) {
            return true;
        }
        awaitsRequest();
        secures(true);
        try {
            if (handlers.endsIdle()) { // after it is known to be in its handshake: either this sees it, or endIdle does
                tellIdle();
            }
            connection.awaitTls();
        } catch (IOException e) {
            // The core has told of it, or it was closed here, or the thread is to end.
        } finally {
            secures(false);
        }
        if (connection.core.isClosed() || connection.tlsSession() == null) {
            withoutRequest = handlers.endsIdle();
            return false;
        }
        hasRequest();
        return true;
    }

    private synchronized void secures(boolean now) {
        secures = now;
    }

    private synchronized boolean begin(@Nullable Thread runner) {
        boolean first = !begun;
        begun = true;
        if (first) {
            thread = runner;
        }
        return first;
    }

    private synchronized void leave() {
        thread = null;
        if (cut) {
            Thread.interrupted(); // that was for the handler, and the thread may be a pool's
        }
    }

    private void end() {
        try {
            connection.closeBehindHandler(withoutRequest);
        } finally {
            handlers.ended(this);
        }
    }

    /** From any thread; the handler may feel it or not. One that has not begun never does: its executor may have dropped it. */
    void cutOff() {
        try {
            connection.breakOff();
        } finally {
            if (cut()) {
                end();
            }
        }
    }

    /** Returns whether the handler had not begun. */
    private synchronized boolean cut() {
        cut = true;
        if (thread != null) {
            thread.interrupt();
        }
        return begin(null);
    }

    synchronized boolean isRunBy(Thread caller) {
        return thread == caller;
    }

    private boolean isInterruptOfCutting(Throwable failure) {
        return (failure instanceof InterruptedException || failure instanceof InterruptedIOException) && isCut();
    }

    private synchronized boolean isCut() {
        return cut;
    }

    long dropped() {
        return dropped;
    }

    // Requests, as the handler asks for them

    void awaitsRequest() {
        idle = true;
    }

    void hasRequest() {
        idle = false;
        busyInTheEnd |= handlers.isCounting();
    }

    void endsWithoutRequest(boolean asNoneIsWanted) {
        withoutRequest = asNoneIsWanted;
    }

    boolean wantsNoRequest() {
        return handlers.endsIdle();
    }

    boolean isDraining() {
        return handlers.isDraining();
    }

    /** Accepting has stopped. */
    void lookWhetherBusy() {
        busyInTheEnd |= !idle;
    }

    /**
     * A read that is parked tries again, and finds that no request is wanted: harmless for all others. A client that has not even begun
     * its TLS handshake wants none.
     */
    synchronized void tellIdle() {
        if (secures && connection.core.awaitsFirstWord()) {
            connection.core.close();
        } else {
            connection.core.nudge(Direction.READ);
        }
    }

    /** Whether it has ended between two requests. */
    boolean wasIdle() {
        return withoutRequest && !busyInTheEnd;
    }
}
