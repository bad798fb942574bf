package io.netpark.callback;

/** What becomes of a callback that no worker has room for. */
public enum Rejection {

    /**
     * It waits until there is room, in the order in which those that wait have come, and until then the connection is not read: its
     * peer has to wait. The default. It is given up when its connection ends; if the executor has been shut down, this is
     * {@link #CLOSE}.
     */
    WAIT,

    /** It is called on the event loop, which serves nobody else meanwhile: for callbacks that do not block. */
    RUN_ON_LOOP,

    /** The connection is closed, with {@link io.netpark.core.sys.NetparkException.LimitExceeded} as the cause. */
    CLOSE
}
