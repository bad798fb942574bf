package io.netpark.callback.lifecycle;

import io.netpark.callback.delivery.CallSource;
import io.netpark.callback.delivery.Crew;
import io.netpark.callback.delivery.Delivery;
import io.netpark.callback.delivery.Refusal;
import io.netpark.callback.delivery.UserCallbacks;
import io.netpark.callback.input.Input;
import io.netpark.callback.state.Ending;
import io.netpark.core.loop.EventLoop;
import io.netpark.core.sys.NetparkException;
import org.jspecify.annotations.Nullable;

/** When it is time for the callbacks of a connection, and what follows each. Told by a {@link Delivery}, also when that is at rest. */
final class ConnectionCalls implements CallSource, Runnable {

    private final Lifecycle life;
    private final @Nullable Crew crew;
    /** To be run on the loop after the connect callback, or instead of it. */
    private @Nullable Runnable onConnected;

    ConnectionCalls(Lifecycle life, @Nullable Crew crew) {
        this.life = life;
        this.crew = crew;
    }

    private UserCallbacks callbacks() {
        return life.callbacks();
    }

    private Ending ending() {
        return life.ending();
    }

    private Input input() {
        return life.input();
    }

    void connect(Delivery delivery, Runnable also) {
        onConnected = also;
        delivery.want(Delivery.CONNECT);
    }

    private void connected() {
        Runnable also = onConnected;
        onConnected = null;
        if (also != null) {
            also.run();
        }
    }

    /** The connection has ended, and no call is out. */
    @Override
    public void run() {
        life.closed();
        connected();
    }

    @Override
    public boolean mayCall(int event) {
        return switch (event) {
            case Delivery.CONNECT -> input().mayBeCalled();
            case Delivery.AGAIN -> mayRead();
            case Delivery.INPUT -> mayRead() && !input().isPaused() && input().fresh() > 0;
            case Delivery.WRITABLE -> ending().isOpen() && !life.output().isClosing();
            default -> mayRead() && input().fresh() == 0 && !input().isAskedAgain() && input().mayTellEnd();
        };
    }

    /** Whether what has come is the callbacks', and not somebody's to whom the input is lent. */
    private boolean mayRead() {
        return input().mayBeCalled() && !input().isLent();
    }

    @Override
    public boolean isEmpty(int event) {
        return event == Delivery.CONNECT && !callbacks().hasConnect()
                || event == Delivery.WRITABLE && !callbacks().hasWritable()
                || event == Delivery.HALF_CLOSE && (!callbacks().hasHalfClose() || input().isCutShort());
    }

    @Override
    public void before(int event) {
        if (event == Delivery.AGAIN || event == Delivery.INPUT) {
            try {
                input().handOut();
            } catch (Throwable e) { // the call goes out all the same, with what could be handed out
                ending().failed("its input could not be handed to a worker", e);
            }
        }
    }

    @Override
    public void call(int event) {
        String name = "";
        try {
            switch (event) {
                case Delivery.CONNECT -> {
                    name = "onConnect";
                    callbacks().connect();
                }
                case Delivery.WRITABLE -> {
                    name = "onWritable";
                    callbacks().writable();
                }
                case Delivery.HALF_CLOSE -> {
                    name = "onHalfClose";
                    callbacks().halfClose();
                }
                default -> input().callWorker();
            }
        } catch (Throwable e) {
            ending().callbackFailed(name, e);
        } finally {
            EventLoop.leaveUserCode();
        }
    }

    @Override
    public void after(int event) {
        try {
            returned(event);
        } catch (Throwable e) {
            ending().failed("what follows a callback failed", e);
        }
    }

    private void returned(int event) {
        switch (event) {
            case Delivery.CONNECT -> {
                connected();
                input().start();
            }
            case Delivery.WRITABLE -> life.mayBeIdle();
            case Delivery.HALF_CLOSE -> {
                if (!input().endIfCutShort()) {
                    halfCloseTold();
                }
            }
            default -> input().taken();
        }
    }

    private void halfCloseTold() {
        if (callbacks().hasHalfClose()) {
            life.endIfBothHalvesHave();
        } else {
            life.output().close();
        }
    }

    @Override
    public void begins(int event) {
        if (event != Delivery.CONNECT) { // which begins to read when it has returned
            try {
                input().wantedAgain();
            } catch (Throwable e) { // no memory for the task: nobody would read on
                ending().failed("reading could not go on", e);
            }
        }
    }

    @Override
    public Refusal refused() throws Exception {
        return callbacks().refused();
    }

    @Override
    public void failed(String because, Throwable thrown) {
        ending().failed(because, thrown);
    }

    @Override
    public void rejected(int event) {
        assert crew != null; // nobody else rejects
        NetparkException.LimitExceeded cause = new NetparkException.LimitExceeded(life + ": closed here, as no worker has"
                + " room for its callback: " + crew + "; more threads, a longer queue, or the policy to wait");
        cause.setAbout(crew); // and nothing that its peer has done
        ending().end(cause);
    }
}
