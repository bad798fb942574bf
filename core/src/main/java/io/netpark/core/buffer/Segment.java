package io.netpark.core.buffer;

import io.netpark.core.heap.Block;
import io.netpark.core.loop.EventLoop;
import io.netpark.core.memory.DirectBuffers;
import io.netpark.core.report.Reporter;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * A block of memory with a reference count: lent by a {@link SegmentPool}, or somebody's buffer that is linked into a
 * chain.
 *
 * <p>Whoever takes a segment holds one reference. {@link #retain} adds one, {@link #release} drops one, on any thread;
 * with the last one the memory goes back, and whatever was read from it or written to it afterwards would be another's.
 *
 * <p>For Netpark's own adapters.
 */
public final class Segment {

    private static final VarHandle REFERENCES;

    static {
        try {
            REFERENCES = MethodHandles.lookup().findVarHandle(Segment.class, "references", int.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    /** Where it goes; null for a linked buffer. */
    private final @Nullable SegmentPool pool;
    /** Its memory, of a pool; null for a linked buffer. */
    final @Nullable Block block;
    /** Told when a linked buffer is free again. */
    private final @Nullable Runnable released;
    private final ByteBuffer memory;
    /** The same memory, with a position and a limit of its own; made when first asked for. Whoever fills the segment has it. */
    private @Nullable ByteBuffer window;
    /** Of index 0; 0 on the heap. */
    private final long address;
    /** Its place in the chain of its first owner; lives as long as the segment does. */
    final Link link;

    /** References held; 0 while in the pool. */
    private volatile int references = 1;
    /** While lent, if watched. */
    @Nullable LentSegment lease;
    /** Does not go back to its pool, as somebody may still look at it. */
    private volatile boolean abandoned;
    /** Where the last reference was dropped, if watched. */
    private LentSegment.@Nullable Place releasedAt;

    /** Pooled memory. */
    Segment(SegmentPool pool, Block block) {
        this(pool, block, block.memory(), null);
    }

    /** Somebody's buffer, from 0 to its capacity. */
    Segment(ByteBuffer memory, @Nullable Runnable released) {
        this(null, null, memory, released);
    }

    private Segment(@Nullable SegmentPool pool, @Nullable Block block, ByteBuffer memory, @Nullable Runnable released) {
        this.pool = pool;
        this.block = block;
        this.memory = memory;
        this.released = released;
        this.address = memory.isDirect() ? DirectBuffers.address(memory) : 0;
        this.link = new Link(this);
    }

    /** Its memory, big-endian. One object for all: use absolute access, or {@code duplicate} it. */
    ByteBuffer memory() {
        return memory;
    }

    /** Its memory, for whoever fills it. */
    ByteBuffer window() {
        ByteBuffer known = window;
        if (known == null) {
            known = window = memory.duplicate();
        }
        return known.clear();
    }

    /** Where index 0 is, for system calls; 0 if it is on the heap. */
    long address() {
        return address;
    }

    /** In bytes. */
    int size() {
        return memory.capacity();
    }

    /** Whether nobody else holds it. */
    boolean isExclusive() {
        return references == 1;
    }

    /** Whether every view is to be used once only. */
    boolean isParanoid() {
        return pool != null && pool.isParanoid();
    }

    /** Its memory is not to be used again: with the last reference the pool forgets it, and the collector frees it. */
    void abandon() {
        abandoned = true;
    }

    boolean isAbandoned() {
        return abandoned;
    }

    /** Lent anew. */
    void lend() {
        releasedAt = null; // of an earlier loan
        REFERENCES.setRelease(this, 1);
    }

    /**
     * Adds a reference.
     *
     * @throws IllegalStateException if it has been released
     */
    void retain() {
        int before = (int) REFERENCES.getAndAdd(this, 1);
        if (before <= 0) {
            REFERENCES.getAndAdd(this, -1);
            throw misused("retained after its release");
        }
    }

    /**
     * Drops a reference; with the last one the memory goes back to where it came from.
     *
     * @throws IllegalStateException if there is none left. At {@link LeakDetection#PARANOID} it names both places
     */
    public void release() {
        int before = (int) REFERENCES.getAndAdd(this, -1);
        if (before > 1) {
            return;
        }
        if (before < 1) {
            REFERENCES.getAndAdd(this, 1);
            throw misused("released once too often");
        }
        if (pool != null && abandoned) {
            pool.forget(this);
            return;
        }
        link.revoke();
        if (pool != null) {
            if (lease != null) {
                releasedAt = placeOfRelease(lease);
            }
            pool.giveBack(this);
        } else if (released != null) {
            tell(released);
        }
    }

    /**
     * On a loop as a task of its own: whoever lets go of the last byte is in the midst of an operation, and what is told
     * may write the next.
     */
    private static void tell(Runnable released) {
        try {
            EventLoop loop = EventLoop.current();
            if (loop != null && loop.tryExecute(released)) {
                return;
            }
        } catch (OutOfMemoryError e) {
            // There is no room for a task: told here and now.
        }
        try {
            released.run();
        } catch (Throwable e) {
            report(e);
        }
    }

    private static void report(Throwable e) {
        try {
            Reporter.LOG.report("A linked buffer was released, and telling its owner threw", e);
        } catch (Throwable ignored) {
            // Whoever lets go of the last byte has nothing to do with it.
        }
    }

    /** Null if there is no memory for it. */
    private static LentSegment.@Nullable Place placeOfRelease(LentSegment lease) {
        try {
            LentSegment.Place place = new LentSegment.Place("released");
            place.addSuppressed(lease.taken);
            return place;
        } catch (OutOfMemoryError e) {
            return null;
        }
    }

    private IllegalStateException misused(String how) {
        LentSegment.Place first = releasedAt;
        IllegalStateException e = new IllegalStateException("a segment of " + size() + " bytes was " + how
                + (first == null ? "; -Dnetpark.leakDetection=paranoid tells where it was released before"
                        : "; the cause says where it was released before"));
        if (first != null) {
            e.initCause(first);
        }
        return e;
    }

    @Override
    public String toString() {
        return "segment of " + size() + " bytes, " + references + " references";
    }
}
