package io.netpark.blocking;

/**
 * How many bytes a {@link BlockingConnection#relay} has copied.
 *
 * @param there from the first connection to the second
 * @param back from the second to the first
 */
public record Relayed(long there, long back) {}
