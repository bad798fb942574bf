package io.netpark.callback;

/** What becomes of a callback that no worker has room for. */
public enum Rejection {

    /** It is called on the event loop, which serves nobody else meanwhile: for callbacks that do not block. */
    RUN_ON_LOOP,

    /** The connection is closed, with {@link io.netpark.core.sys.NetparkException.LimitExceeded} as the cause. */
    CLOSE
}
