package io.netpark.bench.load;

import io.netpark.bench.server.Block;
import io.netpark.core.memory.NativeMemory;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A request for a page, and the answer to it, which was asked for once. Every other answer must have the same bytes: only the
 * Date may be another, and that is always as long.
 */
final class Page {

    private static final byte[] GREETING = "Hello, World!".getBytes(StandardCharsets.US_ASCII);
    private static final byte[] JSON = "{\"message\":\"Hello, World!\"}".getBytes(StandardCharsets.US_ASCII);
    private static final int DATE = "Sat, 21 Nov 2026 14:03:02 GMT".length();
    private static final int PATIENCE_MILLIS = 20_000;

    private final int requestLength;
    /** One more than may be in flight: a piece of so many may begin within one. */
    private final NativeMemory requests;
    private final ByteBuffer answer;
    private final int dateFrom;

    private Page(byte[] request, int depth, String head, byte[] body) throws LoadFailure {
        requestLength = request.length;
        requests = NativeMemory.allocate((depth + 1) * request.length);
        for (int i = 0; i <= depth; i++) {
            requests.buffer().put(i * request.length, request);
        }
        answer = ByteBuffer.allocate(head.length() + body.length).put(head.getBytes(StandardCharsets.ISO_8859_1)).put(body);
        Matcher date = Pattern.compile("(?i)\r\ndate: ").matcher(head);
        if (!date.find()) {
            throw new LoadFailure("an answer without a date: " + line(head));
        }
        dateFrom = date.end();
    }

    /** What {@code /plaintext} is. */
    static Page greeting(Traffic traffic, InetSocketAddress server, int depth) throws IOException {
        return ask(traffic, server, "/plaintext", depth, GREETING);
    }

    /** A file of one block, as {@code /file}. */
    static Page file(Traffic traffic, InetSocketAddress server, int size) throws IOException {
        return ask(traffic, server, "/file", 1, Block.bytes(size));
    }

    /** What {@code /json} is. */
    static Page json(Traffic traffic, InetSocketAddress server, int depth) throws IOException {
        return ask(traffic, server, "/json", depth, JSON);
    }

    /** The size of one block, as {@code /upload} says it to who posts it. */
    static Page upload(Traffic traffic, InetSocketAddress server, int size) throws IOException {
        byte[] head = ascii("POST /upload HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nContent-Type: application/octet-stream\r\n"
                + "Content-Length: " + size + "\r\n\r\n");
        byte[] request = Arrays.copyOf(head, head.length + size);
        System.arraycopy(Block.bytes(size), 0, request, head.length, size);
        return ask(traffic, server, "/upload", request, 1, ascii(Integer.toString(size)));
    }

    /** Asks a server for it. What it answers is right if it has that body. */
    private static Page ask(Traffic traffic, InetSocketAddress server, String path, int depth, byte[] body)
            throws IOException {
        return ask(traffic, server, path, ascii("GET " + path + " HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n"), depth, body);
    }

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }

    private static Page ask(Traffic traffic, InetSocketAddress server, String path, byte[] request, int depth, byte[] body)
            throws IOException {
        try (java.net.Socket socket = traffic.socket(server)) {
            socket.setSoTimeout(PATIENCE_MILLIS);
            socket.getOutputStream().write(request);
            String head = receiveHead(socket.getInputStream());
            Matcher length = Pattern.compile("(?is).*\r\ncontent-length: *(\\d+)\r\n.*").matcher(head);
            if (!head.startsWith("HTTP/1.1 200 ") || !length.matches() || Integer.parseInt(length.group(1)) != body.length) {
                throw new LoadFailure(path + " is not " + body.length + " bytes, but: " + line(head));
            }
            if (!Arrays.equals(socket.getInputStream().readNBytes(body.length), body)) {
                throw new LoadFailure(path + " has other bytes than it should");
            }
            return new Page(request, depth, head, body);
        }
    }

    private static String receiveHead(InputStream input) throws IOException {
        ByteArrayOutputStream received = new ByteArrayOutputStream();
        for (int b = input.read(); b >= 0; b = input.read()) {
            received.write(b);
            if (b == '\n' && received.toString(StandardCharsets.ISO_8859_1).endsWith("\r\n\r\n")) {
                return received.toString(StandardCharsets.ISO_8859_1);
            }
        }
        throw new LoadFailure("the server closed the connection");
    }

    private static String line(String head) {
        return head.replaceAll("\\R", " | ");
    }

    int requestLength() {
        return requestLength;
    }

    int answerLength() {
        return answer.capacity();
    }

    /** Sends bytes of requests, one behind the other, from a position on; what {@link Wire#send} says. */
    long send(Wire wire, long position, int length) throws IOException {
        return wire.send(requests, (int) (position % requestLength), length);
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
