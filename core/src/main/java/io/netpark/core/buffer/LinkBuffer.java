package io.netpark.core.buffer;

import io.netpark.core.linux.IoVec;
import io.netpark.core.sys.NetparkException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.channels.ReadableByteChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.charset.Charset;
import java.nio.charset.CharsetEncoder;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.Objects;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A queue of bytes in a chain of segments: written at one end, read at the other, and moved from one buffer to another
 * without a copy.
 *
 * <p>An empty buffer holds no memory: a segment is taken when a byte is written, and given back when its last byte has
 * been read and no view of it is out.
 *
 * <p>NOT thread safe. Ownership: whoever makes it closes it, or reads it empty and {@linkplain #release releases} it.
 */
public final class LinkBuffer extends ReadableChain implements BufferWriter, AutoCloseable {

    /** How much room a read from a descriptor should at least have. */
    private static final int WORTH_READING_INTO = 4 * 1024;

    private final long limit;
    /** Room for a read from a descriptor, not in the chain as it may stay empty. */
    private @Nullable Link spare;
    private @Nullable LinkBuffer beside;

    /** An empty buffer without a limit of its own. */
    public LinkBuffer(SegmentPool pool) {
        this(pool, Long.MAX_VALUE);
    }

    /** An empty buffer that takes no more than {@code limit} unread bytes. */
    public LinkBuffer(SegmentPool pool, long limit) {
        super(pool);
        this.limit = limit;
    }

    /** The pool that its segments come from; those moved here from another buffer go back to theirs. */
    public SegmentPool pool() {
        return pool;
    }

    @Override
    public long buffered() {
        return size;
    }

    /** Memory that is kept for views only, in bytes: what {@link #release} would give back. */
    public long heldBytes() {
        return heldBytes;
    }

    // Writing

    private void checkRoom(long count) throws NetparkException.LimitExceeded {
        if (closed) {
            throw new IllegalStateException("the buffer has been closed");
        }
        if (count > limit - size) {
            throw new NetparkException.LimitExceeded("write " + count + " bytes to a buffer that holds " + size
                    + ": its limit is " + limit + "; flush more often, or raise the limit");
        }
    }

    /** A tail with room for so many bytes in one piece. */
    private Link room(int count) throws NetparkException.LimitExceeded {
        checkRoom(count);
        unreserve();
        Link last = tail;
        return last != null && last.room() >= count ? last : addSegment(count);
    }

    private Link addSegment(int count) throws NetparkException.LimitExceeded {
        // Small while there is little: many connections may hold a little for long.
        int usual = size < 4 * 1024 ? 4 * 1024 : size < 64 * 1024 ? 16 * 1024 : 64 * 1024;
        Link link = Link.empty(pool.take(Math.max(count, usual)));
        addLink(link);
        return link;
    }

    @Override
    public ByteBuffer reserve(int count) throws NetparkException.LimitExceeded {
        if (count < 0) {
            throw new IndexOutOfBoundsException("reserve(" + count + ")");
        }
        Link last = room(count);
        try {
            ByteBuffer view = last.reserve(count);
            reserved = count;
            return view;
        } finally {
            if (reserved < 0) {
                dropIfEmpty(); // there was no memory for the view
            }
        }
    }

    @Override
    public void commit(int count) {
        if (reserved < 0) {
            throw new IllegalStateException("commit(" + count + "): nothing is reserved"
                    + (closed ? ", the buffer has been closed" : ""));
        }
        if (count < 0 || count > reserved) {
            throw new IndexOutOfBoundsException("commit(" + count + "): " + reserved + " bytes are reserved");
        }
        Link last = tail;
        reserved = -1;
        last.unreserve();
        added(last, count);
        dropIfEmpty();
    }

    @Override
    public void putByte(int value) throws NetparkException.LimitExceeded {
        Link last = room(1);
        last.memory.put(last.end, (byte) value);
        added(last, 1);
    }

    @Override
    public void putShort(int value) throws NetparkException.LimitExceeded {
        Link last = room(Short.BYTES);
        last.memory.putShort(last.end, (short) value);
        added(last, Short.BYTES);
    }

    @Override
    public void putInt(int value) throws NetparkException.LimitExceeded {
        Link last = room(Integer.BYTES);
        last.memory.putInt(last.end, value);
        added(last, Integer.BYTES);
    }

    @Override
    public void putLong(long value) throws NetparkException.LimitExceeded {
        Link last = room(Long.BYTES);
        last.memory.putLong(last.end, value);
        added(last, Long.BYTES);
    }

    @Override
    public void put(ByteBuffer source) throws NetparkException.LimitExceeded {
        checkRoom(source.remaining());
        while (source.hasRemaining()) {
            Link last = someRoom(source.remaining());
            int part = Math.min(last.room(), source.remaining());
            last.memory.put(last.end, source, source.position(), part);
            source.position(source.position() + part);
            added(last, part);
        }
    }

    @Override
    public void put(byte[] source, int offset, int length) throws NetparkException.LimitExceeded {
        Objects.checkFromIndexSize(offset, length, source.length);
        checkRoom(length);
        while (length > 0) {
            Link last = someRoom(length);
            int part = Math.min(last.room(), length);
            last.memory.put(last.end, source, offset, part);
            added(last, part);
            offset += part;
            length -= part;
        }
    }

    /** A tail with some room, as much as is sensible for so many bytes. */
    private Link someRoom(int count) throws NetparkException.LimitExceeded {
        unreserve();
        Link last = tail;
        return last != null && last.room() > 0 ? last : addSegment(Math.min(count, SegmentPool.LARGEST));
    }

    @Override
    public int putString(CharSequence text) throws NetparkException.LimitExceeded {
        int length = text.length();
        long before = size;
        checkRoom(limit - size < (long) length * Utf8.LONGEST_OF_CHAR ? Utf8.length(text) : length);
        unreserve();
        try {
            for (int i = 0; i < length; ) {
                Link last = tail;
                if (last == null || last.room() < Utf8.LONGEST) {
                    last = addSegment(Math.min(length - i, SegmentPool.LARGEST));
                }
                long reached = Utf8.encode(text, i, last.memory, last.end);
                i = (int) (reached >>> 32);
                added(last, (int) reached - last.end);
            }
        } finally {
            dropIfEmpty(); // the text may have thrown
        }
        return (int) (size - before);
    }

    @Override
    public int putString(CharSequence text, Charset charset) throws NetparkException.LimitExceeded {
        if (charset == StandardCharsets.UTF_8) {
            return putString(text);
        }
        long before = size;
        CharsetEncoder encoder = charset.newEncoder()
                .onMalformedInput(CodingErrorAction.REPLACE)
                .onUnmappableCharacter(CodingErrorAction.REPLACE);
        int longest = (int) Math.ceil(encoder.maxBytesPerChar()) * 2;
        CharBuffer chars = CharBuffer.wrap(text);
        boolean more = true;
        try {
            while (more) {
                Link last = room(longest);
                ByteBuffer room = last.reserve((int) Math.min(last.room(), limit - size));
                more = encoder.encode(chars, room, true).isOverflow();
                if (!more) {
                    more = encoder.flush(room).isOverflow();
                }
                added(last, room.position() - last.end);
                last.unreserve();
            }
        } finally {
            dropIfEmpty();
        }
        return (int) (size - before);
    }

    @Override
    public void link(ByteBuffer source, @Nullable Runnable released) throws NetparkException.LimitExceeded {
        checkRoom(source.remaining());
        unreserve();
        Segment segment = new Segment(source.slice(), released);
        if (!source.hasRemaining()) {
            segment.release();
            return;
        }
        addLink(Link.shared(segment, 0, segment.size()));
        size += segment.size();
        written += segment.size();
        source.position(source.limit());
    }

    @Override
    public void append(LinkBuffer source) throws NetparkException.LimitExceeded {
        if (source == this) {
            throw new IllegalArgumentException("a buffer cannot be appended to itself");
        }
        checkRoom(source.size);
        unreserve();
        source.unreserve();
        while (source.size > 0) {
            Link link = source.head;
            int length = link.size();
            Link last = tail;
            if (length < WORTH_SHARING && last != null && last.room() >= length) {
                last.memory.put(last.end, link.memory, link.start, length);
                added(last, length);
                source.took(link, length);
            } else {
                addLink(source.giveAway(link));
                size += length;
                written += length;
            }
        }
    }

    /**
     * Moves the next {@code count} bytes of {@code source} here; they share its segments, and only small parts are copied.
     *
     * @throws IndexOutOfBoundsException if it has fewer; it has kept them all, as for any other exception
     */
    public void append(LinkBuffer source, long count) throws NetparkException.LimitExceeded {
        checkRoom(count);
        try (LinkBuffer part = source.slice(count)) {
            append(part);
        }
    }

    /**
     * Moves all bytes of {@code source} here, in front of those that are here: bytes that were taken out and not used. Allocates
     * nothing, and takes no notice of the limit, as they have been here before.
     */
    public void putBack(LinkBuffer source) {
        if (source == this) {
            throw new IllegalArgumentException("a buffer cannot be put back into itself");
        }
        if (closed) {
            throw new IllegalStateException("the buffer has been closed");
        }
        unreserve();
        source.unreserve();
        if (source.size == 0) {
            return;
        }
        forgetSought();
        source.dropEmptyTail();
        Link last = source.tail;
        last.next = head;
        head = source.head;
        if (tail == null) {
            tail = last;
        }
        size += source.size;
        written += source.size;
        source.head = null;
        source.tail = null;
        source.size = 0;
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
        if (SegmentPool.sizeFor(room) >= last.memory.capacity()) {
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
