package io.netpark.bench.load;

import java.io.IOException;
import java.nio.ByteBuffer;

/** What a visitor comes for: one request, and an answer of a known length. */
interface Errand {

    int requestLength();

    int answerLength();

    /** Sends the request of a visit; what {@link Wire#send} says. */
    long ask(Wire wire, long visit) throws IOException;

    /** Compares bytes {@code 0} to {@code length} of what was received with the answer to it, from {@code from} on. */
    void check(ByteBuffer received, int length, long visit, int from) throws LoadFailure;

    /** Bytes that come back as they are. */
    static Errand echo(Content content, int size) {
        return new Errand() {
            @Override
            public int requestLength() {
                return size;
            }

            @Override
            public int answerLength() {
                return size;
            }

            @Override
            public long ask(Wire wire, long visit) throws IOException {
                return content.send(wire, visit * size, size);
            }

            @Override
            public void check(ByteBuffer received, int length, long visit, int from) throws LoadFailure {
                content.check(received, length, visit * size + from);
            }
        };
    }

    /** A page over HTTP. */
    static Errand page(Page page) {
        return new Errand() {
            @Override
            public int requestLength() {
                return page.requestLength();
            }

            @Override
            public int answerLength() {
                return page.answerLength();
            }

            @Override
            public long ask(Wire wire, long visit) throws IOException {
                return page.send(wire, 0, page.requestLength());
            }

            @Override
            public void check(ByteBuffer received, int length, long visit, int from) throws LoadFailure {
                page.check(received, length, from);
            }
        };
    }
}
