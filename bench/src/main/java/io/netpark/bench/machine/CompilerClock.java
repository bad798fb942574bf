package io.netpark.bench.machine;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.stream.Stream;

/**
 * CPU time of a JVM's compilers: of its threads whose names begin with C1 or C2, by /proc/PID/task/TID/schedstat. The JVM's own count of it
 * (CompilationMXBean) has a method once it is compiled, and a large one takes seconds on a core that the server is at work on: there the
 * compilers would seem calm while they work.
 */
public final class CompilerClock {

    private final Path threads;
    /** By thread: the JVM ends compilers that have nothing to do, and what they did is kept here. */
    private final Map<String, Long> worked = new HashMap<>();

    public CompilerClock(long pid) {
        this.threads = Path.of("/proc/" + pid + "/task");
    }

    /** Nanoseconds so far, of all compilers that any call has seen; 0 for a process that is not a JVM. */
    public long nanos() {
        try (Stream<Path> present = Files.list(threads)) {
            present.forEach(this::look);
        } catch (IOException | UncheckedIOException e) { // the stream's are unchecked
            throw new BenchFailure("the threads of " + threads.getParent() + " cannot be listed: " + e.getMessage());
        }
        return worked.values().stream().mapToLong(Long::longValue).sum();
    }

    private void look(Path thread) {
        try {
            String name = Files.readString(thread.resolve("comm"));
            if (name.startsWith("C1 ") || name.startsWith("C2 ")) {
                String nanos = Files.readString(thread.resolve("schedstat")).split(" ")[0];
                worked.put(thread.getFileName().toString(), Long.parseLong(nanos));
            }
        } catch (IOException e) {
            // it has ended since it was listed
        }
    }
}
