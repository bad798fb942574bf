package io.netpark.simulation.schedule;

import java.lang.management.ManagementFactory;
import java.lang.management.ThreadInfo;
import java.lang.management.ThreadMXBean;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Whether the calling thread holds a monitor. The JVM stops all threads to say so. But what the compilers make holds the same monitors
 * whenever it is at the same instructions, so each stack of calls is asked about once.
 */
final class Monitors {

    private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();
    /** With the hidden frames: only the class of a lambda or a method reference tells which method it calls. */
    private static final StackWalker WALKER = StackWalker.getInstance(
            Set.of(StackWalker.Option.RETAIN_CLASS_REFERENCE, StackWalker.Option.SHOW_HIDDEN_FRAMES));
    /** Of so many stacks the answers are remembered: some megabytes. */
    private static final int MOST = 50_000;
    private static final long PRIME = 0x100000001B3L;
    /** The answers, by {@link #callersStack}. */
    private static final Map<Long, Boolean> KNOWN = new ConcurrentHashMap<>();

    private Monitors() {}

    static boolean callerHoldsAny() {
        Long stack = callersStack();
        Boolean known = KNOWN.get(stack);
        if (known == null) {
            known = ask();
            if (KNOWN.size() >= MOST) {
                KNOWN.clear();
            }
            KNOWN.put(stack, known);
        }
        return known;
    }

    /**
     * A number for the instructions at which the methods of this thread are. Without the names of methods, which are dear: the instruction
     * of a caller says which method it has called, but for its class.
     */
    private static long callersStack() {
        long[] hash = {0};
        WALKER.forEach(frame -> {
            hash[0] = (hash[0] ^ frame.getDeclaringClass().getName().hashCode()) * PRIME;
            hash[0] = (hash[0] ^ frame.getByteCodeIndex()) * PRIME;
        });
        return hash[0];
    }

    private static boolean ask() {
        ThreadInfo info = THREADS.getThreadInfo(new long[] {Thread.currentThread().getId()}, true, false)[0];
        return info == null || info.getLockedMonitors().length > 0; // null for a virtual thread, of which nobody knows
    }
}
