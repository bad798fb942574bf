package io.netpark.callback;

import io.netpark.callback.lifecycle.Lifecycle;
import java.util.concurrent.atomic.AtomicBoolean;

/** A request of a connection that is being answered; see {@link CallbackConnection#beginExchange}. */
public final class Exchange implements AutoCloseable {

    private final Lifecycle life;
    private final AtomicBoolean over = new AtomicBoolean();

    Exchange(Lifecycle life) {
        this.life = life;
        life.beginExchange();
    }

    /** The answer has been written, or will not be. From any thread; can be called again. */
    @Override
    public void close() {
        if (over.compareAndSet(false, true)) {
            life.endExchange();
        }
    }
}
