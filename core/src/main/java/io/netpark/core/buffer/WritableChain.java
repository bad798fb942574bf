package io.netpark.core.buffer;

import io.netpark.core.sys.NetparkException;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.Charset;
import java.nio.charset.CharsetEncoder;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** The writing end of a {@link LinkBuffer}: bytes are added behind the last one, copied or with their segments. */
@SuppressWarnings("NullAway") // what is reserved has a tail, and bytes have links
abstract sealed class WritableChain extends ReadableChain implements BufferWriter permits LinkBuffer {

    private final long limit;

    /** @param limit the most unread bytes that it takes */
    WritableChain(SegmentPool pool, long limit) {
        super(pool);
        this.limit = limit;
    }

    @Override
    public long buffered() {
        return size;
    }

    final void checkRoom(long count) throws NetparkException.LimitExceeded {
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

    /**
     * Adds all of {@code source}, whatever the limits of this and of the pool: bytes that have been taken from somewhere else already
     * and cannot be refused.
     */
    public void putBeyondLimit(ByteBuffer source) {
        unreserve();
        while (source.hasRemaining()) {
            Link last = tail;
            if (last == null || last.room() == 0) {
                last = Link.empty(pool.takeBeyondLimit(Math.min(source.remaining(), SegmentPool.LARGEST)));
                addLink(last);
            }
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
}
