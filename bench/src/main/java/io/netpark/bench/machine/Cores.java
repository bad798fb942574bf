package io.netpark.bench.machine;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Which core the server has and which the generator. They must not be two threads of one core, or each would be
 * measured by what the other leaves it.
 *
 * @param server core of the server, or -1 if it is not pinned
 * @param load core of the generator, or -1
 */
public record Cores(int server, int load) {

    /** The first core that is allowed for the generator, and the next that shares nothing with it for the server. */
    public static Cores choose() {
        List<Integer> allowed = allowed();
        if (allowed.size() < 2 || !onPath("taskset")) {
            return new Cores(-1, -1);
        }
        int load = allowed.get(0);
        List<Integer> siblings = siblings(load);
        for (int core : allowed) {
            if (!siblings.contains(core)) {
                return new Cores(core, load);
            }
        }
        return new Cores(allowed.get(1), load);
    }

    /** The cores that this process, and who it starts, may use; empty if nobody says so. */
    public static List<Integer> allowed() {
        return numbers(status("Cpus_allowed_list:"));
    }

    /** What the report says about it. */
    public String describe() {
        return server < 0 ? "not pinned (taskset is missing or there is one core only)"
                : "server on core " + server + ", generator on core " + load;
    }

    /** A command that runs on a core, or anywhere if that is -1. */
    public static List<String> pinned(List<String> command, int core) {
        if (core < 0) {
            return command;
        }
        List<String> all = new ArrayList<>(List.of("taskset", "-c", Integer.toString(core)));
        all.addAll(command);
        return all;
    }

    /** Whether a program is on the PATH. */
    public static boolean onPath(String program) {
        String path = System.getenv("PATH");
        for (String folder : path == null ? new String[0] : path.split(":")) {
            if (Files.isExecutable(Path.of(folder, program))) {
                return true;
            }
        }
        return false;
    }

    private static List<Integer> siblings(int core) {
        try {
            return numbers(Files.readString(
                    Path.of("/sys/devices/system/cpu/cpu" + core + "/topology/thread_siblings_list")).strip());
        } catch (IOException e) {
            return List.of(core);
        }
    }

    private static String status(String key) {
        try {
            for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
                if (line.startsWith(key)) {
                    return line.substring(key.length()).strip();
                }
            }
        } catch (IOException e) {
            // no list: nothing is pinned
        }
        return "";
    }

    /** Reads the kernel's list format, such as {@code 0-3,8}. */
    static List<Integer> numbers(String list) {
        List<Integer> numbers = new ArrayList<>();
        for (String range : list.isEmpty() ? new String[0] : list.split(",")) {
            String[] ends = range.split("-");
            for (int i = Integer.parseInt(ends[0]); i <= Integer.parseInt(ends[ends.length - 1]); i++) {
                numbers.add(i);
            }
        }
        return numbers;
    }
}
