package io.netpark.core.testing.stuck;

import java.lang.management.ManagementFactory;
import java.lang.management.PlatformManagedObject;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** Where everybody stands, as text. */
public final class Standstill {

    private static final Set<String> OF_THE_JVM = Set.of("Reference Handler", "Finalizer", "Signal Dispatcher", "Common-Cleaner",
            "Notification Thread", "Attach Listener", "process reaper", "stuck-tests");
    private static final int VIRTUAL_THREADS = 50;
    /** Bytes of the JVM's dump, above which no further one is asked for: it has no limit of its own. */
    private static final long DUMP = 1 << 20;
    private static final int FRAMES = 100;
    private static final int TEXT = 200_000;

    private static volatile boolean manyVirtualThreads;

    private Standstill() {}

    /** All threads and all coroutines that can be found, without what cannot be told, and not without an end. */
    public static String now() {
        String text = platformThreads() + virtualThreads() + coroutines();
        return text.length() <= TEXT ? text : text.substring(0, TEXT) + "\n... and so on";
    }

    /** Those that stand at the same place together, as the idle workers of a pool do. */
    private static String platformThreads() {
        Map<String, List<String>> namesByPlace = new TreeMap<>();
        Thread.getAllStackTraces().forEach((thread, frames) -> {
            if (frames.length > 0 && !OF_THE_JVM.contains(thread.getName()) && !thread.getName().startsWith("surefire-forkedjvm")) {
                namesByPlace.computeIfAbsent(thread.getState() + "\n" + text(frames), place -> new ArrayList<>())
                        .add('"' + thread.getName() + '"');
            }
        });
        StringBuilder text = new StringBuilder();
        namesByPlace.forEach((place, names) -> text.append("thread ").append(String.join(", ", names)).append(' ').append(place));
        return text.toString();
    }

    /** Without what is below a test, and the same for all. */
    private static String text(StackTraceElement[] frames) {
        return Arrays.stream(frames)
                .limit(FRAMES)
                .takeWhile(frame -> !frame.getClassName().startsWith("io.kotest.") && !frame.getClassName().startsWith("org.junit."))
                .map(frame -> "    at " + frame + '\n')
                .collect(Collectors.joining());
    }

    /** Only the JVM's own dump has them, from JDK 21 on. */
    private static String virtualThreads() {
        if (manyVirtualThreads) {
            return "";
        }
        Path file = null;
        try {
            Class<? extends PlatformManagedObject> type = Class.forName("com.sun.management.HotSpotDiagnosticMXBean")
                    .asSubclass(PlatformManagedObject.class);
            Class<?> format = Class.forName(type.getName() + "$ThreadDumpFormat");
            file = Files.createTempFile("threads", ".txt");
            Files.delete(file); // it may not be there
            type.getMethod("dumpThreads", String.class, format)
                    .invoke(ManagementFactory.getPlatformMXBean(type), file.toString(), format.getEnumConstants()[0]);
            if (Files.size(file) > DUMP) {
                manyVirtualThreads = true;
                return "the virtual threads are too many to be looked at\n";
            }
            return Arrays.stream(Files.readString(file).split("\n\n"))
                    .filter(thread -> thread.lines().limit(1).anyMatch(line -> line.contains("\" virtual")))
                    .limit(VIRTUAL_THREADS)
                    .map(thread -> "virtual thread " + thread.strip() + '\n')
                    .collect(Collectors.joining());
        } catch (Exception e) {
            return "";
        } finally {
            delete(file);
        }
    }

    private static void delete(Path file) {
        if (file != null) {
            file.toFile().delete();
        }
    }

    /** Nothing where Kotlin is not on the class path. */
    private static String coroutines() {
        try {
            Class.forName("kotlin.coroutines.jvm.internal.CoroutineStackFrame");
            return SuspendedCoroutines.now();
        } catch (ClassNotFoundException e) {
            return "";
        } catch (RuntimeException | LinkageError e) {
            return "the coroutines could not be looked at: " + e + '\n';
        }
    }
}
