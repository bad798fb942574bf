package io.netpark.core.buffer;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** The bytes of a {@link LinkBuffer} by their place, and the place of bytes that are looked for. Nothing here takes any. */
@SuppressWarnings("NullAway") // an offset below the size has a link, and what is looked for again has been noted
abstract sealed class SearchableChain extends Chain implements BufferReader permits ReadableChain {

    /** The last search in vain; made with the first one. */
    private @Nullable Sought sought;

    /** What was looked for in vain, and the position in the stream where to go on. */
    private static final class Sought {
        byte @Nullable [] sequence;
        /** -1 if it was a sequence. */
        int single = -1;
        long to;
    }

    SearchableChain(SegmentPool pool) {
        super(pool);
    }

    @Override
    public long available() {
        return size;
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
