package io.netpark.core.net.secure;

/** How a connection ends: what this side says last. */
public enum Farewell {
    /** Close_notify, behind everything that was written. */
    ORDERLY,
    /** What was said before, an alert mostly. */
    FAILED,
    /** Nothing: what the socket has not taken is dropped. */
    ABRUPT
}
