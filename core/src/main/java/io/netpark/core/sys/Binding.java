package io.netpark.core.sys;

import java.util.Locale;

/**
 * The two ways to reach the C library, and the choice between them.
 *
 * <p>The foreign-function binding is taken where the running JDK is 22 or newer and this build of Netpark contains
 * it (a build made on an older JDK does not). JNA serves everywhere else. The system property
 * {@value #PROPERTY} with the value {@code jna} or {@code ffm} forces one; {@code auto} is the default.
 */
public enum Binding {
    /** JNA direct mapping: works on every JDK from 17 on. */
    JNA,
    /** The JDK's Foreign Function and Memory API: JDK 22 and newer. */
    FFM;

    /** The system property that forces a binding. */
    public static final String PROPERTY = "netpark.binding";

    private static final int FIRST_FFM_JDK = 22;
    private static final String FFM_CLASS = "io.netpark.core.sys.FfmLibC";

    /** Holds the process-wide default, made at first use and checked by {@link Platform#selfTest}. */
    private static final class Default {
        static final LibC LIBC = choose(System.getProperty(PROPERTY, "auto")).open();
    }

    /**
     * The implementation that {@value #PROPERTY} asks for, or the best one that works here.
     *
     * @throws UnsupportedOperationException if Netpark cannot run here; the message says what is missing
     */
    public static LibC defaultLibC() {
        try {
            return Default.LIBC;
        } catch (ExceptionInInitializerError e) {
            // Seen by the first caller only; unwrapped so that it reads like the error it is.
            if (e.getCause() instanceof RuntimeException cause) {
                throw cause;
            }
            throw e;
        }
    }

    /**
     * The binding that a value of {@value #PROPERTY} stands for.
     *
     * @throws IllegalArgumentException if the value is not {@code auto}, {@code jna} or {@code ffm}
     */
    public static Binding choose(String value) {
        return switch (value.toLowerCase(Locale.ROOT)) {
            case "auto" -> FFM.unavailability() == null ? FFM : JNA;
            case "jna" -> JNA;
            case "ffm" -> FFM;
            default -> throw new IllegalArgumentException(
                    "-D" + PROPERTY + "=" + value + " is not a binding; use auto, jna or ffm");
        };
    }

    /** Why this binding cannot be used in this process, or null if it can. */
    public @org.jspecify.annotations.Nullable String unavailability() {
        if (this == JNA) {
            return null;
        }
        int running = Runtime.version().feature();
        if (running < FIRST_FFM_JDK) {
            return "the foreign-function API needs JDK " + FIRST_FFM_JDK + " or newer, this is JDK " + running;
        }
        try {
            Class.forName(FFM_CLASS, false, Binding.class.getClassLoader());
            return null;
        } catch (ClassNotFoundException | LinkageError e) {
            return "this build of Netpark was made on a JDK older than " + FIRST_FFM_JDK + " and has no " + FFM_CLASS;
        }
    }

    /**
     * A working implementation of this binding, its struct layouts tested.
     *
     * @throws UnsupportedOperationException if it cannot work here; the message says why and what to do
     */
    public LibC open() {
        Platform.requireSupported();
        String missing = unavailability();
        if (missing != null) {
            throw new UnsupportedOperationException(
                    "The " + this + " binding is not available: " + missing + "; use -D" + PROPERTY + "=jna");
        }
        try {
            LibC libc = this == JNA ? new JnaLibC() : (LibC) Class.forName(FFM_CLASS).getDeclaredConstructor().newInstance();
            Platform.selfTest(libc); // the first call links, and may fail as starting does
            return libc;
        } catch (ReflectiveOperationException | LinkageError | IllegalCallerException e) {
            Throwable cause = e.getCause() != null ? e.getCause() : e;
            throw new UnsupportedOperationException("The " + this + " binding failed to start (" + cause
                    + "); if the JVM denies native access, start it with --enable-native-access=ALL-UNNAMED", cause);
        }
    }
}
