package io.netpark.core.net.socket;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** The longest queue of connections that the kernel keeps for a listener: {@code net.core.somaxconn}. */
final class Backlog {

    private static final Path SOMAXCONN = Path.of("/proc/sys/net/core/somaxconn");
    /** The value of SOMAXCONN in the headers, for a system that hides /proc. */
    private static final int FALLBACK = 4096;
    /** The kernel's field was 16 bits wide until 4.1 and wrapped (golang/go 5030). */
    private static final int MOST = 0xFFFF;

    private Backlog() {}

    static int ofSystem() {
        // Not Files.readString: it asks for the first byte alone, and a sysctl file has no second part to read.
        try (BufferedReader reader = Files.newBufferedReader(SOMAXCONN)) {
            return Math.min(Integer.parseInt(reader.readLine()), MOST);
        } catch (IOException | NumberFormatException e) {
            return FALLBACK;
        }
    }
}
