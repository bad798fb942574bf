package io.netpark.bench.run;

import io.netpark.core.sys.Binding;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Who takes part in a match, by a process of its own. */
public interface Entrant {

    /** Its name in options and tables, such as {@code netpark-coroutine-ffm}. */
    String label();

    /** Why it cannot take part here; empty if it can. */
    Optional<String> absence();

    /** Whether its process is a JVM that answers what a {@link ServerProcess} asks. */
    boolean isJvm();

    /** How it reaches the C library, if it is Netpark; otherwise null. */
    @Nullable Binding binding();

    /** Whether it is this project's. */
    default boolean isNetpark() {
        return binding() != null;
    }

    /** A name with that of the binding behind it, if there is one. */
    static String label(String name, @Nullable Binding binding) {
        return binding == null ? name : name + "-" + nameOf(binding);
    }

    /** Flags of a JVM, and the property that chooses the binding. */
    static List<String> properties(List<String> jvmFlags, @Nullable Binding binding) {
        List<String> properties = new ArrayList<>(jvmFlags);
        if (binding != null) {
            properties.add("-D" + Binding.PROPERTY + "=" + nameOf(binding));
        }
        return properties;
    }

    private static String nameOf(Binding binding) {
        return binding.name().toLowerCase(Locale.ROOT);
    }
}
