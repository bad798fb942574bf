package io.netpark.core.micrometer;

import io.micrometer.core.instrument.FunctionTimer;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.netpark.core.report.Durations;
import java.math.BigDecimal;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/**
 * {@link Durations} as meters: a timer has how many there were and how long they took in all, and a gauge for each bound has how many took at most
 * so long. The gauges are called {@code NAME.histogram} and have the bound in seconds as the tag {@code le}, as Micrometer's own have it where a
 * registry has no histograms: so {@code histogram_quantile} of Prometheus finds its way.
 */
final class DurationMeters {

    private static final int[] STEPS = {1, 2, 5};

    /** Of what a loop does. */
    static final List<Duration> MICROSECONDS_TO_SECONDS = steps(Duration.ofNanos(1_000), Duration.ofSeconds(10));
    /** Of what has to do with a peer. */
    static final List<Duration> MILLISECONDS_TO_MINUTES = steps(Duration.ofNanos(100_000), Duration.ofSeconds(100));
    /** Of what lasts. */
    static final List<Duration> MILLISECONDS_TO_DAYS = steps(Duration.ofMillis(1), Duration.ofSeconds(1_000_000));

    private static final int NANO_DIGITS = 9;
    private static final double NANOS_A_SECOND = 1e9;

    private final MeterRegistry registry;
    private final Tags tags;

    DurationMeters(MeterRegistry registry, Tags tags) {
        this.registry = registry;
        this.tags = tags;
    }

    /** 1, 2 and 5 times each power of ten: bounds of {@code DurationScale}, so what is counted at them is exact. */
    private static List<Duration> steps(Duration first, Duration last) {
        List<Duration> steps = new ArrayList<>();
        for (Duration decade = first; decade.compareTo(last) <= 0; decade = decade.multipliedBy(10)) {
            for (int step : STEPS) {
                Duration bound = decade.multipliedBy(step);
                if (bound.compareTo(last) <= 0) {
                    steps.add(bound);
                }
            }
        }
        return List.copyOf(steps);
    }

    /** The registry keeps {@code durations} reachable. */
    void register(String name, String description, List<Duration> bounds, Supplier<Durations> durations) {
        FunctionTimer.builder(name, durations, any -> durations.get().count(), any -> nanos(durations.get().sum()), TimeUnit.NANOSECONDS)
                .description(description).tags(tags).register(registry);
        for (Duration bound : bounds) {
            gauge(name, BigDecimal.valueOf(bound.toNanos(), NANO_DIGITS).stripTrailingZeros().toPlainString(),
                    () -> durations.get().atMost(bound));
        }
        gauge(name, "+Inf", () -> durations.get().count());
    }

    private void gauge(String name, String bound, Supplier<Number> count) {
        Gauge.builder(name + ".histogram", count).description("How many took at most that many seconds").tags(tags.and("le", bound))
                .register(registry);
    }

    private static double nanos(Duration time) {
        return time.getSeconds() * NANOS_A_SECOND + time.getNano();
    }
}
