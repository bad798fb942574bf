package io.netpark.core.buffer;

import io.netpark.core.sys.NetparkException;
import java.nio.ByteBuffer;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** The reading end of a {@link LinkBuffer}. */
abstract class ReadableChain extends Chain implements BufferReader {

    /** Of fewer bytes a copy is cheaper than a share. */
    static final int WORTH_SHARING = 1024;
    private static final ByteBuffer NOTHING = ByteBuffer.allocate(0);

    /** The last search in vain; made with the first one. */
    private @Nullable Sought sought;

    /** What was looked for in vain, and the position in the stream where to go on. */
    private static final class Sought {
        byte @Nullable [] sequence;
        /** -1 if it was a sequence. */
        int single = -1;
        long to;
    }

    ReadableChain(SegmentPool pool) {
        super(pool);
    }

    @Override
    public long available() {
        return size;
    }

    // Taking

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
    public short getShort(long offset) {
        Objects.checkFromIndexSize(offset, Short.BYTES, size);
        return (short) (getByte(offset) << 8 | getByte(offset + 1) & 0xFF);
    }

    @Override
    public int getInt(long offset) {
        Objects.checkFromIndexSize(offset, Integer.BYTES, size);
        Link link = head;
        return offset + Integer.BYTES <= link.size() ? link.memory.getInt(link.start + (int) offset)
                : (int) assembleAt(offset, Integer.BYTES);
    }

    @Override
    public long getLong(long offset) {
        Objects.checkFromIndexSize(offset, Long.BYTES, size);
        Link link = head;
        return offset + Long.BYTES <= link.size() ? link.memory.getLong(link.start + (int) offset)
                : assembleAt(offset, Long.BYTES);
    }

    /** A number that is not in the first link, or lies across links; it stays. */
    private long assembleAt(long offset, int bytes) {
        long value = 0;
        for (int i = 0; i < bytes; i++) {
            value = value << 8 | getByte(offset + i) & 0xFF;
        }
        return value;
    }

    @Override
    public byte takeByte() {
        require(1, "takeByte");
        Link link = head;
        byte value = link.memory.get(link.start);
        took(link, 1);
        return value;
    }

    @Override
    public short takeShort() {
        require(Short.BYTES, "takeShort");
        Link link = head;
        if (link.size() < Short.BYTES) {
            return (short) assemble(Short.BYTES);
        }
        short value = link.memory.getShort(link.start);
        took(link, Short.BYTES);
        return value;
    }

    @Override
    public int takeInt() {
        require(Integer.BYTES, "takeInt");
        Link link = head;
        if (link.size() < Integer.BYTES) {
            return (int) assemble(Integer.BYTES);
        }
        int value = link.memory.getInt(link.start);
        took(link, Integer.BYTES);
        return value;
    }

    @Override
    public long takeLong() {
        require(Long.BYTES, "takeLong");
        Link link = head;
        if (link.size() < Long.BYTES) {
            return assemble(Long.BYTES);
        }
        long value = link.memory.getLong(link.start);
        took(link, Long.BYTES);
        return value;
    }

    /** A number that lies across links, taken. */
    private long assemble(int bytes) {
        long value = 0;
        for (int i = 0; i < bytes; i++) {
            value = value << 8 | takeByte() & 0xFF;
        }
        return value;
    }

    @Override
    public byte[] takeBytes(int count) {
        require(count, "takeBytes");
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
    public int take(ByteBuffer target) {
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
    public String takeString(int count) {
        return takeString(count, StandardCharsets.UTF_8);
    }

    @Override
    public String takeString(int count, Charset charset) {
        require(count, "takeString");
        byte[] bytes = new byte[count];
        copy(bytes);
        String text = new String(bytes, charset); // they are taken when there has been memory for all
        skip(count);
        return text;
    }

    /** The first bytes, which stay. */
    private void copy(byte[] target) {
        int offset = 0;
        for (Link link = head; offset < target.length; link = link.next) {
            int part = Math.min(target.length - offset, link.size());
            link.memory.get(link.start, target, offset, part);
            offset += part;
        }
    }

    @Override
    public @Nullable String takeLine(int limit) throws NetparkException.LimitExceeded {
        long index = indexOf((byte) '\n');
        Delimited.check(index < 0 ? size + 1 : index + 1, limit, "the end of a line");
        if (index < 0) {
            return null;
        }
        int length = (int) index;
        boolean carriageReturn = length > 0 && getByte(length - 1) == '\r';
        String line = takeString(carriageReturn ? length - 1 : length);
        skip(carriageReturn ? 2 : 1);
        return line;
    }

    @Override
    public LinkBuffer slice(long count) {
        require(count, "slice");
        LinkBuffer slice = new LinkBuffer(pool);
        try {
            moveTo(slice, count);
        } catch (Throwable e) { // there was no memory
            putBack(slice);
            throw e;
        }
        return slice;
    }

    private void moveTo(LinkBuffer slice, long count) {
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
                Link shared = Link.shared(link.segment, link.start, link.start + part);
                link.segment.retain();
                slice.addLink(shared);
                slice.size += part;
                slice.written += part;
            }
            took(link, part);
            count -= part;
        }
    }

    /** What has been taken is in front again. Needs no memory. */
    private void putBack(LinkBuffer taken) {
        if (taken.tail == null) {
            return;
        }
        taken.tail.next = head;
        if (head == null) {
            tail = taken.tail;
        }
        head = taken.head;
        size += taken.size;
        taken.head = null;
        taken.tail = null;
        taken.size = 0;
    }

    // Looking for something

    @Override
    public long indexOf(byte delimiter) {
        Sought last = sought;
        long from = last != null && last.single == (delimiter & 0xFF) ? from(last) : 0;
        long index = find(delimiter, from);
        if (index < 0) {
            last = inVain();
            last.single = delimiter & 0xFF;
            last.sequence = null;
        }
        return index;
    }

    @Override
    public long indexOf(byte[] delimiter) {
        if (delimiter.length == 0) {
            throw new IllegalArgumentException("a delimiter needs at least one byte");
        }
        Sought last = sought;
        boolean again = last != null && Arrays.equals(last.sequence, delimiter);
        long from = again ? Math.max(0, from(last) - delimiter.length + 1) : 0;
        for (long index = from; (index = find(delimiter[0], index)) >= 0; index++) {
            if (index + delimiter.length > size) {
                break;
            }
            if (isAt(index, delimiter)) {
                return index;
            }
        }
        byte[] sequence = again ? last.sequence : delimiter.clone(); // or another would pass for looked for
        last = inVain();
        last.single = -1;
        last.sequence = sequence;
        return -1;
    }

    /** Bytes have come in front. */
    final void forgetSought() {
        sought = null;
    }

    private Sought inVain() {
        Sought last = sought;
        if (last == null) {
            last = sought = new Sought();
        }
        last.to = written;
        return last;
    }

    /** Distance of the first byte that has not been looked at. */
    private long from(Sought last) {
        return Math.max(0, last.to - (written - size));
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
}
