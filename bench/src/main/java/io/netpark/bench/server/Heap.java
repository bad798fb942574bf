package io.netpark.bench.server;

import java.lang.management.ManagementFactory;

/** What is alive on this JVM's heap. */
public final class Heap {

    private Heap() {}

    /** Has it collected in so many milliseconds, by a thread that nobody waits for. */
    static String collectIn(long millis) {
        Thread thread = new Thread(() -> {
            try {
                Thread.sleep(millis);
                System.gc();
            } catch (InterruptedException e) {
                // then nobody wants it
            }
        }, "collection");
        thread.setDaemon(true);
        thread.start();
        return "ok";
    }

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
