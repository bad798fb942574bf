package io.netpark.bench.machine;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Resident memory of a process. */
public final class Memory {

    private Memory() {}

    /**
     * Bytes, files mapped and shared included. Counted page by page: the number in /proc/PID/status, which {@code ps}
     * shows as RSS, is summed up lazily and can be hundreds of kilobytes off.
     */
    public static long resident(long pid) {
        try {
            for (String line : Files.readAllLines(Path.of("/proc/" + pid + "/smaps_rollup"))) {
                if (line.startsWith("Rss:")) {
                    return Long.parseLong(line.replaceAll("\\D", "")) * 1024;
                }
            }
        } catch (IOException e) {
            // falls through
        }
        throw new BenchFailure("the memory of process " + pid + " cannot be read: it has ended");
    }
}
