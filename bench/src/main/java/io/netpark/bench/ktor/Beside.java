package io.netpark.bench.ktor;

import io.netpark.bench.machine.BenchFailure;
import io.netpark.bench.run.Folders;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Properties;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The other Ktor: the newest that Netty's engine is to be had for, with the Netty that it was made with, in place of this class
 * path's own. The build puts these jars into a folder. bench/run passes where they are in its image, as the system property
 * {@value #PROPERTY}.
 */
final class Beside {

    static final String PROPERTY = "netpark.bench.beside";

    /** Jars that must not be there twice: in an image each has a number in front of its name. */
    private static final Pattern REPLACED = Pattern.compile("(\\d+-)?(ktor|netty)-.*\\.jar");

    /** The Ktor of this class path. */
    static final String KTOR = version("ktor");
    /** The Ktor of the folder. */
    static final String KTOR_OF_NETTY = version("ktor.netty");

    private Beside() {}

    private static String version(String name) {
        Properties versions = new Properties();
        try (InputStream in = Beside.class.getResourceAsStream("/io/netpark/bench/ktor.properties")) {
            versions.load(in);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return versions.getProperty(name);
    }

    private static Path folder() {
        String passed = System.getProperty(PROPERTY);
        return passed != null ? Path.of(passed) : Folders.target().resolve("run").resolve("beside");
    }

    private static List<String> jars() {
        Path folder = folder();
        if (!Files.isDirectory(folder)) {
            return List.of();
        }
        try (Stream<Path> files = Files.list(folder)) {
            return files.map(Path::toString).filter(name -> name.endsWith(".jar")).sorted().toList();
        } catch (IOException e) {
            throw new BenchFailure(folder + " cannot be read: " + e.getMessage());
        }
    }

    /** Why it cannot be run; empty if it can. */
    static Optional<String> absence() {
        return jars().isEmpty() ? Optional.of("the build has left no jars of it in " + folder()) : Optional.empty();
    }

    /** A class path with it. */
    static String classPath() {
        Stream<String> others = Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
                .filter(entry -> !REPLACED.matcher(Path.of(entry).getFileName().toString()).matches());
        return Stream.concat(jars().stream(), others).collect(Collectors.joining(File.pathSeparator));
    }
}
