package io.netpark.core.testing.stuck;

import java.io.PrintStream;
import java.util.Deque;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;

/**
 * Prints where threads and coroutines stood in a test that failed after a while. A limit of time has taken everything down by the time
 * that a failure is known, so they are looked at while the test runs, ever more seldom. Of a test that passes nothing is printed, unless it
 * takes so long that the build may be killed over it. JUnit finds this listener as a service, in every module that has these fixtures.
 *
 * <p>JUnit's own threads neither look nor print: both may wait for what a hanging test holds.
 */
public final class StuckTests implements TestExecutionListener {

    /** Below the limits of waiting that tests have: 10 seconds and more. */
    private static final long FIRST = TimeUnit.SECONDS.toNanos(4);
    /** A failure that comes sooner than that is no matter of waiting. */
    private static final long AT_ONCE = TimeUnit.SECONDS.toNanos(1);
    /** How long the end of a test waits for what is printed of it. */
    private static final long PATIENCE = TimeUnit.SECONDS.toMillis(5);
    /** From this look on, that after 64 seconds, they are printed while the test still runs. */
    private static final int ENDLESS = 5;
    /** How many looks at a test are kept: the last ones may be of what the failure has brought about. */
    private static final int KEPT = 3;

    private final Map<String, Running> running = new ConcurrentHashMap<>();
    private final PrintStream out;
    private final long first;
    private final long atOnce;
    private final Supplier<String> standstill;
    private final ScheduledThreadPoolExecutor watcher = new ScheduledThreadPoolExecutor(1, StuckTests::daemon);

    /** What JUnit makes. */
    public StuckTests() {
        this(System.out, FIRST, AT_ONCE, Standstill::now);
    }

    /**
     * @param first nanoseconds until a test is looked at; it is looked at again each time that its age has doubled
     * @param atOnce nanoseconds; nothing is said of tests that fail sooner
     */
    StuckTests(PrintStream out, long first, long atOnce, Supplier<String> standstill) {
        this.out = out;
        this.first = first;
        this.atOnce = atOnce;
        this.standstill = standstill;
        watcher.setRemoveOnCancelPolicy(true);
        watcher.setKeepAliveTime(1, TimeUnit.SECONDS);
        watcher.allowCoreThreadTimeOut(true); // no thread where no test runs
    }

    private static Thread daemon(Runnable task) {
        Thread thread = new Thread(task, "stuck-tests");
        thread.setDaemon(true);
        return thread;
    }

    private static final class Running {
        final String name;
        final long started = System.nanoTime();
        final Deque<String> looks = new ConcurrentLinkedDeque<>();
        int count;
        volatile boolean over;
        volatile @Nullable Future<?> next;

        Running(String name) {
            this.name = name;
        }

        String age() {
            return (System.nanoTime() - started) / 100_000_000 / 10.0 + " s";
        }

        void cancelIfOver() {
            Future<?> look = next;
            if (over && look != null) {
                look.cancel(false);
            }
        }
    }

    @Override
    public void executionStarted(TestIdentifier test) {
        if (test.isTest()) {
            Running started = new Running(test.getUniqueId());
            running.put(test.getUniqueId(), started);
            lookAfter(first, started);
        }
    }

    @Override
    public void executionFinished(TestIdentifier test, TestExecutionResult result) {
        Running ended = running.remove(test.getUniqueId());
        if (ended == null) {
            return;
        }
        ended.over = true;
        ended.cancelIfOver();
        if (result.getStatus() == TestExecutionResult.Status.FAILED && System.nanoTime() - ended.started >= atOnce) {
            Thread teller = daemon(() -> tell(ended)); // the watcher may be held up
            try {
                teller.start();
                teller.join(PATIENCE);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            } catch (OutOfMemoryError e) {
                // No thread can be started: the failure is told by JUnit, and by nobody else.
            }
        }
    }

    /** What was seen before goes first: the last look may not end. */
    private void tell(Running ended) {
        String title = "A test has failed after " + ended.age() + ": " + ended.name;
        print("==== " + title + '\n' + String.join("\n", ended.looks));
        print("-- behind the failure, after " + ended.age() + '\n' + look() + "\n==== the end of: " + title);
    }

    private void lookAfter(long nanos, Running test) {
        try {
            test.next = watcher.schedule(() -> watch(test), nanos, TimeUnit.NANOSECONDS);
            test.cancelIfOver(); // it may have ended meanwhile
        } catch (OutOfMemoryError e) {
            // No thread can be started: nobody looks.
        }
    }

    private void watch(Running test) {
        if (test.over) {
            return;
        }
        String look = "-- after " + test.age() + '\n' + look();
        test.looks.add(look);
        if (test.looks.size() > KEPT) {
            test.looks.remove();
        }
        if (++test.count >= ENDLESS) {
            print("==== A test goes on and on: " + test.name + '\n' + look + "\n==== it goes on: " + test.name);
        }
        lookAfter(System.nanoTime() - test.started, test);
    }

    private String look() {
        try {
            return standstill.get();
        } catch (Throwable e) { // even if memory is what the test lacks: the next look may succeed
            return "nothing could be seen: " + e;
        }
    }

    private void print(String text) {
        out.println(text);
        out.flush();
    }
}
