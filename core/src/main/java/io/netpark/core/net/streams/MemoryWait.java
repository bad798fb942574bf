package io.netpark.core.net.streams;

import io.netpark.core.buffer.SegmentPool;
import io.netpark.core.fd.Direction;

/**
 * A read that waits for memory of its pool, and not for bytes. Memory that comes back is like bytes that come in: the read is tried
 * again.
 *
 * <pre>
 *   waiting --the pool has room--> told, the read is nudged --it uses the memory, or its end passes the turn on--> over
 *           --the read ends-----> over, and forgotten by the pool
 * </pre>
 */
final class MemoryWait implements Runnable {

    private final ByteInput stream;
    private final SegmentPool pool;
    private volatile boolean told;

    MemoryWait(ByteInput stream, SegmentPool pool) {
        this.stream = stream;
        this.pool = pool;
    }

    /** Whether the pool has told that it has room, and the read has not used it yet. */
    boolean isTold() {
        return told;
    }

    /** The pool has room. On the thread that gives memory back. */
    @Override
    public void run() {
        told = true;
        stream.nudge(Direction.READ);
        if (!stream.waitsFor(this) || stream.isClosed()) {
            pool.passOn();
        }
    }

    /** The read does not want memory any more. */
    void end() {
        if (told) {
            pool.passOn();
        } else {
            pool.forget(this);
        }
    }
}
