package io.netpark.blocking;

/**
 * How many bytes a {@link BlockingConnection#relay} has copied.
 *
 * @param toOther from the first connection to the second
 * @param fromOther from the second to the first
 */
public record Relayed(long toOther, long fromOther) {}
