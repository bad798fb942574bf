package io.netpark.core.buffer;

import io.netpark.core.linux.IoVec;
import io.netpark.core.sys.NetparkException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.ReadableByteChannel;
import java.nio.channels.WritableByteChannel;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A queue of bytes in a chain of segments: written at one end, read at the other, and moved from one buffer to another
 * without a copy.
 *
 * <p>An empty buffer holds no memory: a segment is taken when a byte is written, and given back when its last byte has
 * been read and no view of it is out.
 *
 * <p>It is a chain in layers: {@link Chain} keeps the links in order, {@link SearchableChain} looks for bytes, {@link ReadableChain}
 * takes them, {@link WritableChain} adds them. Here is what moves bytes between a chain and a descriptor.
 *
 * <p>NOT thread safe. Ownership: whoever makes it closes it, or reads it empty and {@linkplain #release releases} it.
 */
@SuppressWarnings("NullAway") // what is reserved has a tail, and bytes have links
public final class LinkBuffer extends WritableChain implements AutoCloseable {

    /** How much room a read from a descriptor should at least have. */
    private static final int WORTH_READING_INTO = 4 * 1024;

    /** Room for a read from a descriptor, not in the chain as it may stay empty. */
    private @Nullable Link spare;
    private @Nullable LinkBuffer beside;

    /** An empty buffer without a limit of its own. */
    public LinkBuffer(SegmentPool pool) {
        this(pool, Long.MAX_VALUE);
    }

    /** An empty buffer that takes no more than {@code limit} unread bytes. */
    public LinkBuffer(SegmentPool pool, long limit) {
        super(pool, limit);
    }

    /** The pool that its segments come from; those moved here from another buffer go back to theirs. */
    public SegmentPool pool() {
        return pool;
    }

    /** Memory that is kept for views only, in bytes: what {@link #release} would give back. */
    public long heldBytes() {
        return heldBytes;
    }

    /** Whether a segment of a pool, or somebody's buffer, is in its hands. */
    boolean holdsMemory() {
        return head != null || held != null || spare != null;
    }

    /**
     * Whether a read into this buffer must not wait for memory, as it, or the one {@linkplain #beside beside} it, holds some: if all
     * that do waited for one another, nobody would ever give any back.
     */
    public boolean mustNotWait() {
        LinkBuffer other = beside;
        return holdsMemory() || other != null && other.holdsMemory();
    }

    /**
     * Says what else whoever reads into this buffer has in its hands: what it holds counts as if it were here when memory is short. May
     * be changed at any time, by the thread that reads.
     */
    public void beside(@Nullable LinkBuffer other) {
        this.beside = other;
    }

    // For whoever moves the bytes between here and a descriptor

    /**
     * Room for a read from a descriptor. To be followed by {@link #filled}.
     *
     * @return its address
     */
    public long openRoom() throws NetparkException.LimitExceeded {
        checkRoom(0);
        unreserve();
        Link last = tail;
        if (spare != null) {
            last = spare;
        } else if (last == null || last.room() < WORTH_READING_INTO) {
            last = spare = Link.empty(pool.take(SegmentPool.LARGEST));
        }
        return last.segment.address() + last.end;
    }

    /** How many bytes the room has that was opened. */
    public int roomSize() {
        Link room = spare != null ? spare : tail;
        assert room != null;
        return room.room();
    }

    /** The room that was opened, from its position to its limit: for bytes that do not come from the kernel. One object for all. */
    public ByteBuffer room() {
        Link room = spare != null ? spare : tail;
        assert room != null;
        return room.segment.window().limit(room.memory.capacity()).position(room.end);
    }

    /** So many bytes have been put into the room that was opened; 0 closes it. */
    public void filled(int count) {
        Link fresh = spare;
        spare = null;
        Link last = tail;
        if (fresh == null) {
            assert last != null;
            added(last, count);
        } else if (count == 0) {
            fresh.release();
        } else if (last != null && count < WORTH_SHARING && last.room() >= count) {
            last.memory.put(last.end, fresh.memory, 0, count); // a few bytes at a time must not take a segment each
            added(last, count);
            fresh.release();
        } else {
            addLink(fresh);
            added(fresh, count);
        }
    }

    /** Address of the first unread byte; 0 if it is on the heap, or if there is none. */
    public long firstAddress() {
        Link link = head;
        return link == null || size == 0 || link.segment.address() == 0 ? 0 : link.segment.address() + link.start;
    }

    /** How many bytes lie together from the first one on. */
    public int firstLength() {
        return head == null ? 0 : head.size();
    }

    /** Copies the bytes that lie together from the first one on, as far as they fit; they stay unread. */
    public int copyFirst(ByteBuffer target, int at, int room) {
        Link link = head;
        if (link == null) {
            return 0;
        }
        int count = Math.min(room, link.size());
        target.put(at, link.memory, link.start, count);
        return count;
    }

    /** Copies bytes from the first one on, as far as there are and as they fit; they stay unread. */
    public void copyTo(ByteBuffer target) {
        for (Link link = head; link != null && target.hasRemaining(); link = link.next) {
            int count = Math.min(target.remaining(), link.size());
            target.put(target.position(), link.memory, link.start, count);
            target.position(target.position() + count);
        }
    }

    /**
     * Describes the bytes, from the first one on, as an array of {@link IoVec} for writev(2). Stops at bytes on the heap.
     *
     * @return how many entries it has, at most {@code most}
     */
    public int gather(ByteBuffer iovecs, int at, int most) {
        int count = 0;
        for (Link link = head; link != null && count < most; link = link.next) {
            if (link.segment.address() == 0) {
                break;
            }
            if (link.size() > 0) {
                IoVec.write(iovecs, at, count++, link.segment.address() + link.start, link.size());
            }
        }
        return count;
    }

    /**
     * Adds a reference to each segment that has some of the first {@code count} bytes, and hands it over: the bytes may be skipped
     * then, and stay what they are until it is released.
     */
    public void retainFirst(long count, Consumer<? super Segment> to) {
        require(count, "retainFirst");
        for (Link link = head; count > 0; link = link.next) {
            if (link.size() > 0) {
                link.segment.retain();
                try {
                    to.accept(link.segment);
                } catch (Throwable e) {
                    link.segment.release();
                    throw e;
                }
                count -= link.size();
            }
        }
    }

    /**
     * The bytes are going to stay for a while: moves those at the end to a smaller segment, if most of theirs is unused.
     */
    public void trim() {
        Link last = tail;
        if (last == null || last.hasViews() || reserved >= 0 || last.memory.capacity() <= WORTH_SHARING
                || last.size() > last.memory.capacity() / 4 || !last.segment.isExclusive()) {
            return;
        }
        int room = Math.min(2 * last.size(), last.size() + WORTH_READING_INTO);
        if (SegmentSizes.sizeFor(room) >= last.memory.capacity()) {
            return; // one as large again would only be one more
        }
        Segment segment;
        try {
            segment = pool.takeBeyondLimit(room);
        } catch (OutOfMemoryError e) {
            return; // it would only have been thrifty
        }
        Link smaller = Link.empty(segment);
        smaller.memory.put(0, last.memory, last.start, last.size());
        smaller.end = last.size();
        if (head == last) {
            head = smaller;
        } else {
            Link before = head;
            while (before.next != last) {
                before = before.next;
            }
            before.next = smaller;
        }
        tail = smaller;
        last.release();
    }

    // For code that knows streams

    @Override
    public ReadableByteChannel asReadableChannel() {
        return new BufferStreams.Source(this);
    }

    @Override
    public WritableByteChannel asWritableChannel() {
        return new BufferStreams.Sink(this);
    }

    @Override
    public InputStream asInputStream() {
        return new BufferStreams.Input(this);
    }

    @Override
    public OutputStream asOutputStream() {
        return new BufferStreams.Output(this);
    }

    // The end

    /** Drops everything. Calling it again has no effect; reading afterwards finds nothing, writing is an error. */
    @Override
    public void close() {
        unreserve();
        closed = true;
        release();
        if (spare != null) {
            spare.release();
            spare = null;
        }
        for (Link link = head; link != null; ) {
            Link next = link.next;
            link.release();
            link = next;
        }
        head = null;
        tail = null;
        size = 0;
    }

    /**
     * As {@link #close}, but views that are out stay what they are: the memory under them is left to the garbage collector, and not
     * the pool's any more.
     */
    void abandon() {
        for (Link link = held; link != null; link = link.next) {
            link.abandonIfViewed();
        }
        for (Link link = head; link != null; link = link.next) {
            link.abandonIfViewed();
        }
        if (reserved >= 0) {
            tail.segment.abandon(); // somebody may be writing there
            reserved = -1;
        }
        close();
    }

    @Override
    public String toString() {
        return "buffer of " + size + " bytes" + (closed ? ", closed" : "");
    }
}
