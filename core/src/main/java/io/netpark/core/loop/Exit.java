package io.netpark.core.loop;

/** Threads that have called {@link Runtime#exit}: they wait for the shutdown hooks, which must not wait for them. */
public final class Exit {

    private Exit() {}

    /** Whether a thread is in it. To be asked when it has been waited for in vain. */
    public static boolean isIn(Thread thread) {
        for (StackTraceElement frame : thread.getStackTrace()) {
            if (frame.getMethodName().equals("exit") && frame.getClassName().equals("java.lang.Runtime")) {
                return true;
            }
        }
        return false;
    }
}
