package io.netpark.core.net.serving.rules;

import io.netpark.core.net.serving.Shutdown;
import io.netpark.core.sys.Due;
import java.util.concurrent.CompletableFuture;
import java.util.function.BooleanSupplier;

/** An {@link Ending} for which threads wait: the first goes through the phases, the others wait for its report. */
public final class BlockingEnding {

    private final Ending ending;
    private final Changes changes;
    private final BooleanSupplier noneLeft;
    private final CompletableFuture<Shutdown.Report> report = new CompletableFuture<>();

    /**
     * @param changes is told when a connection, or handler, has left
     * @param noneLeft whether all have left
     */
    public BlockingEnding(Ending ending, Changes changes, BooleanSupplier noneLeft) {
        this.ending = ending;
        this.changes = changes;
        this.noneLeft = noneLeft;
    }

    /**
     * Comes to an end, and returns what became of the connections. A call that is not the first cuts the ending short when its own times
     * are over. A thread that is interrupted cuts it short at once, and stays interrupted.
     */
    public Shutdown.Report run(Shutdown phases) {
        return ending.begin(phases) ? goThrough() : awaitReport(Ending.longest(phases));
    }

    /** No more time: all waiting ends but the last, which is short. */
    public void hurry() {
        ending.hurry();
        changes.changed();
    }

    private Shutdown.Report goThrough() {
        boolean interrupted = false;
        try {
            for (long nanos = ending.next(); nanos != Ending.OVER; nanos = ending.next()) {
                try {
                    changes.await(nanos, this::isPhaseOver);
                } catch (InterruptedException e) {
                    interrupted = true;
                    ending.hurry();
                }
            }
        } finally {
            try {
                ending.abandon();
            } finally {
                report.complete(ending.report());
                changes.changed();
                if (interrupted) {
                    Thread.currentThread().interrupt();
                }
            }
        }
        return ending.report();
    }

    private boolean isPhaseOver() {
        return switch (ending.phase()) {
            case ANNOUNCE -> ending.isHurried();
            case LEAVE -> noneLeft.getAsBoolean();
            default -> ending.isHurried() || noneLeft.getAsBoolean();
        };
    }

    /** By the clock of the changes, as all waiting here. */
    private Shutdown.Report awaitReport(long nanos) {
        boolean interrupted = false;
        for (long left = nanos; !report.isDone(); left = Due.FOREVER) { // which is soon: the first call does not wait any more
            try {
                if (!changes.await(left, report::isDone)) {
                    hurry();
                }
            } catch (InterruptedException e) {
                interrupted = true;
                hurry();
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        return report.join();
    }
}
