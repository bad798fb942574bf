package io.netpark.callback.delivery;

/** What becomes of a call that no worker has room for. Users know it as {@code Rejection}. */
public enum Refusal { WAIT, RUN_ON_LOOP, CLOSE }
