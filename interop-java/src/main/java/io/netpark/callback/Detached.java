package io.netpark.callback;

/**
 * A connection that was taken out of its event loop.
 *
 * @param descriptor open, non-blocking; to be closed by its owner
 * @param unread bytes that were read from it and not used: they come before what can still be read
 * @see CallbackConnection#detach
 * @see CallbackClient#adopt
 */
public record Detached(int descriptor, byte[] unread) {}
