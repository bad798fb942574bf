package io.netpark.core.pool;

/** Why a pool has closed a connection. */
public enum Eviction {
    /** The peer closed or reset the connection while it was idle, or between two borrowers. */
    PEER_CLOSED,
    /** Unexpected bytes came: the next borrower would take them for its answer. */
    UNASKED_BYTES,
    /** The connection was idle for too long. */
    IDLE,
    /** The connection became too old. */
    LIFETIME,
    /** The borrower failed, was cancelled, closed the connection, or left something unread or unsent. */
    DISCARDED,
    /** The user's check rejected the connection. */
    CHECK,
    /** Another destination needed the room. */
    ROOM,
    /** The pool or its event loops were closed. */
    POOL_CLOSED
}
