package io.netpark.bench.load;

import io.netpark.core.linux.Linux;
import io.netpark.core.memory.NativeMemory;
import io.netpark.core.poll.Readiness;
import io.netpark.core.sys.Errno;
import java.io.IOException;
import java.nio.ByteOrder;

/**
 * A connection to a server that answers with its clock. Both processes read CLOCK_MONOTONIC, so the difference to the
 * time of sending is how long it took until the server's handler ran.
 */
final class Stopwatch extends Socket {

    private final NativeMemory request = NativeMemory.allocate(Long.BYTES);
    private long sentAt;

    Stopwatch(Traffic traffic) {
        super(traffic);
        traffic.received.buffer().order(ByteOrder.BIG_ENDIAN);
    }

    void start() throws IOException {
        traffic.inFlight++;
        sentAt = System.nanoTime();
        require("send", traffic.libc.send(fd, request.address(), Long.BYTES, Linux.MSG_NOSIGNAL));
    }

    @Override
    void ready(int readiness) throws IOException {
        if (!connected) {
            if (finishConnect()) {
                traffic.inFlight--;
            }
            return;
        }
        if ((readiness & Readiness.WAKES_READER) == 0) {
            return;
        }
        long result = traffic.libc.recv(fd, traffic.received.address(), traffic.received.size(), 0);
        if (result == -Errno.EAGAIN) {
            return;
        }
        if (result != Long.BYTES) {
            throw result > 0 ? new LoadFailure("an answer of " + result + " bytes instead of a clock's eight")
                    : LoadFailure.of("receive", result);
        }
        traffic.received.buffer().limit(Long.BYTES);
        traffic.now = traffic.received.buffer().getLong(0);
        traffic.answered(sentAt);
    }
}
