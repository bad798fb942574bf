package io.netpark.callback.delivery;

import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/** Those who run calls: an executor, how much room it has, and when it is looked for some again. From any thread. */
public final class Crew {

    private final Executor executor;
    private final @Nullable ExecutorService owned;
    private final String name;
    private final Room room;
    private final Executor soon;
    /** {@link #tryAgain} is going to be called. */
    private final AtomicBoolean tryingAgain = new AtomicBoolean();

    /**
     * @param owned ended by {@link #close}; null for none
     * @param places how many calls the executor takes at a time; {@link #AS_IT_SAYS} if it says so by itself
     * @param soon runs a task after a short time
     */
    public Crew(Executor executor, @Nullable ExecutorService owned, String name, int places, Executor soon) {
        this.executor = executor;
        this.owned = owned;
        this.name = name;
        this.room = new Room(places);
        this.soon = soon;
    }

    /** As a number of places. */
    public static final int AS_IT_SAYS = Room.UNKNOWN;

    public Room room() {
        return room;
    }

    /** A place is free: whoever comes next has it. Throws nothing. */
    void leave() {
        WorkerCall next = room.leave();
        if (next == null) {
            return;
        }
        if (owned != null) {
            next.goOut();
        } else {
            next.goOutSoon(); // as the executor might run it here, inside the call that ends, and so on
        }
    }

    /** There may be room for more than one. Throws nothing. */
    void passOn() {
        WorkerCall next = room.next();
        if (next != null) {
            next.goOutSoon();
        }
    }

    /** Somebody has joined the line. When a call of the room ends, it has the place; where nobody tells of room, it is looked for. */
    void joined(boolean refused) {
        if ((refused || room.isUnknown()) && tryingAgain.compareAndSet(false, true)) {
            try {
                soon.execute(this::tryAgain);
            } catch (Throwable e) { // no memory: whoever joins next, or leaves, tries
                tryingAgain.set(false);
            }
        }
    }

    private void tryAgain() {
        tryingAgain.set(false);
        passOn();
    }

    /** Whether waiting for room is in vain. */
    boolean takeNoMore() {
        return executor instanceof ExecutorService service && service.isShutdown();
    }

    public void execute(Runnable call) {
        executor.execute(call);
    }

    /** Whether no call that has been taken will be run any more, as far as one can see. */
    boolean haveEnded() {
        return executor instanceof ExecutorService service && service.isTerminated();
    }

    /** Whether that can happen without {@link #close}. */
    boolean mayEndUnseen() {
        return owned == null && executor instanceof ExecutorService;
    }

    /** Lets calls that wait or run come to their end, and ends the threads, if they are owned; does not wait for that. */
    public void close() {
        if (owned != null) {
            owned.shutdown();
        }
    }

    @Override
    public String toString() {
        return name;
    }
}
