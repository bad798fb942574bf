package io.netpark.core.loop;

/** Threads that have called {@link Runtime#exit}: they wait for the shutdown hooks, which must not wait for them. */
final class Exit {

    private Exit() {}

    static boolean isIn(Thread thread) {
        for (StackTraceElement frame : thread.getStackTrace()) {
            if (frame.getMethodName().equals("exit") && frame.getClassName().equals("java.lang.Runtime")) {
                return true;
            }
        }
        return false;
    }
}
