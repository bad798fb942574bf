package io.netpark.core.buffer;

import io.netpark.core.sys.IoVec;
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
import java.util.Arrays;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A queue of bytes in a chain of segments: written at one end, read at the other, and moved from one buffer to another
 * without a copy.
 *
 * <pre>
 *    held ----> [read, with views]                    until release()
 *
 *    head ----> [ .. to be read | ] -> [to be read] -> [to be read | room ] &lt;---- tail
 * </pre>
 *
 * An empty buffer holds no memory: a segment is taken when a byte is written, and given back when its last byte has been
 * read and no view of it is out.
 *
 * <p>NOT thread safe. Ownership: whoever makes it closes it, or reads it empty and {@linkplain #release releases} it.
 */
public final class LinkBuffer implements Reader, Writer, AutoCloseable {

    /** Of fewer bytes a copy is cheaper than a share. */
    private static final int WORTH_SHARING = 1024;
    /** How much room a read from a descriptor should at least have. */
    private static final int WORTH_READING_INTO = 4 * 1024;
    private static final ByteBuffer NOTHING = ByteBuffer.allocate(0);

    private final SegmentPool pool;
    private final long limit;

    private @Nullable Link head;
    private @Nullable Link tail;
    /** Links that have been read and whose views are still valid, the last one first. */
    private @Nullable Link held;
    private long heldBytes;
    /** Bytes from head to tail. */
    private long size;
    /** Bytes ever written: with {@link #size}, the position in the stream. */
    private long written;
    /** How much of the tail's room is reserved; -1 for nothing. */
    private int reserved = -1;
    /** Room for a read from a descriptor, not in the chain as it may stay empty. */
    private @Nullable Link spare;
    private boolean closed;

    /** What was looked for in vain, and the position in the stream where to go on. */
    private byte @Nullable [] soughtBytes;
    private int soughtByte = -1;
    private long soughtTo;

    /** An empty buffer without a limit of its own. */
    public LinkBuffer(SegmentPool pool) {
        this(pool, Long.MAX_VALUE);
    }

    /** An empty buffer that takes no more than {@code limit} unread bytes. */
    public LinkBuffer(SegmentPool pool, long limit) {
        this.pool = pool;
        this.limit = limit;
    }

    /** The pool that its segments come from; those moved here from another buffer go back to theirs. */
    public SegmentPool pool() {
        return pool;
    }

    @Override
    public long available() {
        return size;
    }

    @Override
    public long buffered() {
        return size;
    }

    /** Memory that is kept for views only, in bytes: what {@link #release} would give back. */
    public long heldBytes() {
        return heldBytes;
    }

    // The chain

    private void addLink(Link link) {
        Link last = tail;
        if (last == null) {
            head = link;
        } else {
            last.next = link;
        }
        tail = link;
    }

    /** The first link has nothing more to read. */
    private void retireHead() {
        do {
            Link link = head;
            assert link != null;
            if (link == tail && reserved >= 0) {
                return;
            }
            head = link.next;
            if (head == null) {
                tail = null;
            }
            if (link.hasViews()) {
                hold(link);
            } else {
                link.release();
            }
        } while (head != null && head.size() == 0);
    }

    private void hold(Link link) {
        link.next = held;
        held = link;
        heldBytes += link.memory.capacity();
    }

    private void require(long count, String operation) {
        if (count < 0 || count > size) {
            throw new IndexOutOfBoundsException(operation + "(" + count + "): "
                    + (closed ? "the buffer has been closed" : "there are " + size + " bytes"));
        }
    }

    /** Sees to it that the first {@code count} bytes, which exist, are in one link. */
    private Link inOnePiece(int count) {
        Link first = head;
        if (first.size() >= count) {
            return first;
        }
        Link whole = Link.empty(pool.takeBeyondLimit(count));
        int missing = count;
        while (missing > 0) {
            Link link = head;
            int part = Math.min(missing, link.size());
            whole.memory.put(whole.end, link.memory, link.start, part);
            whole.end += part;
            link.start += part;
            missing -= part;
            if (link.size() == 0) {
                retireHead();
            }
        }
        whole.next = head;
        head = whole;
        if (tail == null) {
            tail = whole;
        }
        return whole;
    }

    // Reading

    @Override
    public ByteBuffer next(int count) {
        require(count, "next");
        if (count == 0) {
            return NOTHING;
        }
        Link link = inOnePiece(count);
        ByteBuffer view = link.view(link.start, link.start + count);
        took(link, count);
        return view;
    }

    @Override
    public ByteBuffer peek(int count) {
        require(count, "peek");
        if (count == 0) {
            return NOTHING;
        }
        Link link = inOnePiece(count);
        return link.view(link.start, link.start + count);
    }

    private void took(Link first, int count) {
        first.start += count;
        size -= count;
        if (first.start == first.end) {
            retireHead();
        }
    }

    @Override
    public void skip(long count) {
        require(count, "skip");
        while (count > 0) {
            Link link = head;
            int part = (int) Math.min(count, link.size());
            took(link, part);
            count -= part;
        }
    }

    @Override
    public void release() {
        for (Link link = held; link != null; ) {
            Link next = link.next;
            link.release();
            link = next;
        }
        held = null;
        heldBytes = 0;
        if (head != null) {
            head.revoke();
        }
    }

    @Override
    public byte getByte(long offset) {
        Objects.checkIndex(offset, size);
        Link link = head;
        while (offset >= link.size()) {
            offset -= link.size();
            link = link.next;
        }
        return link.memory.get(link.start + (int) offset);
    }

    @Override
    public int getInt(long offset) {
        Objects.checkFromIndexSize(offset, Integer.BYTES, size);
        Link link = head;
        if (offset + Integer.BYTES <= link.size()) {
            return link.memory.getInt(link.start + (int) offset);
        }
        int value = 0;
        for (int i = 0; i < Integer.BYTES; i++) {
            value = value << 8 | getByte(offset + i) & 0xFF;
        }
        return value;
    }

    @Override
    public byte readByte() {
        require(1, "readByte");
        Link link = head;
        byte value = link.memory.get(link.start);
        took(link, 1);
        return value;
    }

    @Override
    public short readShort() {
        require(Short.BYTES, "readShort");
        Link link = head;
        if (link.size() < Short.BYTES) {
            return (short) assemble(Short.BYTES);
        }
        short value = link.memory.getShort(link.start);
        took(link, Short.BYTES);
        return value;
    }

    @Override
    public int readInt() {
        require(Integer.BYTES, "readInt");
        Link link = head;
        if (link.size() < Integer.BYTES) {
            return (int) assemble(Integer.BYTES);
        }
        int value = link.memory.getInt(link.start);
        took(link, Integer.BYTES);
        return value;
    }

    @Override
    public long readLong() {
        require(Long.BYTES, "readLong");
        Link link = head;
        if (link.size() < Long.BYTES) {
            return assemble(Long.BYTES);
        }
        long value = link.memory.getLong(link.start);
        took(link, Long.BYTES);
        return value;
    }

    /** A number that lies across links. */
    private long assemble(int bytes) {
        long value = 0;
        for (int i = 0; i < bytes; i++) {
            value = value << 8 | readByte() & 0xFF;
        }
        return value;
    }

    @Override
    public byte[] readBytes(int count) {
        require(count, "readBytes");
        byte[] bytes = new byte[count];
        copyTo(bytes, 0, count);
        return bytes;
    }

    private void copyTo(byte[] target, int offset, int count) {
        while (count > 0) {
            Link link = head;
            int part = Math.min(count, link.size());
            link.memory.get(link.start, target, offset, part);
            took(link, part);
            offset += part;
            count -= part;
        }
    }

    @Override
    public int read(ByteBuffer target) {
        int count = (int) Math.min(target.remaining(), size);
        for (int missing = count; missing > 0; ) {
            Link link = head;
            int part = Math.min(missing, link.size());
            target.put(target.position(), link.memory, link.start, part);
            target.position(target.position() + part);
            took(link, part);
            missing -= part;
        }
        return count;
    }

    @Override
    public String readString(int count) {
        return readString(count, StandardCharsets.UTF_8);
    }

    @Override
    public String readString(int count, Charset charset) {
        require(count, "readString");
        return new String(readBytes(count), charset);
    }

    @Override
    public @Nullable String readLine(int limit) throws NetparkException.LimitExceeded {
        long index = indexOf((byte) '\n');
        Delimited.check(index < 0 ? size + 1 : index + 1, limit, "the end of a line");
        if (index < 0) {
            return null;
        }
        int length = (int) index;
        boolean carriageReturn = length > 0 && getByte(length - 1) == '\r';
        String line = readString(carriageReturn ? length - 1 : length);
        skip(carriageReturn ? 2 : 1);
        return line;
    }

    @Override
    public LinkBuffer slice(long count) {
        require(count, "slice");
        LinkBuffer slice = new LinkBuffer(pool);
        while (count > 0) {
            Link link = head;
            int part = (int) Math.min(count, link.size());
            if (part < WORTH_SHARING) {
                Link room = slice.tail;
                if (room == null || room.room() < part) {
                    room = Link.empty(pool.takeBeyondLimit(part));
                    slice.addLink(room);
                }
                room.memory.put(room.end, link.memory, link.start, part);
                slice.added(room, part);
            } else {
                link.segment.retain();
                slice.addLink(Link.shared(link.segment, link.start, link.start + part));
                slice.size += part;
                slice.written += part;
            }
            took(link, part);
            count -= part;
        }
        return slice;
    }

    // Looking for something

    @Override
    public long indexOf(byte delimiter) {
        long from = soughtByte == (delimiter & 0xFF) ? soughtFrom() : 0;
        long index = find(delimiter, from);
        if (index < 0) {
            soughtByte = delimiter & 0xFF;
            soughtBytes = null;
            soughtTo = written;
        }
        return index;
    }

    @Override
    public long indexOf(byte[] delimiter) {
        if (delimiter.length == 0) {
            throw new IllegalArgumentException("a delimiter needs at least one byte");
        }
        long from = Arrays.equals(soughtBytes, delimiter) ? Math.max(0, soughtFrom() - delimiter.length + 1) : 0;
        for (long index = from; (index = find(delimiter[0], index)) >= 0; index++) {
            if (index + delimiter.length > size) {
                break;
            }
            if (isAt(index, delimiter)) {
                return index;
            }
        }
        if (!Arrays.equals(soughtBytes, delimiter)) {
            soughtBytes = delimiter.clone();
        }
        soughtByte = -1;
        soughtTo = written;
        return -1;
    }

    /** Distance of the first byte that has not been looked at. */
    private long soughtFrom() {
        return Math.max(0, soughtTo - (written - size));
    }

    private boolean isAt(long index, byte[] sequence) {
        for (int i = 1; i < sequence.length; i++) {
            if (getByte(index + i) != sequence[i]) {
                return false;
            }
        }
        return true;
    }

    private long find(byte sought, long from) {
        long passed = 0;
        for (Link link = head; link != null; link = link.next) {
            int length = link.size();
            if (from < passed + length) {
                int start = link.start + (int) Math.max(0, from - passed);
                int found = find(link.memory, start, link.end, sought);
                if (found >= 0) {
                    return passed + found - link.start;
                }
            }
            passed += length;
        }
        return -1;
    }

    /** Eight bytes at a time: where one equals the sought one, the exclusive or is 0 (Hacker's Delight, 6-1). */
    private static int find(ByteBuffer memory, int from, int to, byte sought) {
        long low7 = 0x7F7F7F7F7F7F7F7FL;
        long pattern = (sought & 0xFFL) * 0x0101010101010101L;
        int i = from;
        for (; i + Long.BYTES <= to; i += Long.BYTES) {
            long x = memory.getLong(i) ^ pattern;
            long zeros = ~((x & low7) + low7 | x | low7);
            if (zeros != 0) {
                return i + (Long.numberOfLeadingZeros(zeros) >>> 3);
            }
        }
        for (; i < to; i++) {
            if (memory.get(i) == sought) {
                return i;
            }
        }
        return -1;
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

    private void added(Link last, int count) {
        last.end += count;
        size += count;
        written += count;
    }

    @Override
    public ByteBuffer reserve(int count) throws NetparkException.LimitExceeded {
        if (count < 0) {
            throw new IndexOutOfBoundsException("reserve(" + count + ")");
        }
        Link last = room(count);
        reserved = count;
        return last.reserve(count);
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

    /** Gives a reservation up. Its link must not stay as an empty head: what is added behind it would be read from it. */
    private void unreserve() {
        if (reserved >= 0) {
            reserved = -1;
            tail.unreserve();
            dropIfEmpty();
        }
    }

    /** An empty buffer holds no memory. */
    private void dropIfEmpty() {
        if (size == 0 && head != null) {
            retireHead();
        }
    }

    @Override
    public void writeByte(int value) throws NetparkException.LimitExceeded {
        Link last = room(1);
        last.memory.put(last.end, (byte) value);
        added(last, 1);
    }

    @Override
    public void writeShort(int value) throws NetparkException.LimitExceeded {
        Link last = room(Short.BYTES);
        last.memory.putShort(last.end, (short) value);
        added(last, Short.BYTES);
    }

    @Override
    public void writeInt(int value) throws NetparkException.LimitExceeded {
        Link last = room(Integer.BYTES);
        last.memory.putInt(last.end, value);
        added(last, Integer.BYTES);
    }

    @Override
    public void writeLong(long value) throws NetparkException.LimitExceeded {
        Link last = room(Long.BYTES);
        last.memory.putLong(last.end, value);
        added(last, Long.BYTES);
    }

    @Override
    public void write(ByteBuffer source) throws NetparkException.LimitExceeded {
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
    public void write(byte[] source, int offset, int length) throws NetparkException.LimitExceeded {
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
    public int writeString(CharSequence text) throws NetparkException.LimitExceeded {
        int length = text.length();
        long before = size;
        checkRoom(limit - size < (long) length * Utf8.LONGEST_OF_CHAR ? Utf8.length(text) : length);
        unreserve();
        for (int i = 0; i < length; ) {
            Link last = tail;
            if (last == null || last.room() < Utf8.LONGEST) {
                last = addSegment(Math.min(length - i, SegmentPool.LARGEST));
            }
            long reached = Utf8.encode(text, i, last.memory, last.end);
            i = (int) (reached >>> 32);
            added(last, (int) reached - last.end);
        }
        return (int) (size - before);
    }

    @Override
    public int writeString(CharSequence text, Charset charset) throws NetparkException.LimitExceeded {
        if (charset == StandardCharsets.UTF_8) {
            return writeString(text);
        }
        long before = size;
        CharsetEncoder encoder = charset.newEncoder()
                .onMalformedInput(CodingErrorAction.REPLACE)
                .onUnmappableCharacter(CodingErrorAction.REPLACE);
        int longest = (int) Math.ceil(encoder.maxBytesPerChar()) * 2;
        CharBuffer chars = CharBuffer.wrap(text);
        boolean more = true;
        while (more) {
            Link last = room(longest);
            ByteBuffer room = last.reserve(last.room());
            more = encoder.encode(chars, room, true).isOverflow();
            if (!more) {
                more = encoder.flush(room).isOverflow();
            }
            added(last, room.position() - last.end);
            last.unreserve();
        }
        dropIfEmpty();
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
                size += length;
                written += length;
                addLink(source.giveAway(link));
            }
        }
    }

    /** Takes the first link out, or, if views of it are out, another link to its bytes. */
    private Link giveAway(Link first) {
        int length = first.size();
        if (first.hasViews()) {
            first.segment.retain();
            Link shared = Link.shared(first.segment, first.start, first.end);
            took(first, length);
            return shared;
        }
        head = first.next;
        if (head == null) {
            tail = null;
        }
        first.next = null;
        size -= length;
        if (head != null && head.size() == 0) {
            retireHead();
        }
        return first;
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
        if (last == null || last.room() < WORTH_READING_INTO) {
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
     * The bytes are going to stay for a while: moves those at the end to a smaller segment, if most of theirs is unused.
     */
    public void trim() {
        Link last = tail;
        if (last == null || last.hasViews() || reserved >= 0 || last.memory.capacity() <= WORTH_SHARING
                || last.size() > last.memory.capacity() / 4 || !last.segment.isExclusive()) {
            return;
        }
        Link smaller = Link.empty(pool.takeBeyondLimit(2 * last.size()));
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

    @Override
    public String toString() {
        return "buffer of " + size + " bytes" + (closed ? ", closed" : "");
    }
}
