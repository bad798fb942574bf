package io.netpark.bench.server;

import io.netpark.core.loop.EventLoop;
import io.netpark.core.loop.EventLoopGroup;
import io.netpark.core.loop.Timer;
import java.lang.management.GarbageCollectorMXBean;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.HdrHistogram.Histogram;
import org.jspecify.annotations.Nullable;

/**
 * Looks at a group of one loop, again and again, by a thread of its own. A timer of the loop feels meanwhile how long the loop is held:
 * it is due every half millisecond, so an event of a connection waits no longer than that timer does.
 */
final class Looker {

    private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();
    private static final long TICK = TimeUnit.MICROSECONDS.toNanos(500);
    private static final long LONGEST = TimeUnit.MINUTES.toNanos(1);
    private static final int DIGITS = 3;

    private final EventLoopGroup group;
    /** While it looks. */
    private @Nullable Spell spell;

    Looker(EventLoopGroup group) {
        this.group = group;
    }

    /** Begins to look at {@code connections}, {@code health} or {@code dump}, or at {@code nothing}. */
    String begin(String what) {
        spell = new Spell(group, look(what));
        return "ok";
    }

    private @Nullable Runnable look(String what) {
        return switch (what) {
            case "nothing" -> null;
            case "connections" -> group::connections;
            case "health" -> group::health;
            case "dump" -> group::dump;
            default -> throw new IllegalArgumentException("no such look: " + what);
        };
    }

    /**
     * Ends it. Returns how many looks there were, and nanoseconds: of a look, between two runs of the timer, and of the loop's own work
     * between two; and of all collections.
     */
    String end() {
        Spell ending = spell;
        if (ending == null) {
            return "none";
        }
        spell = null;
        return ending.end();
    }

    private static final class Spell {

        private final EventLoop loop;
        private final Timer timer;
        private final CompletableFuture<Void> looking;
        private final Histogram looks = new Histogram(LONGEST, DIGITS);
        private final long collectedBefore = collected();
        private volatile boolean isOver;

        // The loop's own.
        private final Histogram gaps = new Histogram(LONGEST, DIGITS);
        private long ran;
        private long worked;
        private long mostWorked;

        Spell(EventLoopGroup group, @Nullable Runnable look) {
            loop = group.loops().get(0);
            timer = loop.newTimer(this::tick);
            CompletableFuture.runAsync(this::start, loop).join();
            looking = look == null ? CompletableFuture.allOf() : onThread(() -> lookOn(look));
        }

        private static CompletableFuture<Void> onThread(Runnable work) {
            return CompletableFuture.runAsync(work, task -> new Thread(task, "looking").start());
        }

        private void start() {
            ran = System.nanoTime();
            worked = THREADS.getCurrentThreadCpuTime();
            timer.arm(loop.clock().after(TICK));
        }

        private void tick() {
            long now = System.nanoTime();
            long work = THREADS.getCurrentThreadCpuTime();
            gaps.recordValue(Math.min(now - ran, LONGEST));
            mostWorked = Math.max(mostWorked, work - worked);
            ran = now;
            worked = work;
            timer.arm(loop.clock().after(TICK));
        }

        private void lookOn(Runnable look) {
            while (!isOver) {
                long begin = System.nanoTime();
                look.run();
                looks.recordValue(Math.min(System.nanoTime() - begin, LONGEST));
            }
        }

        String end() {
            isOver = true;
            looking.join();
            String felt = CompletableFuture.supplyAsync(this::felt, loop).join();
            return "looks=" + looks.getTotalCount() + " lookP50=" + looks.getValueAtPercentile(50) + " lookMost=" + looks.getMaxValue()
                    + felt + " collected=" + (collected() - collectedBefore);
        }

        private String felt() {
            timer.disarm();
            return " heldP999=" + gaps.getValueAtPercentile(99.9) + " heldMost=" + gaps.getMaxValue() + " workedMost=" + mostWorked;
        }

        private static long collected() {
            return TimeUnit.MILLISECONDS.toNanos(ManagementFactory.getGarbageCollectorMXBeans().stream()
                    .mapToLong(GarbageCollectorMXBean::getCollectionTime).sum());
        }
    }
}
