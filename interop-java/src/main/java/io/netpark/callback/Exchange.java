package io.netpark.callback;

import java.util.concurrent.atomic.AtomicBoolean;

/** A request of a connection that is being answered; see {@link CallbackConnection#beginExchange}. */
public final class Exchange implements AutoCloseable {

    private final Life life;
    private final boolean answering;
    private final AtomicBoolean over = new AtomicBoolean();

    /** @param answering whether this side is at work */
    Exchange(Life life, boolean answering) {
        this.life = life;
        this.answering = answering;
    }

    /** The answer has been written, or will not be. From any thread; can be called again. */
    @Override
    public void close() {
        if (over.compareAndSet(false, true)) {
            life.endExchange(answering);
        }
    }
}
