package io.netpark.bench.run;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** The running JVM as a command line: children run on the same JDK, all with the same flags. */
public final class Jvm {

    private static final int FEATURE = Runtime.version().feature();

    private Jvm() {}

    /** The flags that every server and the generator get. */
    public static List<String> flags() {
        List<String> flags = new ArrayList<>(List.of(
                // One core: a second collector thread would only take time from the loop.
                "-XX:+UseSerialGC", "-Xms128m", "-Xmx512m", "-XX:MaxDirectMemorySize=1g", "-XX:-UsePerfData"));
        if (FEATURE >= 21) {
            flags.add("-Djdk.virtualThreadScheduler.parallelism=1");
        }
        if (FEATURE >= 22) {
            flags.add("--enable-native-access=ALL-UNNAMED");
        }
        if (FEATURE >= 23) {
            flags.add("--sun-misc-unsafe-memory-access=allow"); // Netty's fast paths
        }
        return flags;
    }

    /** A command that runs a main class of this class path. */
    public static List<String> command(List<String> properties, Class<?> main, String... arguments) {
        return command(System.getProperty("java.class.path"), properties, main, arguments);
    }

    /** The same of another class path. */
    public static List<String> command(String classPath, List<String> properties, Class<?> main, String... arguments) {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(flags());
        command.addAll(properties);
        command.addAll(List.of("-cp", classPath, main.getName()));
        command.addAll(List.of(arguments));
        return command;
    }

    /** Feature number of the running JDK. */
    public static int feature() {
        return FEATURE;
    }
}
