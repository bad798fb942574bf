package io.netpark.callback.fault;

import io.netpark.callback.Support;
import io.netpark.core.buffer.SegmentPool;
import io.netpark.core.loop.EventLoop;
import io.netpark.core.loop.EventLoopGroup;
import io.netpark.core.report.Reporter;
import io.netpark.core.sys.Clock;
import io.netpark.core.sys.LibC;
import io.netpark.core.testing.fault.Calls;
import io.netpark.core.testing.fault.FailingCall;
import io.netpark.core.testing.fault.FaultChoice;
import io.netpark.core.testing.fault.FaultWalk;
import io.netpark.core.testing.fault.Segments;
import io.netpark.simulation.kernel.SimulatedKernel;
import java.io.IOException;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Where programs run of which each system call fails in turn, and each segment of {@link #segments} is missing ({@link FaultWalk}): a
 * group of one loop, on a kernel in memory. Whatever comes of it is told by an exception of this library or of the file system, or is the
 * very OutOfMemoryError. Nobody waits for ever, nothing is left, and the same works when it is tried again.
 */
public final class FaultyPlace implements AutoCloseable {

    /** The path of a file that the kernel has. */
    public static final String FILE = "/srv/file";
    /** Its content, which is more than the kernel takes at once. */
    public static final byte[] CONTENT = Support.patternBytes(1, 300_000);

    private static final int SOON_SECONDS = 20;

    /** Fails, or ends. */
    @FunctionalInterface
    public interface Program {
        void run(FaultyPlace place) throws Exception;
    }

    /** What has been reported. */
    public final ConcurrentLinkedQueue<String> reports = new ConcurrentLinkedQueue<>();
    /** Fails with the first report of a run. */
    private volatile CompletableFuture<Void> trouble = new CompletableFuture<>();
    public final LibC libc;
    public final SegmentPool segments;
    public final EventLoopGroup group;

    private FaultyPlace(Calls calls) throws IOException {
        this.libc = calls.libc();
        Reporter reporter = (what, cause) -> {
            reports.add(what + ": " + cause);
            trouble.completeExceptionally(cause);
        };
        this.segments = Segments.of(calls, reporter);
        this.group = EventLoopGroup.builder().loops(1).daemon(true).libc(libc).reporter(reporter)
                .reportLimit(Integer.MAX_VALUE).open();
    }

    /** Runs a program once without a fault, and then with one after the other. */
    public static void walk(Program program) throws Exception {
        FaultWalk walk = FaultWalk.of(kernel(), calls -> {
            try (FaultyPlace place = new FaultyPlace(calls)) {
                place.run(program);
                if (!place.reports.isEmpty()) {
                    throw new AssertionError("reported: " + place.reports);
                }
            }
        });
        walk.take(FaultyPlace::kernel, (kernel, failing) -> {
            survive(program, failing);
            Support.await("descriptors are closed: " + kernel.descriptors(), () -> kernel.descriptors().isEmpty());
        });
    }

    /** Says in the log of the build how many faults were tried since this was last called. */
    static void tellHowMany(Class<?> test) {
        String summary = FaultChoice.takeSummary();
        if (summary != null) {
            System.out.println(test.getSimpleName() + ": " + summary);
        }
    }

    private static SimulatedKernel kernel() {
        SimulatedKernel kernel = new SimulatedKernel(Clock.SYSTEM);
        kernel.writeFile(FILE, CONTENT, Instant.EPOCH);
        return kernel;
    }

    private static void survive(Program program, FailingCall failing) throws Exception {
        FaultyPlace opened;
        try {
            opened = new FaultyPlace(failing);
        } catch (Throwable e) {
            requireExpected(failing, e);
            return;
        }
        try (FaultyPlace place = opened) {
            try {
                place.run(program);
            } catch (Throwable e) {
                requireExpected(failing, e);
            }
            if (failing.hasFailed()) {
                place.settle(); // else what fails just now would be reported to the next run
                place.run(program);
            }
        }
    }

    /** Which of them it is depends on the call. */
    private static void requireExpected(FailingCall failing, Throwable thrown) throws Exception {
        if (failing.hasFailed() && (thrown instanceof IOException || failing.isCauseOf(thrown))) {
            return;
        }
        throw exception(thrown);
    }

    private static Exception exception(Throwable thrown) {
        if (thrown instanceof Exception exception) {
            return exception;
        }
        throw (Error) thrown;
    }

    /** On a thread of its own, so that it may wait for ever. */
    private void run(Program program) throws Exception {
        trouble = new CompletableFuture<>();
        CompletableFuture<Void> ended = new CompletableFuture<>();
        Thread thread = new Thread(() -> {
            try {
                program.run(this);
                ended.complete(null);
            } catch (Throwable e) {
                ended.completeExceptionally(e);
            }
        }, "program");
        thread.setDaemon(true);
        thread.start();
        try {
            get(ended);
        } catch (TimeoutException e) {
            AssertionError hangs = new AssertionError("it waits for ever; reported: " + reports);
            hangs.setStackTrace(thread.getStackTrace());
            throw hangs;
        }
    }

    /** Waits until the loop is over what it is at: a call fails before its loop tells of it, and the program may have ended between. */
    private void settle() throws Exception {
        CompletableFuture<Void> over = new CompletableFuture<>();
        EventLoop loop = group.loops().get(0);
        loop.execute(() -> loop.execute(() -> over.complete(null))); // the second is behind what the turn has put off
        get(over);
    }

    /** The result of a future that a program waits for, or what it failed with. */
    public static <T> T get(CompletableFuture<T> future) throws Exception {
        try {
            return future.get(SOON_SECONDS, TimeUnit.SECONDS);
        } catch (ExecutionException e) {
            throw exception(e.getCause());
        }
    }

    /** As {@link #get}, of what nobody tells of if it is lost: the first report ends the wait. */
    public <T> T getUnlessTrouble(CompletableFuture<T> future) throws Exception {
        get(CompletableFuture.anyOf(future, trouble));
        return future.join();
    }

    /** Compares what has come. Nothing may come, if what failed was before it; but no part of it that looks like the whole. */
    public static void requireContent(byte[] content) throws IOException {
        if (content.length == 0) {
            throw new IOException("nothing has come");
        }
        if (!Arrays.equals(CONTENT, content)) {
            throw new AssertionError(content.length + " bytes have come, and then the end");
        }
    }

    @Override
    public void close() {
        group.close();
        try {
            for (SegmentPool pool : List.of(segments, SegmentPool.shared())) {
                Support.await("segments are given back", () -> pool.statistics().lentSegments() == 0);
            }
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
