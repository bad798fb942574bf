package io.netpark.callback.state;

import io.netpark.core.net.streams.IdleOwner;
import io.netpark.core.sys.Due;
import io.netpark.core.sys.NetparkException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Ends a connection that is silent for too long, as the idle timeout says. Core counts the time; what counts as silence, and how the
 * connection ends, is known here.
 */
public final class Idling implements IdleOwner {

    private final Ending ending;
    /** Made when reading first rests. Loop's thread only. */
    private @Nullable LoopEndWatch loopEnd;
    /** 0 for none. What is set before the connection begins is in force from then on. */
    private volatile long idleNanos;

    public Idling(Ending ending, long idleNanos) {
        this.ending = ending;
        this.idleNanos = idleNanos;
    }

    /** On the loop: reading has stopped, and no waiter may be parked that would learn of the end of the loop. */
    public void watchLoopEnd() {
        LoopEndWatch known = loopEnd;
        if (known == null) {
            known = loopEnd = new LoopEndWatch(ending);
        }
        known.begin();
    }

    /** On the loop: reading goes on. */
    public void unwatchLoopEnd() {
        LoopEndWatch known = loopEnd;
        if (known != null) {
            known.end();
        }
    }

    /** From any thread: from now on. */
    public void set(long nanos) {
        idleNanos = nanos;
        ending.core.loop().tryExecute(() -> {
            if (ending.isOpen()) {
                apply();
            }
        });
    }

    /** On the loop: the connection begins. */
    public void start() {
        if (idleNanos > 0) {
            apply();
        }
    }

    private void apply() {
        long nanos = idleNanos;
        ending.core.setIdleTimeout(nanos > 0 ? nanos : Due.FOREVER, this);
    }

    /** From any thread: it is the peer's turn from now on. That bytes have moved, core knows by itself. */
    public void touch() {
        if (ending.isOpen()) { // or the socket may be another's by now
            ending.core.restartIdleTime();
        }
    }

    /** On the loop: the connection has ended, and its descriptor may go on without it. */
    public void stop() {
        unwatchLoopEnd();
        ending.core.setIdleTimeout(Due.FOREVER);
    }

    @Override
    public boolean isAtWork() {
        return ending.owner.isAtWork();
    }

    @Override
    public void idleFor(long nanos) {
        ending.end(new NetparkException.TimedOut(NetparkException.Timeout.IDLE,
                ending.core + " was idle: no byte in either direction for " + TimeUnit.NANOSECONDS.toMillis(nanos) + " ms"));
    }
}
