package io.netpark.bench.load;

import io.netpark.core.memory.NativeMemory;
import io.netpark.core.poll.Readiness;
import io.netpark.core.sys.Errno;
import java.io.IOException;
import java.nio.ByteOrder;

/** A connection that asks a source for blocks, compares every byte, and asks again when the last one has come. */
final class Drain extends Socket {

    private final NativeMemory request = NativeMemory.allocate(Long.BYTES);
    private final Content content;
    private final long size;
    private long left;
    private long position;
    private long sentAt;

    Drain(Traffic traffic, Content content, int block, long blocks) {
        super(traffic);
        this.content = content;
        this.size = blocks * block;
        request.buffer().order(ByteOrder.BIG_ENDIAN).putLong(0, blocks);
    }

    void start() throws IOException {
        sentAt = traffic.now;
        left = size;
        traffic.inFlight++;
        if (require("send", wire().send(request, 0, Long.BYTES)) != Long.BYTES) {
            throw new LoadFailure("eight bytes did not fit into a socket");
        }
    }

    @Override
    void ready(int readiness) throws IOException {
        if (!connected) {
            if (finishConnect()) {
                traffic.inFlight--;
            }
            return;
        }
        Wire wire = wire();
        wire.flush();
        if ((readiness & Readiness.WAKES_READER) == 0) {
            return;
        }
        do {
            long result = wire.receive();
            if (result == -Errno.EAGAIN) {
                return;
            }
            if (result <= 0 || result > left) {
                throw result > 0 ? new LoadFailure("the server sent bytes that nobody asked for")
                        : LoadFailure.of("receive", result);
            }
            content.check(traffic.received.buffer(), (int) result, position);
            position += result;
            left -= result;
            traffic.bytes += result;
            if (left == 0) {
                traffic.now = System.nanoTime();
                traffic.answered(sentAt);
                if (traffic.running) {
                    start();
                }
            }
        } while (wire.hasMore());
    }
}
