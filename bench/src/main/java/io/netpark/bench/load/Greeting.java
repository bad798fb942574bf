package io.netpark.bench.load;

import io.netpark.core.sys.NativeMemory;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A request for a page, and the answer to it, which was asked for once. Every other answer must have the same bytes: only the
 * Date may be another, and that is always as long.
 */
final class Greeting {

    private static final byte[] TEXT =
            "GET /plaintext HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n".getBytes(StandardCharsets.US_ASCII);
    private static final String PAGE = "Hello, World!";
    private static final int DATE = "Sat, 21 Nov 2026 14:03:02 GMT".length();
    private static final int PATIENCE_MILLIS = 20_000;

    private final NativeMemory requests;
    private final ByteBuffer answer;
    private final int dateFrom;

    private Greeting(int depth, String answer) throws LoadFailure {
        requests = NativeMemory.allocate((depth + 1) * TEXT.length);
        for (int i = 0; i <= depth; i++) {
            requests.buffer().put(i * TEXT.length, TEXT);
        }
        this.answer = ByteBuffer.wrap(answer.getBytes(StandardCharsets.ISO_8859_1));
        Matcher date = Pattern.compile("(?i)\r\ndate: ").matcher(answer);
        if (!date.find() || !answer.startsWith("HTTP/1.1 200 ") || !answer.endsWith("\r\n\r\n" + PAGE)) {
            throw new LoadFailure("no greeting with a date, but: " + answer.replaceAll("\\R", " | "));
        }
        dateFrom = date.end();
    }

    /** Asks a server for it, and takes what it answers for the right answer if it looks like that. */
    static Greeting ask(InetSocketAddress server, int depth) throws IOException {
        try (java.net.Socket socket = new java.net.Socket(server.getAddress(), server.getPort())) {
            socket.setSoTimeout(PATIENCE_MILLIS);
            socket.getOutputStream().write(TEXT);
            return new Greeting(depth, receive(socket.getInputStream()));
        }
    }

    private static String receive(InputStream input) throws IOException {
        ByteArrayOutputStream received = new ByteArrayOutputStream();
        Pattern length = Pattern.compile("(?is).*\r\ncontent-length: *(\\d+)\r\n.*");
        for (int b = input.read(); b >= 0; b = input.read()) {
            received.write(b);
            String head = received.toString(StandardCharsets.ISO_8859_1);
            if (head.endsWith("\r\n\r\n")) {
                Matcher matcher = length.matcher(head);
                if (!matcher.matches()) {
                    throw new LoadFailure("an answer without a length: " + head.replaceAll("\\R", " | "));
                }
                return head + new String(input.readNBytes(Integer.parseInt(matcher.group(1))), StandardCharsets.ISO_8859_1);
            }
        }
        throw new LoadFailure("the server closed the connection");
    }

    int requestLength() {
        return TEXT.length;
    }

    int answerLength() {
        return answer.capacity();
    }

    /** Where the bytes of requests, one behind the other, are from a position on. */
    long address(long position) {
        return requests.address() + position % TEXT.length;
    }

    /** Compares bytes {@code 0} to {@code length} of what was received with answers from a position on. */
    void check(ByteBuffer received, int length, long position) throws LoadFailure {
        for (int from = 0; from < length; ) {
            int at = (int) ((position + from) % answer.capacity());
            int to = Math.min(from + answer.capacity() - at, length);
            int dateEnd = from + dateFrom + DATE - at;
            compare(received, from, Math.min(to, from + dateFrom - at), at);
            compare(received, Math.max(from, dateEnd), to, Math.max(at, dateFrom + DATE));
            from = to;
        }
    }

    private void compare(ByteBuffer received, int from, int to, int at) throws LoadFailure {
        if (from >= to) {
            return;
        }
        received.limit(to).position(from);
        answer.limit(at + to - from).position(at);
        int wrong = received.mismatch(answer);
        if (wrong >= 0) {
            throw new LoadFailure("wrong byte " + (at + wrong) + " of an answer: " + received.get(from + wrong)
                    + " instead of " + answer.get(at + wrong));
        }
    }
}
