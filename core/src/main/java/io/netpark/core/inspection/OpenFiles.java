package io.netpark.core.inspection;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;

/** How many descriptors this process has open, and how many it may have: what proc(5) says. Blocks the thread for a moment. */
public final class OpenFiles {

    private static final Path OPEN = Path.of("/proc/self/fd");
    private static final Path LIMITS = Path.of("/proc/self/limits");
    /** {@code Max open files   1024   1048576   files}: the soft limit, which holds, and the hard one. */
    private static final String LIMIT = "Max open files";

    private OpenFiles() {}

    /** How many are open, but for the one that counts them; -1 if that cannot be found out. */
    public static long open() {
        long count = -1; // of the folder itself
        try (DirectoryStream<Path> all = Files.newDirectoryStream(OPEN)) {
            for (Path ignored : all) {
                count++;
            }
            return count;
        } catch (IOException | RuntimeException e) { // none is left to count with, or there is no such file system
            return -1;
        }
    }

    /** How many may be open; -1 if that cannot be found out, {@link Long#MAX_VALUE} without a limit. */
    public static long most() {
        try {
            for (String line : Files.readAllLines(LIMITS)) {
                if (line.startsWith(LIMIT)) {
                    String soft = line.substring(LIMIT.length()).strip().split(" +")[0];
                    return soft.equals("unlimited") ? Long.MAX_VALUE : Long.parseLong(soft);
                }
            }
        } catch (IOException | RuntimeException e) {
            // As if it did not say.
        }
        return -1;
    }
}
