package io.netpark.bench.run;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Where things are. bench/run passes the module's folder as the system property {@value #PROPERTY}. */
public final class Folders {

    static final String PROPERTY = "netpark.bench.home";

    /** The JDK of the committed results. */
    private static final int MAIN_JDK = 25;

    private Folders() {}

    /** The module's folder. */
    public static Path bench() {
        return Path.of(System.getProperty(PROPERTY, ".")).toAbsolutePath().normalize();
    }

    /** Where results go: those of JDK 25 here, those of another JDK into a folder of its own, so that they replace nothing. */
    public static Path results() {
        Path results = bench().resolve("results");
        return Jvm.feature() == MAIN_JDK ? results : results.resolve("jdk-" + Jvm.feature());
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
