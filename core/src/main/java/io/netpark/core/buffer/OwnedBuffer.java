package io.netpark.core.buffer;

import io.netpark.core.loop.EventLoop;
import io.netpark.core.sys.NetparkException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.jspecify.annotations.Nullable;

/**
 * A buffer of a connection, and the rule between its uses and the end of the connection, which may come on any thread and at any
 * time. If nobody is using the buffer at that moment, the end gives the memory back at once; otherwise the use that is going on does
 * so when it is over.
 *
 * <pre>
 *   off the loop:   0 --enter--> 2 (users times two) --exit--> 0
 *                   0 --end--> ENDED                           memory goes back
 *                   2 --end--> 2 + ENDED --exit--> ENDED       memory goes back
 *   on the loop:    not counted. Once somebody has used it there, memory goes back on the loop only, between two uses
 * </pre>
 *
 * A use is one call: reading a number, a system call that fills the buffer. A view that a call has handed out may be in use at any
 * time. If the thread that ends the buffer is the only one that has used it, nobody is looking at a view: they become empty, and
 * the memory goes back. Otherwise what is under views is left to the garbage collector; the pool does not count it any more.
 *
 * <p>For Netpark's own adapters.
 */
public final class OwnedBuffer {

    private static final VarHandle STATE;

    static {
        try {
            STATE = MethodHandles.lookup().findVarHandle(OwnedBuffer.class, "state", int.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private static final int ENDED = 1;
    private static final int USER = 2;
    /** The buffer that is used after the end by who needs nothing of it: there is nothing to read. */
    private static final LinkBuffer NOTHING = new LinkBuffer(SegmentPool.shared());

    static {
        NOTHING.close();
    }

    private final BufferOwner owner;
    private final EventLoop loop;
    private final LinkBuffer buffer;
    /** Each end is made when it is first asked for: most users have one. Nothing in it changes, so any thread may make it. */
    private @Nullable BufferReader reader;
    private @Nullable BufferWriter writer;

    private volatile int state;
    /** Why nobody may use it any more; null if it simply has ended. */
    private volatile @Nullable String refusal;
    /** There were bytes when it ended. */
    private volatile boolean dropped;
    private volatile boolean usedOnLoop;
    /** The last thread that used it off the loop, and whether others did before. */
    private volatile @Nullable Thread user;
    private volatile boolean severalUsers;

    // Loop's thread only
    private int usesOnLoop;
    private boolean givingBack;

    /** Takes a buffer over. */
    public OwnedBuffer(BufferOwner owner, LinkBuffer buffer) {
        this.owner = owner;
        this.loop = owner.loop();
        this.buffer = buffer;
    }

    /** Its reading end, for the connection's user. */
    public BufferReader reader() {
        BufferReader known = reader;
        if (known == null) {
            known = reader = new GuardedReader(this);
        }
        return known;
    }

    /** Its writing end, for the connection's user. */
    public BufferWriter writer() {
        BufferWriter known = writer;
        if (known == null) {
            known = writer = new GuardedWriter(this);
        }
        return known;
    }

    /**
     * Begins a use, of one call. To be followed by {@link #exit}, on the same thread.
     *
     * @return the buffer; after the end, a closed buffer
     * @throws IllegalStateException if it was {@linkplain #refuse refused}
     */
    public LinkBuffer enter() {
        if (loop.inLoop()) {
            if (!usedOnLoop) {
                usedOnLoop = true; // before it is looked whether it has ended: the end looks the other way round
            }
            if ((state & ENDED) != 0) {
                return ended();
            }
            usesOnLoop++;
            return buffer;
        }
        return enterElsewhere();
    }

    /**
     * As {@link #enter}, to take so many bytes, or to look at them.
     *
     * <p>Declares nothing, as the methods of {@link BufferReader} do not, and throws as it says there: after the end, if it is about more than
     * 0 bytes, the {@link NetparkException} that says why there are none.
     */
    public LinkBuffer enterToTake(long count) {
        LinkBuffer entered = enter();
        if (entered == NOTHING && count > 0) {
            throw undeclared(owner.inputEnded());
        }
        return entered;
    }

    /**
     * As {@link #enter}, to put something.
     *
     * <p>Declares nothing, as {@link #enterToTake}, and throws after the end: the {@link NetparkException} that says why nothing can be put any
     * more.
     */
    public LinkBuffer enterToPut() {
        LinkBuffer entered = enter();
        if (entered == NOTHING) {
            throw undeclared(owner.outputEnded());
        }
        return entered;
    }

    /** Returns nothing: throws what it is given, whatever the compiler knows of that. */
    @SuppressWarnings("unchecked")
    private static <E extends Throwable> E undeclared(Throwable failure) throws E {
        throw (E) failure;
    }

    private LinkBuffer enterElsewhere() {
        int before;
        do {
            before = state;
            if ((before & ENDED) != 0) {
                return ended();
            }
        } while (!STATE.compareAndSet(this, before, before + USER));
        Thread thread = Thread.currentThread();
        if (user != thread) {
            severalUsers |= user != null;
            user = thread;
        }
        return buffer;
    }

    /**
     * Begins a use by something that works on the buffer in the background: it goes on while the caller's thread does other things,
     * and any thread may end it, by {@link #drop} with what this has returned.
     */
    public LinkBuffer hold() {
        return enterElsewhere();
    }

    /** Ends a {@link #hold}. */
    public void drop(LinkBuffer held) {
        if (held != NOTHING) {
            exitElsewhere();
        }
    }

    private LinkBuffer ended() {
        check();
        return NOTHING;
    }

    private void check() {
        String why = refusal;
        if (why != null) {
            throw new IllegalStateException(why);
        }
    }

    /** Ends a use. */
    public void exit(LinkBuffer used) {
        if (used == NOTHING) {
            return;
        }
        if (loop.inLoop()) {
            if (--usesOnLoop == 0 && givingBack) {
                giveBackNow();
            }
        } else {
            exitElsewhere();
        }
    }

    private void exitElsewhere() {
        if ((int) STATE.getAndAdd(this, -USER) == USER + ENDED) {
            giveBack();
        }
    }

    /** Unread bytes, or bytes to be written; without a use, so the value may be old. 0 after the end. */
    public long size() {
        if ((state & ENDED) != 0) {
            check();
            return 0;
        }
        return buffer.size;
    }

    /** Memory that is kept for views only, in bytes. As {@link #size}. */
    public long heldBytes() {
        return (state & ENDED) != 0 ? 0 : buffer.heldBytes;
    }

    /** Whether it has ended with bytes in it, so that having nothing to write does not mean that all is written. */
    public boolean hasDropped() {
        return dropped;
    }

    /**
     * Ends it: on any thread, in any state, more than once.
     *
     * @return how many bytes are dropped by that; 0 if it had ended before
     */
    public long end() {
        long size = buffer.size;
        if ((state & ENDED) == 0 && size > 0) {
            dropped = true;
        }
        int before = (int) STATE.getAndBitwiseOr(this, ENDED);
        if (before == 0) {
            giveBack();
        }
        return (before & ENDED) == 0 ? size : 0;
    }

    /** As {@link #end}, and whoever uses it afterwards is told so by an IllegalStateException. */
    public long refuse(String why) {
        refusal = why;
        return end();
    }

    /** Once: it has ended, and nobody uses it off the loop, nor will. */
    private void giveBack() {
        if (!buffer.holdsMemory() && !usedOnLoop) {
            buffer.close();
        } else if (!usedOnLoop) {
            giveBackNow();
        } else if (loop.inLoop()) {
            giveBackOnLoop();
        } else if (!loop.tryWake(this::giveBackOnLoop)) {
            giveBackNow(); // nothing runs on it any more
        }
    }

    private void giveBackOnLoop() {
        if (usesOnLoop == 0) {
            giveBackNow();
        } else {
            givingBack = true; // this is within a use: by something of the user's that was called
        }
    }

    private void giveBackNow() {
        givingBack = false;
        Thread elsewhere = user;
        boolean alone = usedOnLoop ? elsewhere == null && (loop.inLoop() || loop.isShutdown())
                : elsewhere == null || !severalUsers && elsewhere == Thread.currentThread();
        if (alone) {
            buffer.close();
        } else {
            buffer.abandon();
        }
    }
}
