package io.netpark.blocking;

import io.netpark.core.loop.EventLoop;
import io.netpark.core.net.serving.rules.FailureKind;
import io.netpark.core.net.serving.rules.FailureReports;
import org.jspecify.annotations.Nullable;

/** Tells of the handlers that have failed, of one call of {@link BlockingListener#serve}. */
final class Failures extends FailureReports<Handling> {

    private final @Nullable BlockingFailureHandler onFailure;

    Failures(@Nullable BlockingFailureHandler onFailure) {
        this.onFailure = onFailure;
    }

    /** What the peer has done has been counted by the operation that found it. */
    void tell(Handling handling, String because, Throwable failure) {
        FailureKind kind = FailureKind.of(failure, handling.connection.core, loopOf(handling).isShutdown());
        if (kind == FailureKind.OTHER) {
            count(handling);
        }
        if (kind != FailureKind.CLOSED_HERE) {
            tell(handling, because, failure, onFailure != null || kind == FailureKind.OTHER);
        }
    }

    @Override
    protected boolean tellProgram(Handling handling, Throwable failure) throws Exception {
        if (onFailure == null) {
            return false;
        }
        onFailure.failed(handling.connection, failure);
        return true;
    }

    @Override
    protected EventLoop loopOf(Handling handling) {
        return handling.connection.core.loop();
    }

    @Override
    protected String describe(Handling handling, String because) {
        return describeHandler(handling.connection, because, handling.dropped());
    }
}
