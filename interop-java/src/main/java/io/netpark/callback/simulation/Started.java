package io.netpark.callback.simulation;

import java.util.concurrent.Callable;
import java.util.concurrent.FutureTask;
import org.jspecify.annotations.Nullable;

/** What a test has started on a thread of its own: its failure is the test's, unless the test has waited for it. */
final class Started<T extends @Nullable Object> extends FutureTask<T> {

    private volatile boolean awaited;
    private volatile @Nullable Throwable failure;

    Started(Callable<T> body) {
        super(body);
    }

    /** The test learns what becomes of it. */
    void awaited() {
        awaited = true;
    }

    @Override
    protected void setException(Throwable e) {
        failure = e;
        super.setException(e);
    }

    /** Null if it has not failed, or if the test has heard of it. */
    @Nullable Throwable unheardFailure() {
        return awaited ? null : failure;
    }
}
