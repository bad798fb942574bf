package io.netpark.bench.machine;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * CPU time of a process in user mode and in the kernel, in ticks of a hundredth of a second: /proc/PID/stat, proc(5).
 *
 * @param user its own, not that of children
 * @param kernel system calls, faults, and interrupts that came meanwhile
 */
record Ticks(long user, long kernel) {

    /** Fields behind the name, which is in parentheses and may hold blanks. */
    private static final int UTIME = 11;
    private static final int STIME = 12;

    static Ticks of(long pid) {
        try {
            String stat = Files.readString(Path.of("/proc/" + pid + "/stat"));
            String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
            return new Ticks(Long.parseLong(fields[UTIME]), Long.parseLong(fields[STIME]));
        } catch (IOException e) {
            throw new BenchFailure("the CPU time of process " + pid + " cannot be read: it has ended");
        }
    }

    /** Which part of the time since then was the kernel's; a half of nothing. */
    double kernelShareSince(Ticks before) {
        long inKernel = kernel - before.kernel;
        long all = inKernel + user - before.user;
        return all == 0 ? 0.5 : (double) inKernel / all;
    }
}
