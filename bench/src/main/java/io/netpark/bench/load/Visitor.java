package io.netpark.bench.load;

import io.netpark.core.linux.Linux;
import io.netpark.core.poll.Readiness;
import io.netpark.core.sys.Errno;
import java.io.IOException;
import java.net.InetSocketAddress;

/** Connects, sends one request, reads the answer, closes, and comes back as somebody else. */
final class Visitor extends Socket {

    private final InetSocketAddress server;
    private final Content content;
    private final int size;
    private long position;
    private int answered;
    private long startedAt;

    Visitor(Traffic traffic, InetSocketAddress server, Content content, int size, int number) {
        super(traffic);
        this.server = server;
        this.content = content;
        this.size = size;
        this.position = number * 997L;
    }

    void start() throws IOException {
        startedAt = traffic.now;
        answered = 0;
        traffic.inFlight++;
        connect(server);
    }

    @Override
    void ready(int readiness) throws IOException {
        if (!connected) {
            finishConnect();
            long sent = require("send", traffic.libc.send(fd, content.address(position), size, Linux.MSG_NOSIGNAL));
            if (sent != size) {
                throw new LoadFailure("a request did not fit into a new socket");
            }
        }
        if ((readiness & Readiness.WAKES_READER) == 0) {
            return;
        }
        long result = traffic.libc.recv(fd, traffic.received.address(), traffic.received.size(), 0);
        if (result == -Errno.EAGAIN) {
            return;
        }
        if (result <= 0 || answered + result > size) {
            throw result > 0 ? new LoadFailure("the server sent bytes that nobody asked for")
                    : LoadFailure.of("receive", result);
        }
        content.check(traffic.received.buffer(), (int) result, position + answered);
        traffic.bytes += result;
        answered += (int) result;
        if (answered == size) {
            leave();
        }
    }

    private void leave() throws IOException {
        position += size;
        close();
        traffic.now = System.nanoTime();
        traffic.answered(startedAt);
        if (traffic.running) {
            start();
        }
    }
}
