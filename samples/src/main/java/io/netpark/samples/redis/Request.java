package io.netpark.samples.redis;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * A request of one connection, parsed where its bytes lie: an array of bulk strings, or a line of words. It is asked again
 * when more bytes have come, with those before still in front, and goes on where it was: what has been looked at once is not
 * looked at again, however small the pieces are.
 *
 * <p>The arguments are valid until the next call of {@link #parse}. As Redis does, it takes any two bytes for the line end
 * after a bulk string.
 */
final class Request {

    private static final int MOST_ARGUMENTS = 1024 * 1024;
    /** Of a line of words, and of the lines that say how much follows. */
    static final int LONGEST_LINE = 64 * 1024;
    private static final int LINE_END = 2;
    private static final int UNKNOWN = -1;
    private static final int USUAL_ARGUMENTS = 8;
    /** What more arguments have taken is given back. */
    private static final int KEPT_ARGUMENTS = 256;

    private final int longestArgument;

    /** What {@link #places} refer to. */
    private byte[] bytes = {};
    private int base;
    /** Where each argument begins and its length, from {@link #base} on. */
    private int[] places = new int[2 * USUAL_ARGUMENTS];
    private int count;
    /** From here on nothing has been parsed; relative, like all that is kept. */
    private int parsed;
    /** Up to here there is no line end. */
    private int searched;
    private int expected = UNKNOWN;
    private int length = UNKNOWN;
    private boolean complete;

    /** @param longestArgument in bytes */
    Request(int longestArgument) {
        this.longestArgument = longestArgument;
    }

    /**
     * Parses the next request.
     *
     * @param start of the unread bytes: after those of the last request if that was complete, or the same as before
     * @param end of the bytes that have come
     * @return whether it is complete; else it needs more bytes
     */
    boolean parse(byte[] array, int start, int end) throws ProtocolError {
        if (complete) {
            reset();
        }
        bytes = array;
        base = start;
        int available = end - start;
        if (expected == UNKNOWN) {
            if (available == 0) {
                return false;
            }
            if (array[start] != '*') {
                return line(available);
            }
            int lineEnd = lineEnd(available, "too big mbulk count string");
            if (lineEnd == UNKNOWN) {
                return false;
            }
            expected = number(lineEnd, Long.MIN_VALUE, MOST_ARGUMENTS, "invalid multibulk length");
        }
        while (count < expected) {
            if (!argument(available)) {
                return false;
            }
        }
        complete = true;
        return true;
    }

    private void reset() {
        if (places.length > 2 * KEPT_ARGUMENTS) {
            places = new int[2 * USUAL_ARGUMENTS];
        }
        count = parsed = searched = 0;
        expected = length = UNKNOWN;
        complete = false;
    }

    private boolean argument(int available) throws ProtocolError {
        if (length == UNKNOWN) {
            int lineEnd = lineEnd(available, "too big bulk count string");
            if (lineEnd == UNKNOWN) {
                return false;
            }
            if (bytes[base + parsed] != '$') {
                throw new ProtocolError("expected '$', got '" + (char) (bytes[base + parsed] & 0xff) + "'");
            }
            length = number(lineEnd, 0, longestArgument, "invalid bulk length");
        }
        if (available - parsed < length + LINE_END) {
            return false;
        }
        add(parsed, length);
        parsed += length + LINE_END;
        searched = parsed;
        length = UNKNOWN;
        return true;
    }

    /** Where the line that begins at {@link #parsed} ends, with a byte after its CR, or UNKNOWN. */
    private int lineEnd(int available, String tooLong) throws ProtocolError {
        int at = Math.max(searched, parsed);
        while (at < available && bytes[base + at] != '\r') {
            at++;
        }
        searched = at;
        if (at == available && at - parsed > LONGEST_LINE) {
            throw new ProtocolError(tooLong);
        }
        return at + LINE_END <= available ? at : UNKNOWN;
    }

    /** The number behind the first byte of the line; goes on to the next line. */
    private int number(int lineEnd, long least, int most, String message) throws ProtocolError {
        long number;
        try {
            number = Decimal.parse(bytes, base + parsed + 1, lineEnd - parsed - 1);
        } catch (CommandError e) {
            throw new ProtocolError(message);
        }
        if (number < least || number > most) {
            throw new ProtocolError(message);
        }
        parsed = lineEnd + LINE_END;
        return (int) Math.max(number, Integer.MIN_VALUE);
    }

    /** A line as somebody types it. */
    private boolean line(int available) throws ProtocolError {
        int at = searched;
        while (at < available && bytes[base + at] != '\n') {
            at++;
        }
        searched = at;
        if (at == available) {
            if (available > LONGEST_LINE) {
                throw new ProtocolError("too big inline request");
            }
            return false;
        }
        parsed = at + 1;
        int end = at > 0 && bytes[base + at - 1] == '\r' ? at - 1 : at;
        Words words = Words.of(bytes, base, base + end);
        bytes = words.bytes();
        base = 0;
        for (int i = 0; i < words.count(); i++) {
            add(words.from(i), words.length(i));
        }
        expected = count;
        complete = true;
        return true;
    }

    private void add(int from, int length) {
        if (2 * count == places.length) {
            places = Arrays.copyOf(places, 2 * places.length);
        }
        places[2 * count] = from;
        places[2 * count + 1] = length;
        count++;
    }

    /** How many bytes a complete request has taken. */
    int size() {
        return parsed;
    }

    // Its arguments, the command's name being the first

    /** 0 for an empty line or array, which asks for nothing. */
    int count() {
        return count;
    }

    /** The array in which the arguments are. */
    byte[] array() {
        return bytes;
    }

    int from(int argument) {
        return base + places[2 * argument];
    }

    int length(int argument) {
        return places[2 * argument + 1];
    }

    byte[] copy(int argument) {
        return Arrays.copyOfRange(bytes, from(argument), from(argument) + length(argument));
    }

    long integer(int argument) throws CommandError {
        return Decimal.parse(bytes, from(argument), length(argument));
    }

    /** Whether an argument is this word, which is in lower case. */
    boolean is(int argument, String word) {
        int from = from(argument);
        if (length(argument) != word.length()) {
            return false;
        }
        for (int i = 0; i < word.length(); i++) {
            if (lower(bytes[from + i]) != word.charAt(i)) {
                return false;
            }
        }
        return true;
    }

    static byte lower(byte b) {
        return b >= 'A' && b <= 'Z' ? (byte) (b + 'a' - 'A') : b;
    }

    /** For a message: at most so many bytes. */
    String text(int argument, int most) {
        return new String(bytes, from(argument), Math.min(length(argument), most), StandardCharsets.ISO_8859_1);
    }
}
