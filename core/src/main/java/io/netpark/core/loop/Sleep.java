package io.netpark.core.loop;

import io.netpark.core.counting.Counters;
import io.netpark.core.poll.Poller;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.jspecify.annotations.Nullable;

/** Whether an event loop sleeps in its poller, so that a task of another thread needs a wake-up to be seen. */
final class Sleep {

    private static final int AWAKE = 0;
    private static final int ASLEEP = 1;

    private static final VarHandle STATE;

    static {
        try {
            STATE = MethodHandles.lookup().findVarHandle(Sleep.class, "state", int.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final Poller poller;
    private final @Nullable Counters counters;

    /**
     * <pre>
     *   loop:    AWAKE --about to wait--> ASLEEP, then looks into the queue once more
     *            ASLEEP --has waited--> AWAKE, then drains the queue
     *   others:  add a task, then ASLEEP --CAS--> AWAKE; the one that succeeds writes the eventfd
     * </pre>
     *
     * Each side writes before it reads what the other wrote, all volatile: either the loop sees the task, or the
     * other side sees ASLEEP. A busy loop is never ASLEEP when asked, so its tasks cost no system call.
     */
    private volatile int state = AWAKE;

    Sleep(Poller poller, @Nullable Counters counters) {
        this.poller = poller;
        this.counters = counters;
    }

    /** The loop is about to wait. It looks for tasks after this, and before it does. */
    void begin() {
        state = ASLEEP;
    }

    /** The loop has waited, or did not need to. */
    void end() {
        state = AWAKE;
    }

    /** Ends the sleep, if there is one. By another thread, after it has said what it wants of the loop. */
    void interrupt() {
        if (state == ASLEEP && STATE.compareAndSet(this, ASLEEP, AWAKE)) {
            try {
                poller.wakeup();
            } catch (Throwable e) { // StackOverflowError, say: the loop sleeps on, and the next thread must see that
                state = ASLEEP;
                throw e;
            }
            if (counters != null) {
                counters.wokenUp();
            }
        }
    }
}
