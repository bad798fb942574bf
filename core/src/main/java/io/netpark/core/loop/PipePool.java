package io.netpark.core.loop;

import io.netpark.core.sys.LibC;
import io.netpark.core.sys.Pipe;
import org.jctools.queues.atomic.MpmcAtomicArrayQueue;
import org.jspecify.annotations.Nullable;

/**
 * Pipes that an event loop keeps for copies that splice bytes: making a pipe costs three system calls. A copy has a pipe while there
 * are bytes in it, and none while it waits for bytes. So a few pipes serve any number of connections, as long as their targets keep
 * up. Any thread.
 *
 * <p>For Netpark's own adapters.
 */
public final class PipePool {

    /** The most pipes that are kept, of two descriptors each. */
    private static final int KEPT = 16;

    private final LibC libc;
    private final MpmcAtomicArrayQueue<Pipe> idle = new MpmcAtomicArrayQueue<>(KEPT);
    private volatile boolean closed;

    PipePool(LibC libc) {
        this.libc = libc;
    }

    /** An empty pipe, to be given back; null if there is none to be had now: descriptors or memory have run out. */
    public @Nullable Pipe take() {
        Pipe pipe = idle.relaxedPoll();
        return pipe != null ? pipe : Pipe.open(libc);
    }

    /** Takes a pipe back. A pipe with bytes in it is destroyed, and the bytes are lost. */
    public void giveBack(Pipe pipe) {
        if (pipe.size() > 0 || !idle.offer(pipe)) {
            pipe.close();
        } else if (closed) { // looked at after the offer: one of the two sees the pipe
            close();
        }
    }

    /** How many pipes wait for somebody; for tests. */
    public int idle() {
        return idle.size();
    }

    /** With the loop. Pipes that are out are destroyed when they come back. */
    void close() {
        closed = true;
        for (Pipe pipe; (pipe = idle.poll()) != null; ) {
            pipe.close();
        }
    }
}
