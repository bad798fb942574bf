package io.netpark.callback.messages;

/** What became of a message that was given to {@link CallbackMessages#send}. */
public enum SendResult {
    /** The kernel has taken it. That is no promise that it arrives. */
    SENT,
    /** A copy waits, behind those that came before, until the kernel takes it. */
    PENDING,
    /** It is gone: as many wait already as may. */
    DROPPED
}
