package io.netpark.callback.state;

import io.netpark.core.loop.EventLoop;
import io.netpark.core.loop.Timer;
import io.netpark.core.net.streams.ConnectionDescriptor;
import io.netpark.core.net.streams.Uptake;
import io.netpark.core.sys.Due;
import io.netpark.core.sys.NetparkException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Ends a connection that is silent for too long, as the idle timeout says, or whose event loop closes while nothing of it is parked there. A byte
 * costs one look at the clock, if there is an idle timeout, and else nothing; the timer moves itself when it fires and
 * finds that it is not time yet. Loop's thread only.
 */
public final class IdleTimer {

    private final ConnectionDescriptor core;
    private final EventLoop loop;
    private final Ending ending;
    private final StateOwner owner;
    /** 0 for none. */
    private volatile long idleNanos;
    /** Written by other loops as well, while the connection is copied to or from. */
    private volatile long lastByte;
    /** Made when the connection has first been silent for a part of its time. */
    private volatile @Nullable Uptake uptake;
    private @Nullable Timer timer;
    private boolean listening;

    public IdleTimer(ConnectionDescriptor core, Ending ending, StateOwner owner, long idleNanos) {
        this.core = core;
        this.loop = core.loop();
        this.ending = ending;
        this.owner = owner;
        this.idleNanos = idleNanos;
    }

    /** From any thread: from now on. */
    public void set(long nanos) {
        idleNanos = nanos;
        loop.tryExecute(this::changed);
    }

    private void changed() {
        if (!ending.isOpen()) {
            return;
        }
        if (timer != null) {
            timer.disarm();
        }
        listening = false;
        start();
        if (!owner.isReading()) {
            listenForLoopEnd();
        }
    }

    public void start() {
        long idleNanos = this.idleNanos;
        if (idleNanos > 0) {
            touch();
            timer().arm(Uptake.firstLook(lastByte, idleNanos));
        }
    }

    /** A byte has moved. */
    public void touch() {
        if (idleNanos > 0) {
            lastByte = loop.clock().nanoTime();
            Uptake asked = uptake;
            if (asked != null) {
                asked.restart();
            }
        }
    }

    /**
     * Reading has stopped, so no waiter may be parked that would learn of the end of the loop. A timer does; one with
     * an idle timeout is armed anyway.
     */
    public void listenForLoopEnd() {
        if (!listening && idleNanos == 0) {
            listening = true;
            timer().arm(loop.clock().after(Due.FOREVER));
        }
    }

    /** Reading goes on; an armed timer would cost the loop a look at the clock every turn. */
    public void reading() {
        if (listening) {
            listening = false;
            timer().disarm();
        }
    }

    public void stop() {
        if (timer != null) {
            timer.disarm();
        }
    }

    private Timer timer() {
        Timer known = timer;
        if (known == null) {
            known = timer = loop.newTimer(this::fire, this::loopClosed);
        }
        return known;
    }

    private void fire() {
        long idleNanos = this.idleNanos;
        if (idleNanos == 0 || !ending.isOpen()) {
            return;
        }
        if (owner.isAtWork()) { // the callback takes its time, and the peer waits for it
            touch();
        }
        if (!uptake().isOver(lastByte, idleNanos)) {
            timer().arm(uptake().nextLook());
        } else {
            ending.end(new NetparkException.TimedOut(NetparkException.Timeout.IDLE,
                    core + " was idle: no byte in either direction for "
                            + TimeUnit.NANOSECONDS.toMillis(idleNanos) + " ms"));
        }
    }

    private Uptake uptake() {
        Uptake known = uptake;
        if (known == null) {
            known = uptake = new Uptake(core);
        }
        return known;
    }

    private void loopClosed() {
        ending.end(new NetparkException.Closed(core + ": closed here, with its event loop"));
    }
}
