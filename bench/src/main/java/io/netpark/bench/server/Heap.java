package io.netpark.bench.server;

import java.lang.management.ManagementFactory;

/** What is alive on this JVM's heap. */
public final class Heap {

    private Heap() {}

    /** Bytes in use after a collection. */
    public static long used() throws InterruptedException {
        long used = Long.MAX_VALUE;
        for (int i = 0; i < 3; i++) { // cleaners and weak references take a collection each
            System.gc();
            Thread.sleep(50);
            used = Math.min(used, ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed());
        }
        return used;
    }
}
