package io.netpark.bench.load;

import io.netpark.core.poll.Readiness;
import io.netpark.core.sys.Errno;
import java.io.IOException;
import java.net.InetSocketAddress;

/** Connects, sends one request, reads the answer, closes, and comes back as somebody else. */
final class Visitor extends Socket {

    private final InetSocketAddress server;
    private final Errand errand;
    private long visits;
    private int answered;
    private long startedAt;

    Visitor(Traffic traffic, InetSocketAddress server, Errand errand, int number) {
        super(traffic);
        this.server = server;
        this.errand = errand;
        this.visits = number * 997L;
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
            if (!finishConnect()) {
                return;
            }
            if (require("send", errand.ask(wire(), visits)) != errand.requestLength()) {
                throw new LoadFailure("a request did not fit into a new socket");
            }
        }
        wire().flush();
        if ((readiness & Readiness.WAKES_READER) == 0) {
            return;
        }
        long result = wire().receive();
        if (result == -Errno.EAGAIN) {
            return;
        }
        if (result <= 0 || answered + result > errand.answerLength()) {
            throw result > 0 ? new LoadFailure("the server sent bytes that nobody asked for")
                    : LoadFailure.of("receive", result);
        }
        errand.check(traffic.received.buffer(), (int) result, visits, answered);
        traffic.bytes += result;
        answered += (int) result;
        if (answered == errand.answerLength()) {
            leave();
        }
    }

    private void leave() throws IOException {
        visits++;
        close();
        traffic.now = System.nanoTime();
        traffic.answered(startedAt);
        if (traffic.running) {
            start();
        }
    }
}
