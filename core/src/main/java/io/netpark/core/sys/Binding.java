package io.netpark.core.sys;

import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * The two ways to reach the C library, and the choice between them; and what is no C library at all.
 *
 * <p>The foreign-function binding is taken where the running JDK is 22 or newer and this build of Netpark contains
 * it (a build made on an older JDK does not). JNA serves everywhere else. The system property
 * {@value #PROPERTY} with the value {@code jna} or {@code ffm} forces one; {@code auto} is the default.
 */
public enum Binding {
    /** JNA direct mapping: works on every JDK from 17 on. */
    JNA,
    /** The JDK's Foreign Function and Memory API: JDK 22 and newer. */
    FFM,
    /** No C library: a model of the kernel, in memory. It is made where it is used, never opened by name. */
    SIMULATED;

    /** The system property that forces a binding. */
    public static final String PROPERTY = "netpark.binding";

    private static final int FIRST_FFM_JDK = 22;
    private static final String FFM_CLASS = "io.netpark.core.sys.FfmLibC";

    /** The process-wide default, made at first use and checked by {@link Platform#selfTest}. */
    private static volatile @Nullable LibC chosen;

    /**
     * What it said when this was started for the first time, and failed. Whoever comes later is told the same: the classes of a
     * binding cannot be initialized twice, and would say only that.
     */
    private volatile @Nullable Throwable failure;

    /**
     * The implementation that {@value #PROPERTY} asks for, or the best one that works here.
     *
     * @throws UnsupportedOperationException if Netpark cannot run here; the message says what is missing
     */
    public static LibC defaultLibC() {
        LibC known = chosen;
        return known != null ? known : chooseDefault();
    }

    private static synchronized LibC chooseDefault() {
        LibC known = chosen;
        if (known == null) {
            known = choose(System.getProperty(PROPERTY, "auto")).open();
            chosen = known;
        }
        return known;
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
    public @Nullable String unavailability() {
        if (this == JNA) {
            return null;
        }
        if (this == SIMULATED) {
            return "a simulated kernel is made by the test that uses it";
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
        Throwable before = failure;
        if (before != null) {
            throw failed(before);
        }
        try {
            LibC libc = this == JNA ? new JnaLibC() : (LibC) Class.forName(FFM_CLASS).getDeclaredConstructor().newInstance();
            Platform.selfTest(libc); // the first call links, and may fail as starting does
            return libc;
        } catch (ReflectiveOperationException | LinkageError | IllegalCallerException e) {
            Throwable cause = e.getCause() != null ? e.getCause() : e;
            failure = cause;
            throw failed(cause);
        }
    }

    private UnsupportedOperationException failed(Throwable cause) {
        return new UnsupportedOperationException(
                "The " + this + " binding failed to start (" + cause + "); " + wayOut(cause), cause);
    }

    /** What can be done about it. */
    private String wayOut(Throwable cause) {
        if (cause instanceof IllegalCallerException) {
            return "the JVM denies native access; start it with --enable-native-access=" + caller();
        }
        if (this == JNA && (cause instanceof NoClassDefFoundError || cause instanceof ClassNotFoundException)) {
            return "it needs the library net.java.dev.jna:jna" + (Binding.class.getModule().isNamed()
                    ? " on the module path, and --add-modules com.sun.jna" : "");
        }
        if (this == JNA && !com.sun.jna.Native.class.getName().startsWith("com.sun.")) { // whoever renames JNA leaves so short a text as it is
            return "JNA has another name here, " + com.sun.jna.Native.class.getPackageName() + ", and its native library knows its own only:"
                    + " leave JNA out of what is renamed, or run on JDK " + FIRST_FFM_JDK + " or newer, where Netpark needs no JNA";
        }
        String said = String.valueOf(cause.getMessage());
        if (this == JNA && cause instanceof UnsatisfiedLinkError && !said.contains("undefined symbol")
                && !said.contains("Error looking up function")) {
            String missing = FFM.unavailability();
            return "JNA unpacks a library and loads it; -Djna.tmpdir names a folder that can be written to and that is not"
                    + " mounted noexec, now it is " + System.getProperty("jna.tmpdir", "JNA/temp in the user's cache, or "
                    + System.getProperty("java.io.tmpdir") + " where that cannot be written to")
                    + "; the foreign-function binding needs no folder: "
                    + (missing == null ? "-D" + PROPERTY + "=ffm takes it" : missing);
        }
        return "it needs glibc 2.17 or newer, or a C library like it";
    }

    /** The modules that make native calls, as the JVM's option has them. */
    private String caller() {
        String own = name(Binding.class.getModule());
        String jna = this == JNA ? name(com.sun.jna.Native.class.getModule()) : own;
        return own.equals(jna) ? own : own + "," + jna;
    }

    private static String name(Module module) {
        return module.isNamed() ? module.getName() : "ALL-UNNAMED";
    }
}
