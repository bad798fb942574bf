package io.netpark.callback;

import io.netpark.core.sys.NetparkException;
import org.jspecify.annotations.Nullable;

/** The callbacks of one connection as workers run them. */
final class WorkerCalls implements Turns.Calls {

    private final CallbackConnection connection;
    private final Callbacks callbacks;
    private final WorkerInbox inbox;
    private final Turns turns;
    private final Workers workers;
    /** To be run on the loop after the connect callback, or instead of it. */
    private @Nullable Runnable onConnected;

    WorkerCalls(CallbackConnection connection, Limits limits, Workers workers) {
        this.connection = connection;
        this.callbacks = connection.callbacks;
        this.workers = workers;
        this.inbox = new WorkerInbox(connection, this, limits);
        this.turns = new Turns(connection, this, workers, connection.loop()::tryExecute);
    }

    Turns turns() {
        return turns;
    }

    WorkerInbox inbox() {
        return inbox;
    }

    void connect(Runnable also) {
        onConnected = also;
        turns.want(Turns.CONNECT);
    }

    private void connected() {
        Runnable also = onConnected;
        onConnected = null;
        if (also != null) {
            also.run();
        }
    }

    /** On the loop: the connection has ended. */
    void end(Runnable whenAtRest) {
        inbox.feed(); // a worker that waits need not any more
        turns.whenAtRest(() -> {
            whenAtRest.run();
            connected();
        });
    }

    @Override
    public boolean mayCall(int event) {
        return switch (event) {
            case Turns.CONNECT -> connection.mayBeCalled();
            case Turns.AGAIN -> mayRead();
            case Turns.INPUT -> mayRead() && !connection.input.isPaused() && inbox.hasFresh();
            case Turns.WRITABLE -> connection.life.isWritableCallbackDue();
            default -> mayRead() && !inbox.hasFresh() && !connection.input.isAskedAgain() && connection.input.mayTellEnd();
        };
    }

    /** Whether what has come is the callbacks', and not somebody's to whom the input is lent. */
    private boolean mayRead() {
        return connection.mayBeCalled() && !connection.input.isLent();
    }

    @Override
    public boolean isEmpty(int event) {
        return event == Turns.CONNECT && !callbacks.hasConnect()
                || event == Turns.WRITABLE && !callbacks.hasWritable()
                || event == Turns.HALF_CLOSE && (callbacks.halfClose == null || connection.input.isCutShort());
    }

    @Override
    public void before(int event) {
        if (event == Turns.AGAIN || event == Turns.INPUT) {
            try {
                connection.input.unexpect();
                inbox.handOut();
            } catch (Throwable e) { // the call goes out all the same, with what could be handed out
                connection.life.failed("its input could not be handed to a worker", e);
            }
        }
    }

    @Override
    public void call(int event) {
        switch (event) {
            case Turns.CONNECT -> connection.life.call("onConnect", callbacks.connect);
            case Turns.WRITABLE -> connection.life.call("onWritable", callbacks.writable);
            case Turns.HALF_CLOSE -> connection.life.callHalfClose();
            default -> inbox.call();
        }
    }

    @Override
    public void after(int event) {
        try {
            returned(event);
        } catch (Throwable e) {
            connection.life.failed("what follows a callback failed", e);
        }
        connection.life.callReturned();
    }

    private void returned(int event) {
        switch (event) {
            case Turns.CONNECT -> {
                connected();
                connection.input.start();
            }
            case Turns.WRITABLE -> connection.life.mayBeIdle();
            case Turns.HALF_CLOSE -> {
                if (!connection.input.endIfCutShort()) {
                    connection.life.halfCloseTold();
                }
            }
            default -> {
                inbox.takeBack();
                connection.input.taken();
            }
        }
    }

    @Override
    public void begins(int event) {
        if (event != Turns.CONNECT) { // which begins to read when it has returned
            try {
                connection.input.wantedAgain();
            } catch (Throwable e) { // no memory for the task: nobody would read on
                connection.life.failed("reading could not go on", e);
            }
        }
    }

    @Override
    public void failed(String because, Throwable thrown) {
        connection.life.failed(because, thrown);
    }

    @Override
    public void rejected(int event) {
        NetparkException.LimitExceeded cause = new NetparkException.LimitExceeded(connection + ": closed here, as no worker has"
                + " room for its callback: " + workers + "; more threads, a longer queue, or the policy to wait");
        cause.setAbout(workers); // and nothing that its peer has done
        connection.life.end(cause);
    }
}
