package io.netpark.samples.redis;

import io.netpark.callback.CallbackConnection;
import io.netpark.core.sys.NetparkException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * The answers to requests that have come together, gathered for one write. One for each event loop, as it is empty between
 * callbacks. The five kinds of RESP2: simple strings, errors, integers, bulk strings, arrays. To a client that has asked for RESP3 also maps,
 * a null of its own, and text for people; RESP2 has arrays, a bulk string without length, and bulk strings for them.
 */
final class Answers {

    private static final int ROOM = 64 * 1024;
    private static final byte[] LINE_END = ascii("\r\n");
    private static final byte[] NIL = ascii("$-1\r\n");
    private static final byte[] NIL_OF_RESP3 = ascii("_\r\n");
    private static final byte[] PLAIN_TEXT = ascii("txt:");

    private final ByteBuffer bytes = ByteBuffer.allocateDirect(ROOM);
    private final byte[] digits = new byte[Decimal.LONGEST];
    private @Nullable CallbackConnection connection;
    private boolean resp3;

    /** What follows is for this connection, until {@link #flush}, in RESP3 or in RESP2. */
    void begin(CallbackConnection connection, boolean resp3) {
        this.connection = connection;
        this.resp3 = resp3;
    }

    /** What follows is in RESP3 or in RESP2. */
    void speak(boolean resp3) {
        this.resp3 = resp3;
    }

    /**
     * Sends what has been gathered. What the kernel does not take is the connection's to keep.
     *
     * @throws NetparkException.Closed there is nobody to answer any more: whoever is in the midst of an answer is to stop
     */
    void flush() throws NetparkException.Closed {
        CallbackConnection target = connection;
        try {
            if (bytes.position() > 0 && target != null) {
                target.write(bytes.flip());
            }
        } finally {
            bytes.clear(); // of a connection that failed, it is dropped
        }
    }

    /** Forgets what has been gathered. */
    void drop() {
        bytes.clear();
    }

    void simple(String text) throws NetparkException.Closed {
        line('+', text);
    }

    void error(String text) throws NetparkException.Closed {
        // It may quote the client, and an end of line would end it.
        line('-', text.replace('\r', ' ').replace('\n', ' '));
    }

    private void line(char kind, String text) throws NetparkException.Closed {
        put(kind);
        for (int i = 0; i < text.length(); i++) {
            put(text.charAt(i));
        }
        put(LINE_END);
    }

    void integer(long number) throws NetparkException.Closed {
        number(':', number);
    }

    void nil() throws NetparkException.Closed {
        put(resp3 ? NIL_OF_RESP3 : NIL);
    }

    /** So many pairs of answers follow, each a key and its value. */
    void map(int count) throws NetparkException.Closed {
        if (resp3) {
            number('%', count);
        } else {
            array(2 * count);
        }
    }

    /** For people to read. */
    void text(String text) throws NetparkException.Closed {
        byte[] encoded = text.getBytes(StandardCharsets.UTF_8);
        if (!resp3) {
            bulk(encoded);
            return;
        }
        number('=', PLAIN_TEXT.length + encoded.length);
        put(PLAIN_TEXT);
        put(encoded);
        put(LINE_END);
    }

    /** So many answers follow. */
    void array(int count) throws NetparkException.Closed {
        number('*', count);
    }

    void bulk(byte[] array) throws NetparkException.Closed {
        bulk(array, 0, array.length);
    }

    void bulk(byte[] array, int from, int length) throws NetparkException.Closed {
        number('$', length);
        put(array, from, length);
        put(LINE_END);
    }

    void bulk(String text) throws NetparkException.Closed {
        bulk(text.getBytes(StandardCharsets.UTF_8));
    }

    private void number(char kind, long number) throws NetparkException.Closed {
        put(kind);
        int from = Decimal.format(number, digits);
        put(digits, from, digits.length - from);
        put(LINE_END);
    }

    private void put(char c) throws NetparkException.Closed {
        if (!bytes.hasRemaining()) {
            flush();
        }
        bytes.put((byte) c);
    }

    private void put(byte[] array) throws NetparkException.Closed {
        put(array, 0, array.length);
    }

    private void put(byte[] array, int from, int length) throws NetparkException.Closed {
        int at = from;
        int end = from + length;
        while (end - at > bytes.remaining()) {
            int part = bytes.remaining();
            bytes.put(array, at, part);
            at += part;
            flush();
        }
        bytes.put(array, at, end - at);
    }

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }
}
