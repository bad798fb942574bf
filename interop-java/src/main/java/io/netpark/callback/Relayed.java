package io.netpark.callback;

/**
 * How many bytes a {@linkplain CallbackConnection#relay relay} has copied.
 *
 * @param toOther from the connection that was asked, to the other
 * @param fromOther from the other
 */
public record Relayed(long toOther, long fromOther) {}
