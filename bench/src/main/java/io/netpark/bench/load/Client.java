package io.netpark.bench.load;

import io.netpark.core.poll.Readiness;
import io.netpark.core.sys.Errno;
import java.io.IOException;

/** A connection that has so many requests in flight, and sends the next when an answer is complete. */
abstract class Client extends Socket {

    /** How many were complete since the last run began. */
    long answers;

    Client(Traffic traffic) {
        super(traffic);
    }

    /** An answer is complete. */
    final void complete(long sentAt) {
        answers++;
        traffic.answered(sentAt);
    }

    /** Sends one request. */
    abstract void startOne() throws IOException;

    /** Sends as many requests as may be in flight. */
    abstract void startAll() throws IOException;

    /** Whether nothing is in flight. */
    abstract boolean isFree();

    /** Sends what could not be sent yet. */
    abstract void flush() throws IOException;

    /** Takes the first bytes of {@link Traffic#received}. */
    abstract void received(int length) throws IOException;

    @Override
    final void ready(int readiness) throws IOException {
        if (!connected) {
            if (finishConnect()) {
                traffic.inFlight--;
            }
            return;
        }
        if ((readiness & Readiness.WAKES_READER) != 0) {
            receive();
        }
        wire().flush();
        flush();
    }

    private void receive() throws IOException {
        Wire wire = wire();
        do {
            long result = wire.receive();
            if (result == -Errno.EAGAIN) {
                return;
            }
            if (result <= 0) {
                throw LoadFailure.of("receive", result);
            }
            received((int) result);
        } while (wire.hasMore());
    }
}
