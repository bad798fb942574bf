package io.netpark.bench.redis;

import java.util.List;
import java.util.Locale;

/**
 * What redis-benchmark is asked to do.
 *
 * @param command {@code get} or {@code set}
 * @param depth requests in flight on each connection
 */
public record RedisShape(String command, int depth) {

    /** Connections. */
    public static final int CONNECTIONS = 50;
    /** Keys to choose from. */
    public static final int KEYS = 10_000;
    /** Bytes of a value. */
    public static final int VALUE = 64;

    /** All of them. A SET comes first: it makes the keys that a GET finds. */
    public static final List<RedisShape> ALL = List.of(
            new RedisShape("set", 1), new RedisShape("get", 1), new RedisShape("set", 16), new RedisShape("get", 16));

    /** Such as {@code GET-P16}. */
    public String label() {
        return command.toUpperCase(Locale.ROOT) + "-P" + depth;
    }
}
