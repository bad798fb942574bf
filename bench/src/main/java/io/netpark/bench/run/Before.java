package io.netpark.bench.run;

import io.netpark.bench.machine.BenchFailure;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * An earlier build of this project, measured beside the present one in the same rounds: what else the machine does then concerns both.
 * The environment variable {@value #VARIABLE} has the class path of its benchmarks.
 */
final class Before {

    static final String VARIABLE = "NETPARK_BENCH_BEFORE";

    private Before() {}

    static @Nullable String classPath() {
        String path = System.getenv(VARIABLE);
        return path == null || path.isBlank() ? null : path;
    }

    /** As {@link Jvm#command}, with that class path. */
    static List<String> command(List<String> properties, Class<?> main, String... arguments) {
        String path = classPath();
        if (path == null) {
            throw new BenchFailure(VARIABLE + " names no earlier build");
        }
        return Jvm.command(path, properties, main, arguments);
    }
}
