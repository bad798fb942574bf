package io.netpark.simulation.socket;

import io.netpark.core.sys.Errno;
import io.netpark.simulation.description.Failure;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.function.Consumer;

/** The connections that wait to be accepted. One more than the backlog finds place (the kernel's sk_acceptq_is_full). */
final class AcceptQueue<S extends Socket> {

    /** net.core.somaxconn. */
    private static final int MOST = 4096;

    private final Deque<S> waiting = new ArrayDeque<>();
    private int backlog;

    AcceptQueue(int backlog) {
        resize(backlog);
    }

    void resize(int backlog) {
        this.backlog = backlog < 0 ? MOST : Math.min(backlog, MOST); // compared as unsigned
    }

    boolean isEmpty() {
        return waiting.isEmpty();
    }

    boolean isFull() {
        return waiting.size() > backlog;
    }

    void add(S connection) {
        connection.acquire();
        waiting.add(connection);
    }

    /** The first, which is the caller's to release. */
    S take() {
        S first = waiting.poll();
        if (first == null) {
            throw new Failure(Errno.EAGAIN);
        }
        return first;
    }

    /** Has something done to all that nobody will accept, and releases them. */
    void forEach(Consumer<S> end) {
        for (S connection; (connection = waiting.poll()) != null; ) {
            end.accept(connection);
            connection.release();
        }
    }
}
