package io.netpark.core.linux;

import java.util.Locale;

/** The processor's architecture, as far as layouts depend on it. */
public final class Architecture {

    /** {@code os.arch} of the running JVM, in the JDK's spelling. */
    public static final String NAME = System.getProperty("os.arch", "unknown").toLowerCase(Locale.ROOT);

    private Architecture() {}

    /** Whether it is x86-64. */
    public static boolean isX86() {
        return NAME.equals("amd64") || NAME.equals("x86_64");
    }

    /** Whether it is 64-bit ARM. */
    public static boolean isArm() {
        return NAME.equals("aarch64");
    }
}
