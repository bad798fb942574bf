package io.netpark.callback.simulation;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;

/**
 * Programs of callbacks that are made of a seed, checked against a model of what a connection may be told and when: {@link TalkingSide}.
 * Nothing is left open, nothing is reported, nothing waits for ever. {@code -Dnetpark.test.programs} says how many,
 * {@code -Dnetpark.test.programs.seed} from which seed on. Those of seeds.txt come first.
 */
class RandomCallbacksTest {

    private static final SomeCallbacks PROGRAMS = new SomeCallbacks();

    @AfterAll
    static void end() {
        PROGRAMS.end();
    }

    @Test
    void everyProgramIsToldWhatTheModelAllows() throws IOException {
        long first = Long.getLong("netpark.test.programs.seed", 1);
        Long chosen = Long.getLong("netpark.test.programs");
        long count = chosen == null ? 100 : chosen;
        failedSeeds().forEach(RandomCallbacksTest::run);
        long begin = System.nanoTime();
        for (long seed = first; seed < first + count; seed++) {
            run(seed);
        }
        if (chosen != null) {
            long millis = Math.max(1, TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - begin));
            System.out.println(count + " programs, " + count * 1000 / millis + " a second, " + PROGRAMS);
        }
    }

    private static void run(long seed) {
        try {
            PROGRAMS.accept(seed);
        } catch (Throwable e) {
            throw new AssertionError("seed " + seed, e);
        }
    }

    private static List<Long> failedSeeds() throws IOException {
        try (InputStream seeds = Objects.requireNonNull(RandomCallbacksTest.class.getResourceAsStream("seeds.txt"))) {
            return new String(seeds.readAllBytes(), StandardCharsets.UTF_8).lines().map(line -> line.replaceFirst("#.*", "").trim())
                    .filter(line -> !line.isEmpty()).map(Long::valueOf).toList();
        }
    }
}
