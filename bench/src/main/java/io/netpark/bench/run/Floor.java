package io.netpark.bench.run;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/** The C server, built from bench/floor/echo.c where there is a compiler. */
public final class Floor {

    private Floor() {}

    /** The echo server, built if it is not or its source is newer; empty without a working {@code cc}. */
    public static Optional<Path> program() {
        return program("echo");
    }

    /** The same of bench/floor/NAME.c. */
    public static Optional<Path> program(String name) {
        Path source = Folders.bench().resolve("floor/" + name + ".c");
        Path program = Folders.target().resolve("floor-" + name);
        try {
            if (Files.exists(program)
                    && Files.getLastModifiedTime(program).compareTo(Files.getLastModifiedTime(source)) >= 0) {
                return Optional.of(program);
            }
            Process compiler = new ProcessBuilder(
                            List.of("cc", "-O2", "-pthread", "-o", program.toString(), source.toString()))
                    .redirectErrorStream(true)
                    .redirectOutput(Folders.target().resolve("floor.log").toFile())
                    .start();
            return compiler.waitFor(60, TimeUnit.SECONDS) && compiler.exitValue() == 0
                    ? Optional.of(program) : Optional.empty();
        } catch (IOException e) {
            return Optional.empty(); // no cc
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return Optional.empty();
        }
    }
}
