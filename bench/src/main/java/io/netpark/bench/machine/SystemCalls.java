package io.netpark.bench.machine;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Counts the system calls of a process while something runs: by {@code perf stat} where its tracepoint may be used,
 * which hardly slows the process, otherwise by {@code strace -c}, which slows it so much that more requests are ready
 * at each wait, so that the count comes out a little lower.
 */
public final class SystemCalls {

    private static final List<SystemCalls> TOOLS = List.of(
            new SystemCalls("perf stat", List.of("perf", "stat", "-x,", "-e", "raw_syscalls:sys_enter"),
                    Pattern.compile("^(\\d+),.*raw_syscalls:sys_enter", Pattern.MULTILINE)),
            new SystemCalls("strace -c", List.of("strace", "-f", "-c"),
                    Pattern.compile("^100\\.00\\s+\\S+\\s+\\S+\\s+(\\d+).*total", Pattern.MULTILINE)));

    /** A tool that has not attached to all threads of a process by then counts as many as it can. */
    private static final long ATTACH_MILLIS = 2_000;
    private static final long LOOK_MILLIS = 20;

    private final String name;
    private final List<String> command;
    private final Pattern count;

    private SystemCalls(String name, List<String> command, Pattern count) {
        this.name = name;
        this.command = command;
        this.count = count;
    }

    /** The best tool that works here; none if neither is installed and permitted. */
    public static Optional<SystemCalls> find() {
        return TOOLS.stream().filter(tool -> Cores.onPath(tool.command.get(0)) && tool.works()).findFirst();
    }

    /** What the report calls it. */
    public String name() {
        return name;
    }

    private boolean works() {
        try {
            Path output = Files.createTempFile("netpark-bench", ".calls");
            try {
                Process tool = start(List.of("true"), -1, output);
                return tool.waitFor(5, TimeUnit.SECONDS) && number(output).isPresent();
            } finally {
                Files.delete(output);
            }
        } catch (IOException e) {
            return false;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    /** How many calls the process makes while {@code during} runs; empty if the tool fails. */
    public OptionalLong count(long pid, Cores cores, Runnable during) {
        try {
            Path output = Files.createTempFile("netpark-bench", ".calls");
            Process tool = start(List.of("-p", Long.toString(pid)), cores.load(), output);
            try {
                awaitAttached(pid, tool);
                during.run();
                // An interrupt makes it print; the termination that Process.destroy sends does not.
                new ProcessBuilder("kill", "-INT", Long.toString(tool.pid())).start().waitFor();
                tool.waitFor(5, TimeUnit.SECONDS);
                return number(output);
            } finally {
                tool.destroyForcibly();
                Files.delete(output);
            }
        } catch (IOException e) {
            return OptionalLong.empty();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return OptionalLong.empty();
        }
    }

    /** Until it counts all threads: perf has an event open for each, strace is the tracer of each. */
    private static void awaitAttached(long pid, Process tool) throws IOException, InterruptedException {
        Path tasks = Path.of("/proc/" + pid + "/task");
        Path descriptors = Path.of("/proc/" + tool.pid() + "/fd");
        for (long waited = 0; waited < ATTACH_MILLIS; waited += LOOK_MILLIS) {
            Thread.sleep(LOOK_MILLIS);
            long attached = Math.max(count(descriptors, SystemCalls::isEvent), count(tasks, SystemCalls::isTraced));
            if (attached >= count(tasks, task -> true)) {
                Thread.sleep(LOOK_MILLIS); // events are enabled after they all have been opened
                return;
            }
        }
    }

    private static long count(Path folder, Predicate<Path> wanted) throws IOException {
        try (Stream<Path> entries = Files.list(folder)) {
            return entries.filter(wanted).count();
        }
    }

    private static boolean isEvent(Path descriptor) {
        try {
            return Files.readSymbolicLink(descriptor).toString().equals("anon_inode:[perf_event]");
        } catch (IOException e) {
            return false; // closed meanwhile
        }
    }

    private static boolean isTraced(Path task) {
        try {
            return Files.readAllLines(task.resolve("status")).stream()
                    .anyMatch(line -> line.startsWith("TracerPid:") && !line.endsWith("\t0"));
        } catch (IOException e) {
            return false; // ended meanwhile
        }
    }

    private Process start(List<String> target, int core, Path output) throws IOException {
        List<String> all = new ArrayList<>(command);
        all.addAll(target);
        return new ProcessBuilder(Cores.pinned(all, core))
                .redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .start();
    }

    private OptionalLong number(Path output) throws IOException {
        Matcher matcher = count.matcher(Files.readString(output));
        return matcher.find() ? OptionalLong.of(Long.parseLong(matcher.group(1))) : OptionalLong.empty();
    }
}
