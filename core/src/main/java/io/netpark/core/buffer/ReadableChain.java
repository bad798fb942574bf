package io.netpark.core.buffer;

import io.netpark.core.sys.NetparkException;
import java.nio.ByteBuffer;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/** The reading end of a {@link LinkBuffer}: bytes are taken, or looked at, from the first one on. */
@SuppressWarnings("NullAway") // so many bytes as the size says have links
abstract sealed class ReadableChain extends SearchableChain permits WritableChain {

    /** Of fewer bytes a copy is cheaper than a share. */
    static final int WORTH_SHARING = 1024;
    private static final ByteBuffer NOTHING = ByteBuffer.allocate(0);

    ReadableChain(SegmentPool pool) {
        super(pool);
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
}
