package io.netpark.callback.poller;

import io.netpark.core.loop.EventLoop;
import io.netpark.core.poll.Pollable;
import io.netpark.core.poll.Readiness;
import io.netpark.core.poll.WokenBatch;
import io.netpark.core.sys.NetparkException;
import io.netpark.core.sys.OpenDescriptor;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/** A descriptor that a {@link CallbackPoller} watches, from start to stop. */
final class Registration extends Pollable implements Runnable {

    private static final VarHandle STATE;
    private static final VarHandle ARMED;

    static {
        try {
            STATE = MethodHandles.lookup().findVarHandle(Registration.class, "state", int.class);
            ARMED = MethodHandles.lookup().findVarHandle(Registration.class, "armed", boolean.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private static final int RUNNING = 1;
    private static final int STOPPED = 2;

    private final CallbackPoller poller;
    private final EventLoop loop;
    private final OpenDescriptor descriptor;
    /** The descriptor's, which may be closed when this is stopped. */
    private final int number;
    private final ReadinessHandler handler;

    private volatile Watch watch;
    /**
     * A one-shot watch may report. What was found before it was changed or resumed may still be on its way then, and be told before
     * what the kernel finds afterwards: of the two, one is told.
     */
    private volatile boolean armed = true;

    /**
     * What makes {@link #stop} a barrier.
     *
     * <pre>
     *   0        --enter--> RUNNING          --leave--> 0
     *   0        --stop---> STOPPED
     *   RUNNING  --stop---> RUNNING|STOPPED  --leave--> STOPPED, and whoever stopped is told
     *   STOPPED  --enter--> refused
     * </pre>
     */
    private volatile int state;

    /** Found and not yet told. Loop's thread only, as is the next. */
    private int found;
    private boolean queued;

    Registration(CallbackPoller poller, OpenDescriptor descriptor, Watch watch, ReadinessHandler handler) {
        this.poller = poller;
        this.loop = poller.loop();
        this.descriptor = descriptor;
        this.number = descriptor.number();
        this.watch = watch;
        this.handler = handler;
    }

    void register() throws NetparkException {
        loop.poller().add(number, this, watch.interest());
    }

    /** With the lock of the poller's registrations, as {@link #resume}. */
    void change(Watch to) throws NetparkException {
        Watch before = watch;
        watch = to;
        try {
            resume();
        } catch (Throwable e) {
            watch = before;
            throw e;
        }
    }

    void resume() throws NetparkException {
        armed = true; // before the kernel is: what that finds must be told
        loop.poller().modify(number, this, watch.interest());
    }

    /** The callback is not entered again once this has returned. Waits for it if it runs on another thread. */
    void stop() {
        loop.poller().remove(number, this);
        int before = (int) STATE.getAndBitwiseOr(this, STOPPED);
        if ((before & RUNNING) != 0 && !loop.inLoop()) {
            awaitLeaving();
        }
    }

    private synchronized void awaitLeaving() {
        boolean interrupted = false;
        while ((state & RUNNING) != 0) {
            try {
                wait();
            } catch (InterruptedException e) {
                interrupted = true; // a barrier that can be interrupted is none
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private boolean enter() {
        return STATE.compareAndSet(this, 0, RUNNING);
    }

    private void leave() {
        if (!STATE.compareAndSet(this, RUNNING, 0)) {
            synchronized (this) {
                state = STOPPED;
                notifyAll();
            }
        }
    }

    @Override
    public void ready(int readiness, WokenBatch woken) {
        found |= readiness;
        if (!queued) {
            queued = true;
            woken.add(this);
        }
    }

    /** The event loop closes. */
    @Override
    public void pollerClosed(WokenBatch woken) {
        ready(Readiness.POLLER_CLOSED, woken);
    }

    /** The {@link CallbackPoller} closes; on the loop. */
    void pollerClosed() {
        found |= Readiness.POLLER_CLOSED;
        run();
    }

    @Override
    public void run() {
        if (!enter()) {
            return;
        }
        try {
            int told = wanted(found); // when it has been entered: whoever changes the watch afterwards finds the callback running
            Events events;
            try {
                events = Events.of(told);
            } catch (Throwable e) { // no memory: an edge is told once, so it is told later
                armed = true;
                loop.tryWake(this);
                throw e;
            }
            queued = false;
            found = 0;
            if (told != 0) {
                call(events);
            }
        } finally {
            leave();
        }
    }

    /** What the watch of this moment reports of what was found. */
    private int wanted(int readiness) {
        Watch now = watch;
        if (now.mode() == Watch.Mode.ONE_SHOT && (readiness & now.reported()) != 0
                && !ARMED.compareAndSet(this, true, false)) {
            return readiness & Readiness.POLLER_CLOSED;
        }
        return readiness & now.reported();
    }

    private void call(Events events) {
        try {
            handler.ready(descriptor, events);
            if (events.isPollerClosed()) {
                poller.forget(descriptor, this);
            }
        } catch (Throwable e) {
            poller.forget(descriptor, this); // it would be called again at once, and throw again
            loop.report("The callback of " + this + " threw; it is not watched any more", e);
        } finally {
            EventLoop.leaveUserCode();
        }
    }

    @Override
    public String handler() {
        return handler.getClass().getName();
    }

    @Override
    public String toString() {
        return descriptor + " (" + watch + ")";
    }
}
