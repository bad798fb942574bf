package io.netpark.core.buffer;

import java.nio.ByteBuffer;

/** Text to UTF-8 (RFC 3629), straight into a link's room. */
final class Utf8 {

    /** The most bytes of one character, and the room that {@link #encode} needs to do anything. */
    static final int LONGEST = 4;
    /** The most bytes of one {@code char}: characters of 4 bytes have two. */
    static final int LONGEST_OF_CHAR = 3;

    private Utf8() {}

    /**
     * Encodes characters from {@code from} on, as many as fit.
     *
     * @param end where in {@code memory} to begin
     * @return the next character in the upper half, the end of the bytes in the lower
     */
    static long encode(CharSequence text, int from, ByteBuffer memory, int end) {
        int length = text.length();
        int lastStart = memory.capacity() - LONGEST;
        int i = from;
        while (i < length && end <= lastStart) {
            char c = text.charAt(i);
            if (c < 0x80) {
                memory.put(end++, (byte) c);
            } else if (c < 0x800) {
                memory.put(end++, (byte) (0xC0 | c >> 6));
                memory.put(end++, continuation(c));
            } else if (!Character.isSurrogate(c)) {
                memory.put(end++, (byte) (0xE0 | c >> 12));
                memory.put(end++, continuation(c >> 6));
                memory.put(end++, continuation(c));
            } else if (isPair(text, i)) {
                int point = Character.toCodePoint(c, text.charAt(++i));
                memory.put(end++, (byte) (0xF0 | point >> 18));
                memory.put(end++, continuation(point >> 12));
                memory.put(end++, continuation(point >> 6));
                memory.put(end++, continuation(point));
            } else {
                memory.put(end++, (byte) '?');
            }
            i++;
        }
        return (long) i << 32 | end;
    }

    /** How many bytes the text takes. */
    static long length(CharSequence text) {
        long bytes = 0;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c < 0x80) {
                bytes += 1;
            } else if (c < 0x800) {
                bytes += 2;
            } else if (!Character.isSurrogate(c)) {
                bytes += 3;
            } else if (isPair(text, i)) {
                bytes += 4;
                i++;
            } else {
                bytes += 1;
            }
        }
        return bytes;
    }

    private static boolean isPair(CharSequence text, int at) {
        return Character.isHighSurrogate(text.charAt(at))
                && at + 1 < text.length() && Character.isLowSurrogate(text.charAt(at + 1));
    }

    private static byte continuation(int bits) {
        return (byte) (0x80 | bits & 0x3F);
    }
}
