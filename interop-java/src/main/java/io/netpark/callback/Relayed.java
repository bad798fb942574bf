package io.netpark.callback;

/**
 * How many bytes a {@linkplain CallbackConnection#relay relay} has copied.
 *
 * @param there from the connection that was asked, to the other
 * @param back from the other
 */
public record Relayed(long there, long back) {}
