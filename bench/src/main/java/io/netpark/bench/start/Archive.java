package io.netpark.bench.start;

import io.netpark.bench.machine.BenchFailure;
import io.netpark.bench.machine.Cores;
import io.netpark.bench.run.Contender;
import io.netpark.bench.run.Folders;
import io.netpark.bench.run.Jvm;
import io.netpark.bench.run.ServerProcess;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * Classes that a server has loaded and linked in a rehearsal, in a file from which the JVM takes them at later starts: an AOT cache
 * (JEP 483, 514, 515) where the running JDK makes one by one option, before that an archive of class data sharing (JEP 350).
 */
final class Archive {

    private static final boolean IS_AOT = Jvm.feature() >= 25;
    /** The JVM writes it when it ends, or has another do so. */
    private static final Duration MAKING = Duration.ofMinutes(3);

    private final Path file;

    private Archive(Path file) {
        this.file = file;
    }

    /** What this JDK has, with its article. */
    static String kind() {
        return IS_AOT ? "an AOT cache" : "a CDS archive";
    }

    /** Why there can be none; empty if there can. */
    static Optional<String> absence() {
        return Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
                .filter(entry -> Files.isDirectory(Path.of(entry))).findFirst()
                .map(entry -> kind() + " has classes of jars only, and " + entry + " is a folder");
    }

    /** Has a server answer once, and keeps what it has loaded. */
    static Archive rehearse(Contender contender, Cores cores) {
        Path file = folder().resolve(contender.label() + (IS_AOT ? ".aot" : ".jsa")).toAbsolutePath();
        try {
            Files.deleteIfExists(file);
            String making = (IS_AOT ? "-XX:AOTCacheOutput=" : "-XX:ArchiveClassesAtExit=") + file;
            try (ServerProcess server = ServerProcess.start(contender, Start.SERVICE, cores, List.of(making))) {
                Start.ask(server);
                server.end(MAKING);
            }
            if (!Files.exists(file)) {
                throw new BenchFailure("the JVM has not made " + kind() + " of it");
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return new Archive(file);
    }

    private static Path folder() {
        try {
            return Files.createDirectories(Folders.target().resolve("start"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Options of a JVM that takes its classes from it, and does not start if it cannot, where it has an option for that. */
    List<String> options() {
        return IS_AOT ? List.of("-XX:AOTCache=" + file, "-XX:AOTMode=on") : List.of("-XX:SharedArchiveFile=" + file);
    }
}
