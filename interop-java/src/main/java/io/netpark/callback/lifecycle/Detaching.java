package io.netpark.callback.lifecycle;

import io.netpark.callback.futures.OneByOne;
import io.netpark.callback.futures.Place;
import io.netpark.callback.futures.PlacedFuture;
import io.netpark.core.net.socket.Detached;
import io.netpark.core.sys.NetparkException;
import io.netpark.core.sys.OpenDescriptor;
import java.util.concurrent.CompletableFuture;

/**
 * Takes a connection out of its event loop as soon as nothing of it is in progress there.
 *
 * <pre>
 *   input held: no callback is called with bytes from now on
 *      --the callback that is running has returned--> --everything written has been taken--> detached, the future is told
 *      --cancelled, closed, or written to again----> input let go, the future is told
 * </pre>
 */
public final class Detaching {

    private final Lifecycle connection;
    private final PlacedFuture<Detached> future;
    /** Loop's thread only, as is the other. */
    private boolean waitedForOutput;
    private boolean over;

    private Detaching(Lifecycle connection) {
        this.connection = connection;
        this.future = connection.limits().newFuture(connection.loop());
    }

    /** From any thread: takes the connection out of its loop when nothing is in the way. */
    public static CompletableFuture<Detached> begin(Lifecycle connection) {
        Detaching begun = new Detaching(connection);
        if (!connection.input().hold()) {
            begun.future.completeExceptionally(new IllegalStateException(
                    "detach " + connection + ": it is being copied from, or detached; cancel that first"));
            return begun.future;
        }
        try {
            OneByOne.onLoop(connection.loop(), begun::goOn);
        } catch (Throwable e) { // no memory for the task
            connection.input().letGo();
            throw e;
        }
        begun.future.whenComplete((detached, failure) -> {
            if (begun.future.isCancelled()) { // the output may take its time
                OneByOne.onLoop(connection.loop(), begun::takeBack);
            }
        });
        return begun.future;
    }

    private void takeBack() {
        if (!over) {
            over = true;
            connection.input().letGo();
        }
    }

    /** On the loop, as a task; or elsewhere if that has ended, and the connection with it. */
    private void goOn() {
        if (over) {
            return;
        }
        try {
            if (future.isDone()) {
                takeBack();
            } else if (connection.isOpen() && connection.delivery().isOut()) {
                connection.delivery().afterCall(this::goOn);
            } else if (connection.isOpen() && !connection.output().isIdle() && !waitedForOutput) {
                waitedForOutput = true;
                awaitOutput();
            } else {
                finish();
            }
        } catch (Throwable e) { // no memory, say
            fail(e);
        }
    }

    /** Behind everything that has been written by now, and before anything else. */
    private void awaitOutput() {
        PlacedFuture<Void> written = new PlacedFuture<>(new Place(null, connection.loop()));
        written.whenComplete((nothing, failure) -> OneByOne.onLoop(connection.loop(), this::goOn));
        connection.output().write(connection.limits().newBuffer(), written);
    }

    private void finish() throws NetparkException.Closed {
        Detached detached = takeOut(connection);
        over = true;
        future.tell(() -> {
            if (!future.complete(detached)) {
                detached.close(); // cancelled at the last moment, and nobody else knows of it
            }
        });
    }

    private void fail(Throwable why) {
        takeBack();
        future.tellFailure(why);
    }

    /** On the loop, at once. Its input may be lent for this. */
    public static Detached takeOut(Lifecycle connection) throws NetparkException.Closed {
        requireDetachable(connection);
        connection.input().stop();
        byte[] unread;
        OpenDescriptor descriptor;
        try {
            unread = connection.input().copyUnread(); // first: there may be no memory for it
            descriptor = connection.core().detach();
        } catch (Throwable e) {
            connection.input().restart();
            throw e;
        }
        connection.ending().end(null);
        return new Detached(descriptor, unread);
    }

    private static void requireDetachable(Lifecycle connection) throws NetparkException.Closed {
        if (!connection.isOpen()) {
            throw connection.ending().closed("detach");
        }
        if (connection.delivery().isOut()) {
            throw new IllegalStateException("detach " + connection + ": a worker has one of its callbacks; call detachAsync");
        }
        if (connection.output().pendingBytes() > 0) {
            throw new IllegalStateException("detach " + connection + ": " + connection.output().pendingBytes()
                    + " bytes of output are pending; call detachAsync, or wait for their future");
        }
        if (!connection.output().isIdle()) {
            throw new IllegalStateException("detach " + connection + ": it is being copied to; cancel that first");
        }
    }
}
