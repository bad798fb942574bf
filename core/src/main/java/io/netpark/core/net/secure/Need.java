package io.netpark.core.net.secure;

/** What a handshake needs before it can go on. */
public enum Need {
    /** Ciphertext to read. */
    INPUT,
    /** Room in the socket. */
    ROOM,
    /** {@link SecureStream#runTask} on a thread that may compute and wait. */
    TASK,
    /** Its turn is over, others are to have theirs. */
    TURN,
    /** Nothing: it is over. */
    NOTHING
}
