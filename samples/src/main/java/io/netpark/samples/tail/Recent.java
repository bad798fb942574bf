package io.netpark.samples.tail;

import java.nio.ByteBuffer;

/** The last lines, for those who come later: a ring of bytes, so that lines cost what they are long and nothing else. */
final class Recent {

    private final byte[] ring;
    /** How many bytes have ever been added. */
    private long added;

    /** @param size in bytes, how much is kept at most */
    Recent(int size) {
        ring = new byte[size];
    }

    void add(ByteBuffer lines) {
        int skipped = Math.max(0, lines.remaining() - ring.length);
        added += skipped;
        int at = lines.position() + skipped;
        while (at < lines.limit()) {
            int index = (int) (added % ring.length);
            int part = Math.min(lines.limit() - at, ring.length - index);
            lines.get(at, ring, index, part);
            at += part;
            added += part;
        }
    }

    /**
     * The last lines, or fewer if they have not been kept, and of a line that has not ended yet what is there. No line comes
     * without its beginning: of one that is longer than what is kept there is nothing.
     */
    ByteBuffer last(int count) {
        long oldest = Math.max(0, added - ring.length);
        long from = added;
        int found = 0;
        // Back over line ends: the newest is before the line that has not ended, or before the next; and the one before the
        // first line ends the line before it.
        for (long at = added - 1; at >= oldest && found <= count; at--) {
            if (ring[(int) (at % ring.length)] == '\n') {
                found++;
                from = at + 1;
            }
        }
        if (found <= count && oldest == 0) {
            from = 0; // all that there ever was
        }
        ByteBuffer lines = ByteBuffer.allocate((int) (added - from));
        for (long at = from; at < added; at++) {
            lines.put(ring[(int) (at % ring.length)]);
        }
        return lines.flip();
    }
}
