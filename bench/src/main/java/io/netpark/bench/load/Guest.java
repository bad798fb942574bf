package io.netpark.bench.load;

import io.netpark.core.sys.Errno;
import java.io.IOException;

/** One connection that asks for a page, or a file, over HTTP, with {@code depth} requests in flight. */
final class Guest extends Client {

    private final Page page;
    /** When each request in flight was sent, by its number modulo the depth. */
    private final long[] sentAt;
    private long requested;
    /** In bytes, as what follows. */
    private long sent;
    private long answered;

    Guest(Traffic traffic, Page page, int depth) {
        super(traffic);
        this.page = page;
        this.sentAt = new long[depth];
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
        return answered == requested * page.answerLength();
    }

    private void request(int count) {
        for (int i = 0; i < count; i++) {
            sentAt[(int) (requested++ % sentAt.length)] = traffic.now;
        }
        traffic.inFlight += count;
    }

    @Override
    void flush() throws IOException {
        while (sent < requested * page.requestLength()) {
            long result = page.send(wire(), sent, (int) (requested * page.requestLength() - sent));
            if (result == -Errno.EAGAIN) {
                return;
            }
            sent += require("send", result);
        }
    }

    @Override
    void received(int length) throws IOException {
        long before = answered / page.answerLength();
        if (answered + length > requested * page.answerLength()) {
            throw new LoadFailure("the server sent bytes that nobody asked for");
        }
        page.check(traffic.received.buffer(), length, answered);
        answered += length;
        long after = answered / page.answerLength();
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
