package io.netpark.core.pool;

/** Why a pool has closed a connection. */
public enum Eviction {
    /** The peer has closed or reset it while it was idle, or between two borrowers. */
    PEER_CLOSED,
    /** Bytes have come that nobody asked for: the next borrower would take them for its answer. */
    UNASKED_BYTES,
    /** It has been idle for too long. */
    IDLE,
    /** It has become too old. */
    LIFETIME,
    /** Its borrower has failed, was cancelled, closed it, or left something unread or unsent. */
    DISCARDED,
    /** The user's own check said so. */
    CHECK,
    /** Another destination needed the room. */
    ROOM,
    /** The pool, or its event loops, were closed. */
    POOL_CLOSED
}
