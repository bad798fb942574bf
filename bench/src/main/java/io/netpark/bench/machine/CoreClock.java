package io.netpark.bench.machine;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** How long a core has been busy, whoever kept it so: /proc/stat. Tells whether something else disturbed a round. */
public final class CoreClock {

    /** USER_HZ is 100 on every architecture that Netpark runs on. */
    private static final long NANOS_A_TICK = 10_000_000;
    private static final int IDLE = 4;
    private static final int IOWAIT = 5;
    private static final int STEAL = 8;

    private CoreClock() {}

    /** Nanoseconds not idle since the start of the machine, with those a hypervisor gave to others; 0 for core -1. */
    public static long busy(int core) {
        try {
            for (String line : Files.readAllLines(Path.of("/proc/stat"))) {
                if (line.startsWith("cpu" + core + " ")) {
                    return busy(line.split(" +")) * NANOS_A_TICK;
                }
            }
        } catch (IOException e) {
            // then nothing is known
        }
        return 0;
    }

    private static long busy(String[] fields) {
        long ticks = 0;
        for (int i = 1; i <= STEAL && i < fields.length; i++) {
            if (i != IDLE && i != IOWAIT) {
                ticks += Long.parseLong(fields[i]);
            }
        }
        return ticks;
    }
}
