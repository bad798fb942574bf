package io.netpark.core.buffer;

import io.netpark.core.loop.EventLoop;
import io.netpark.core.sys.NetparkException;

/**
 * The connection that an {@link OwnedBuffer} belongs to, as its buffers know it.
 *
 * <p>For Netpark's own adapters.
 */
public interface BufferOwner {

    /** Where it lives. */
    EventLoop loop();

    /** Why nothing can be read from it any more: what a read would throw. Asked for after its end, on any thread. */
    NetparkException inputEnded();

    /** As {@link #inputEnded}, of writing to it. */
    NetparkException outputEnded();
}
