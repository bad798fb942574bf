package io.netpark.bench.redis;

import io.netpark.bench.machine.Cores;
import io.netpark.core.sys.Binding;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** What is compared. */
public enum RedisContender {
    REDIS_SERVER(null),
    NETPARK_FFM(Binding.FFM),
    NETPARK_JNA(Binding.JNA);

    private final @Nullable Binding binding;

    RedisContender(@Nullable Binding binding) {
        this.binding = binding;
    }

    /** Its name in tables. */
    public String label() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    /** Why it cannot take part here; empty if it can. */
    public Optional<String> absence() {
        if (binding != null) {
            return Optional.ofNullable(binding.unavailability());
        }
        return Cores.onPath("redis-server") ? Optional.empty() : Optional.of("redis-server is not installed");
    }

    /** How it reaches the C library, if it is Netpark; otherwise null. */
    public @Nullable Binding binding() {
        return binding;
    }

    /** Whether it is this project's. */
    public boolean isNetpark() {
        return binding != null;
    }
}
