package io.netpark.callback;

/** Decides what becomes of a callback that no worker has room for. */
@FunctionalInterface
public interface RejectionHandler {

    /**
     * On the connection's event loop, before the callback. Must not block; may close the connection itself, after
     * writing an apology. If it throws, the connection is closed, and that is told
     * as a {@linkplain Callbacks.Builder#onFailure failure}.
     */
    Rejection rejected(CallbackConnection connection);
}
