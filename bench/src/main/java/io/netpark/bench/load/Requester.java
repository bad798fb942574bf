package io.netpark.bench.load;

import io.netpark.core.sys.Errno;
import java.io.IOException;

/** One connection that sends requests of one size and expects the same bytes back, with {@code depth} in flight. */
final class Requester extends Client {

    private static final int SEND = 1 << 18;

    private final Content content;
    private final int size;
    /** When each request in flight was sent, by its number modulo the depth. */
    private final long[] sentAt;
    private long first;
    private long sent;
    private long toSend;
    private long answered;

    Requester(Traffic traffic, Content content, int size, int depth, int number) {
        super(traffic);
        this.content = content;
        this.size = size;
        this.sentAt = new long[depth];
        this.first = number * (long) size; // so that few connections are at the same bytes
        this.sent = first;
        this.toSend = first;
        this.answered = first;
    }

    /** The largest piece that is sent or compared at once. */
    static int slice() {
        return SEND;
    }

    @Override
    void startOne() throws IOException {
        request(1);
        flush();
    }

    @Override
    void startAll() throws IOException {
        request(sentAt.length);
        flush();
    }

    @Override
    boolean isFree() {
        return answered == toSend;
    }

    private void request(int count) {
        for (int i = 0; i < count; i++) {
            sentAt[(int) ((toSend - first) / size % sentAt.length)] = traffic.now;
            toSend += size;
        }
        traffic.inFlight += count;
    }

    @Override
    void flush() throws IOException {
        while (sent < toSend) {
            long result = content.send(wire(), sent, (int) Math.min(toSend - sent, SEND));
            if (result == -Errno.EAGAIN) {
                return;
            }
            sent += require("send", result);
        }
    }

    @Override
    void received(int length) throws IOException {
        if (answered + length > sent) {
            throw new LoadFailure("the server sent bytes that nobody asked for");
        }
        content.check(traffic.received.buffer(), length, answered);
        long before = (answered - first) / size;
        answered += length;
        long after = (answered - first) / size;
        traffic.bytes += length;
        if (after > before) {
            traffic.now = System.nanoTime();
            for (long number = before; number < after; number++) {
                complete(sentAt[(int) (number % sentAt.length)]);
            }
            if (traffic.running) {
                request((int) (after - before));
            }
        }
    }
}
