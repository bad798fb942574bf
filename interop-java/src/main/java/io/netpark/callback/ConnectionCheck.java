package io.netpark.callback;

import java.util.concurrent.CompletionStage;

/** Asks a pooled connection that has been idle whether it is good, by a round trip, say. */
@FunctionalInterface
public interface ConnectionCheck {

    /**
     * Called on the event loop of the connection.
     *
     * @param connection without callbacks: {@link CallbackConnection#onRequest} sets the one for the answer
     * @return completes, on any thread, with whether the connection may be lent; one that may not, or of which the check fails or
     *     takes longer than its borrower waits, is closed
     */
    CompletionStage<Boolean> check(CallbackConnection connection) throws Exception;
}
