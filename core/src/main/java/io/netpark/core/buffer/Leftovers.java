package io.netpark.core.buffer;

import java.lang.ref.Cleaner;
import org.jspecify.annotations.Nullable;

/**
 * What the buffers of a closed connection still hold. A connection may be closed on one thread while another is in the
 * midst of parsing: its memory must not go to someone else before nobody can see it any more.
 */
public final class Leftovers {

    /** Made when first needed, which is seldom. */
    private static final class Lazy {
        static final Cleaner CLEANER = Cleaner.create();
    }

    private Leftovers() {}

    /**
     * Closes buffers once their owner is unreachable. Costs nothing if they hold nothing, as is usual.
     *
     * @param owner through which alone they are used; they must not refer to it
     * @param input null if there is none
     * @param output null if there is none
     */
    public static void closeWhenUnreachable(Object owner, @Nullable LinkBuffer input, @Nullable LinkBuffer output) {
        if (holdsMemory(input) || holdsMemory(output)) {
            Lazy.CLEANER.register(owner, () -> closeNow(input, output));
        }
    }

    /** Closes buffers that nobody uses any more. */
    public static void closeNow(@Nullable LinkBuffer input, @Nullable LinkBuffer output) {
        if (input != null) {
            input.close();
        }
        if (output != null) {
            output.close();
        }
    }

    private static boolean holdsMemory(@Nullable LinkBuffer buffer) {
        return buffer != null && buffer.holdsMemory();
    }
}
