package io.netpark.bench.run;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Where things are. bench/run passes the module's folder as the system property {@value #PROPERTY}. */
public final class Folders {

    static final String PROPERTY = "netpark.bench.home";

    private Folders() {}

    /** The module's folder. */
    public static Path bench() {
        return Path.of(System.getProperty(PROPERTY, ".")).toAbsolutePath().normalize();
    }

    /** What is built, and what children say on their standard error. */
    public static Path target() {
        try {
            return Files.createDirectories(bench().resolve("target"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
