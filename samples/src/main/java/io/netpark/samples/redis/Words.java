package io.netpark.samples.redis;

import java.util.ArrayList;
import java.util.List;

/** The words of a line as somebody types it, with the quotes and escapes of redis-cli. */
final class Words {

    /** A word in {@link #bytes}. */
    private record Place(int from, int length) {}

    private final byte[] line;
    private final int end;
    private int at;
    /** The words without their quotes, which are never longer. */
    private final byte[] bytes;
    private int size;
    private final List<Place> places = new ArrayList<>();

    private Words(byte[] line, int from, int end) {
        this.line = line;
        this.at = from;
        this.end = end;
        this.bytes = new byte[end - from];
    }

    static Words of(byte[] line, int from, int end) throws ProtocolError {
        Words words = new Words(line, from, end);
        words.split();
        return words;
    }

    int count() {
        return places.size();
    }

    byte[] bytes() {
        return bytes;
    }

    int from(int word) {
        return places.get(word).from();
    }

    int length(int word) {
        return places.get(word).length();
    }

    private void split() throws ProtocolError {
        while (true) {
            while (at < end && isBlank(line[at])) {
                at++;
            }
            if (at == end) {
                return;
            }
            int from = size;
            while (at < end && !endsWord(line[at])) {
                byte b = line[at++];
                if (b == '"' || b == '\'') {
                    quoted(b);
                } else {
                    bytes[size++] = b;
                }
            }
            places.add(new Place(from, size - from));
        }
    }

    /** Up to the same quote, which must end the word. */
    private void quoted(byte quote) throws ProtocolError {
        while (at < end && line[at] != quote) {
            byte b = line[at++];
            if (b == '\\' && at < end && (quote == '"' || line[at] == '\'')) {
                b = quote == '"' ? escaped() : line[at++];
            }
            bytes[size++] = b;
        }
        if (at == end || at + 1 < end && !isBlank(line[at + 1])) {
            throw new ProtocolError("unbalanced quotes in request");
        }
        at++;
    }

    /** After a backslash between double quotes. */
    private byte escaped() {
        byte b = line[at++];
        if (b == 'x' && end - at >= 2) {
            int high = Character.digit(line[at], 16);
            int low = Character.digit(line[at + 1], 16);
            if (high >= 0 && low >= 0) {
                at += 2;
                return (byte) (high << 4 | low);
            }
        }
        return switch (b) {
            case 'n' -> '\n';
            case 'r' -> '\r';
            case 't' -> '\t';
            case 'b' -> '\b';
            case 'a' -> 7;
            default -> b;
        };
    }

    /** Not so many as may stand between words: that is how Redis has it. */
    private static boolean endsWord(byte b) {
        return b == ' ' || b == '\t' || b == '\n' || b == '\r';
    }

    private static boolean isBlank(byte b) {
        return b == ' ' || b >= '\t' && b <= '\r';
    }
}
