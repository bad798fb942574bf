package io.netpark.bench.run;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

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

    /** Until a tool has attached to all the threads of a JVM. */
    private static final long ATTACH_MILLIS = 700;

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
                Thread.sleep(ATTACH_MILLIS);
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
