package io.netpark.callback.lifecycle;

import io.netpark.core.net.listening.ListenerDescriptor;
import io.netpark.core.net.serving.Shutdown;
import io.netpark.core.sys.Due;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;

/**
 * How a server comes to its end in the phases of a {@link Shutdown}: the first caller goes through them, and the others wait for its
 * report. From any thread.
 */
public final class Phases {

    private final Connections connections;
    private final List<ListenerDescriptor> listeners;
    /** Whoever is accepted from now on is closed. */
    private final Runnable noMore;
    private final AtomicBoolean begun = new AtomicBoolean();
    private final CompletableFuture<Shutdown.Report> report = new CompletableFuture<>();

    public Phases(Connections connections, List<ListenerDescriptor> listeners, Runnable noMore) {
        this.connections = connections;
        this.listeners = listeners;
        this.noMore = noMore;
    }

    public Shutdown.Report run(Shutdown phases) {
        if (!begun.compareAndSet(false, true)) {
            return awaitReport(phases);
        }
        connections.drain();
        Shutdown.Report done = null;
        try {
            done = runPhases(phases);
            return done;
        } finally {
            report.complete(done != null ? done : new Shutdown.Report(0, 0, 0, connections.closeAll("by a failure")));
        }
    }

    private Shutdown.Report awaitReport(Shutdown phases) {
        long most = Stream.of(phases.announce(), phases.finish(), phases.flush())
                .mapToLong(Due::nanos).reduce(0, (sum, next) -> Math.min(Due.FOREVER, sum + next));
        try {
            return report.get(most, TimeUnit.NANOSECONDS);
        } catch (TimeoutException e) {
            connections.cutOff();
        } catch (InterruptedException e) {
            connections.cutOff();
            Thread.currentThread().interrupt();
        } catch (ExecutionException e) {
            throw new AssertionError("a report never fails", e);
        }
        return report.join(); // soon: the first call does not wait any more
    }

    private Shutdown.Report runPhases(Shutdown phases) {
        boolean interrupted = false;
        try {
            connections.pause(Due.nanos(phases.announce()));
        } catch (InterruptedException e) {
            interrupted = true;
        }
        listeners.forEach(ListenerDescriptor::close);
        int open = connections.countOpen();
        if (!phases.keepIdle()) {
            connections.closeIdle();
        }
        interrupted = interrupted || !await(phases.finish());
        int unfinished = connections.countOpen();
        int idle = connections.countOfIdle();
        if (unfinished > 0 && !phases.flush().isZero()) {
            connections.closeAllLingering(Due.nanos(phases.flush()));
            interrupted = interrupted || !await(phases.flush());
        }
        noMore.run();
        int cut = connections.closeAll("as the time to finish was over");
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        return new Shutdown.Report(
                idle, Math.max(0, open - idle - unfinished), Math.max(0, unfinished - cut), cut);
    }

    /** Returns false if the thread is interrupted. */
    private boolean await(Duration time) {
        try {
            connections.awaitNone(Due.nanos(time));
            return true;
        } catch (InterruptedException e) {
            return false;
        }
    }
}
