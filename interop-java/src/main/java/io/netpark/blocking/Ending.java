package io.netpark.blocking;

import io.netpark.core.net.serving.Shutdown;
import io.netpark.core.sys.Due;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;

/** The end of a {@link BlockingListener}: one call brings it about, others may be in more of a hurry. */
final class Ending {

    /** For handlers that were cut off, and feel it. */
    static final long NANOS_TO_LEAVE = TimeUnit.MILLISECONDS.toNanos(250);

    private final Handlers handlers;
    private final Runnable stopAccepting;
    private final AtomicBoolean begun = new AtomicBoolean();
    private final CompletableFuture<Shutdown.Report> report = new CompletableFuture<>();

    Ending(Handlers handlers, Runnable stopAccepting) {
        this.handlers = handlers;
        this.stopAccepting = stopAccepting;
    }

    Shutdown.Report run(Shutdown phases) {
        if (!begun.compareAndSet(false, true)) {
            return awaitReport(phases);
        }
        handlers.drain();
        Shutdown.Report done = null;
        try {
            done = runPhases(phases);
            return done;
        } finally {
            report.complete(done != null ? done : handlers.report(handlers.cut()));
        }
    }

    private Shutdown.Report runPhases(Shutdown phases) {
        boolean interrupted = false;
        try {
            handlers.pause(Due.nanos(phases.announce()));
        } catch (InterruptedException e) {
            interrupted = true;
        }
        handlers.beginCounting();
        stopAccepting.run();
        if (!phases.keepIdle()) {
            handlers.endIdle();
        }
        try {
            handlers.awaitNone(interrupted ? 0 : timeToEnd(phases));
        } catch (InterruptedException e) {
            interrupted = true;
        }
        int cut = handlers.cut();
        try {
            handlers.awaitLeft(cut > 0 ? NANOS_TO_LEAVE : 0);
        } catch (InterruptedException e) {
            interrupted = true;
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        return handlers.report(cut);
    }

    /** For requests in progress and what they write, which is a handler's own affair. */
    private static long timeToEnd(Shutdown phases) {
        return Math.min(Due.FOREVER, Due.nanos(phases.finish()) + Due.nanos(phases.flush()));
    }

    private Shutdown.Report awaitReport(Shutdown phases) {
        try {
            return report.get(Math.min(Due.FOREVER, Due.nanos(phases.announce()) + timeToEnd(phases)), TimeUnit.NANOSECONDS);
        } catch (TimeoutException e) {
            handlers.hurry();
        } catch (InterruptedException e) {
            handlers.hurry();
            Thread.currentThread().interrupt();
        } catch (ExecutionException e) {
            throw new AssertionError("a report never fails", e);
        }
        return report.join(); // soon: the first call does not wait any more
    }
}
