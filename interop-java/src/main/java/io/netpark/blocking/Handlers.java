package io.netpark.blocking;

import io.netpark.core.net.serving.Shutdown;
import io.netpark.core.net.serving.rules.Changes;
import io.netpark.core.net.serving.rules.Server;
import io.netpark.core.net.serving.rules.Tally;
import io.netpark.core.sys.Clock;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;

/** The handlers of a {@link BlockingListener}: which have not ended, and what the phases of a shutdown do to them. */
final class Handlers implements Server {

    private final Runnable closeListener;
    /** Those that have not ended and have not been cut off. */
    private final Set<Handling> open = ConcurrentHashMap.newKeySet();
    /** How many there are whose threads have not left them, whether or not they were cut off. */
    private final AtomicInteger running = new AtomicInteger();
    /** Of {@link #running}, when one has left. */
    private final Changes changes;
    private final Tally tally = new Tally();

    private volatile boolean draining;
    private volatile boolean endsIdle;
    /** Nobody comes in any more. */
    private volatile boolean over;

    Handlers(Clock clock, Runnable closeListener) {
        this.changes = new Changes(clock);
        this.closeListener = closeListener;
    }

    /** Returns false if it is too late. */
    boolean add(Handling handling) {
        running.incrementAndGet();
        boolean added = false;
        try {
            added = open.add(handling); // there may be no memory for it
        } finally {
            if (!added) {
                left();
            }
        }
        // After adding it: either this sees that it is over, or cutOff finds the handler among the others, and ends it.
        if (over && open.remove(handling)) {
            left();
        }
        return !over;
    }

    void ended(Handling handling) {
        if (open.remove(handling)) {
            tally.ended(handling.wasIdle());
        }
        left();
    }

    private void left() {
        running.decrementAndGet();
        changes.changed();
    }

    boolean allHaveLeft() {
        return running.get() == 0;
    }

    /** Is told when one has left. */
    Changes changes() {
        return changes;
    }

    /** Waits until all have left, for so long at most; also those that were cut off. Returns false if they have not. */
    boolean awaitLeft(long nanos) throws InterruptedException {
        return changes.await(nanos, this::allHaveLeft);
    }

    /** Whether waiting for them would be waiting for the caller. */
    boolean isRunByCaller() {
        Thread caller = Thread.currentThread();
        return open.stream().anyMatch(handling -> handling.isRunBy(caller));
    }

    /** Those whose executor has ended without running them. */
    void refuseThoseNotBegun(Throwable why) {
        open.forEach(handling -> handling.refuse(why));
    }

    // The end

    boolean isDraining() {
        return draining;
    }

    @Override
    public void announce() {
        draining = true;
    }

    /** Whether accepting has stopped: those that are open then will be in the report. */
    boolean isCounting() {
        return tally.isCounting();
    }

    @Override
    public void stopAccepting() {
        tally.begin();
        open.forEach(Handling::lookWhetherBusy);
        closeListener.run();
    }

    boolean endsIdle() {
        return endsIdle;
    }

    /** Those that wait for a request are told that none is wanted. */
    @Override
    public void endIdle() {
        endsIdle = true;
        open.forEach(Handling::tellIdle);
    }

    /** What a handler writes is its own affair. */
    @Override
    public boolean flush(long nanos) {
        return false;
    }

    /** Closes the connections of those that have not ended. Nobody comes in from now on. */
    @Override
    public int cutOff(String because) {
        over = true;
        List<Handling> rest = open.stream().filter(open::remove).toList();
        rest.forEach(Handling::cutOff);
        return rest.size();
    }

    @Override
    public Shutdown.Report report(int cut) {
        return tally.report(cut);
    }
}
