package io.netpark.callback.lifecycle;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** The close callbacks that were added to a connection: a stack that any thread pushes on, and that is emptied once. */
final class CloseCallbacks {

    private static final VarHandle LAST;

    static {
        try {
            LAST = MethodHandles.lookup().findVarHandle(CloseCallbacks.class, "last", Entry.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private static final class Entry {
        final @Nullable CloseAction handler;
        @Nullable Entry before;

        Entry(@Nullable CloseAction handler) {
            this.handler = handler;
        }
    }

    /** In the place of the stack once it has been emptied. */
    private static final Entry HAVE_RUN = new Entry(null);

    private volatile @Nullable Entry last;

    /** False if it is too late: they have been run. */
    boolean add(CloseAction handler) {
        Entry added = new Entry(handler);
        do {
            Entry seen = last;
            if (seen == HAVE_RUN) {
                return false;
            }
            added.before = seen;
        } while (!LAST.compareAndSet(this, added.before, added));
        return true;
    }

    /** Passes each to {@code run}, the last one first; from now on it is too late to add any. */
    void runAll(Consumer<CloseAction> run) {
        for (Entry next = (Entry) LAST.getAndSet(this, HAVE_RUN); next != null; next = next.before) {
            if (next.handler != null) {
                run.accept(next.handler);
            }
        }
    }
}
