package io.netpark.core.loop;

import io.netpark.core.sys.Clock;
import io.netpark.core.sys.NetparkException;
import java.util.concurrent.TimeUnit;

/**
 * Turns of an event loop that have failed one after another. User code is guarded by itself, so this is the poller, or there is no
 * memory. The latter passes, and so do some failures of the former: the next turn goes on where this one has stopped. A poller
 * that keeps failing ends the loop. Loop's thread only.
 */
final class TurnFailures {

    private static final int MOST = 100;
    private static final long PAUSE = TimeUnit.MILLISECONDS.toNanos(10);

    private final EventLoop loop;
    private final Lifetime lifetime;
    private final Reports reports;
    private int failures;
    /** The failures that no want of memory explains. */
    private int pollerFailures;

    TurnFailures(EventLoop loop, Lifetime lifetime, Reports reports) {
        this.loop = loop;
        this.lifetime = lifetime;
        this.reports = reports;
    }

    /** A turn has not failed. */
    void forget() {
        failures = pollerFailures = 0;
    }

    /** A turn has failed: reports it, pauses, or has the loop close. */
    void add(Throwable e) {
        failures++;
        if (!(e instanceof VirtualMachineError)) {
            pollerFailures++;
        }
        if (pollerFailures == MOST && lifetime.isRunning()) {
            lifetime.fail(e);
            reports.failure("The poller keeps failing, and the loop closes:", loop, e);
        } else if (failures == 1) {
            reports.failure(e instanceof NetparkException
                    ? "The poller failed, and is tried again:" : "A turn failed, and the loop goes on:", loop, e);
        }
        if (failures > 1 || e instanceof NetparkException) {
            pause();
        }
    }

    private void pause() {
        Clock clock = loop.clock();
        long end = clock.after(PAUSE);
        for (long left = PAUSE; left > 0; left = end - clock.nanoTime()) {
            Thread.interrupted(); // or it would not pause
            clock.park(loop, left);
        }
    }
}
