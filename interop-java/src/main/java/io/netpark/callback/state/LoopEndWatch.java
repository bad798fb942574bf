package io.netpark.callback.state;

import io.netpark.core.loop.EventLoop;
import io.netpark.core.loop.Timer;
import io.netpark.core.sys.Due;
import io.netpark.core.sys.NetparkException;
import org.jspecify.annotations.Nullable;

/**
 * Ends a connection whose event loop closes while nothing of it is parked there, so that no waiter would learn of that. A timer does,
 * and is armed for this alone. Loop's thread only.
 *
 * <pre>
 *   RESTING --reading has stopped: begin--> WATCHING --reading goes on: end--> RESTING
 * </pre>
 */
final class LoopEndWatch {

    private final Ending ending;
    private @Nullable Timer timer;
    private boolean watching;

    LoopEndWatch(Ending ending) {
        this.ending = ending;
    }

    /** Reading has stopped, and no waiter may be parked. */
    void begin() {
        if (!watching) {
            watching = true;
            EventLoop loop = ending.core.loop();
            Timer known = timer;
            if (known == null) {
                known = timer = loop.newTimer(() -> {}, this::loopClosed);
            }
            known.arm(loop.clock().after(Due.FOREVER));
        }
    }

    /** Reading goes on, or the connection has ended; an armed timer would cost the loop a look at the clock every turn. */
    void end() {
        Timer known = timer;
        if (watching && known != null) {
            watching = false;
            known.disarm();
        }
    }

    private void loopClosed() {
        ending.end(new NetparkException.Closed(ending.core + ": closed here, with its event loop"));
    }
}
