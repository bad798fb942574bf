package io.netpark.blocking;

import io.netpark.core.buffer.SegmentPool;
import io.netpark.core.fd.Direction;
import io.netpark.core.loop.ErrorPaths;
import io.netpark.core.loop.EventLoopGroup;
import io.netpark.core.net.ConnectionDescriptor;
import io.netpark.core.net.ListenerDescriptor;
import io.netpark.core.net.NetOptions;
import io.netpark.core.sys.NetparkException;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.SocketAddress;

/**
 * Accepts TCP connections for threads that wait: one thread accepts, and starts a virtual thread for each connection.
 *
 * <p>When descriptors run out, accepting pauses and goes on by itself; that is reported, and never thrown.
 */
public final class BlockingListener implements AutoCloseable {

    private final ListenerDescriptor core;

    private BlockingListener(ListenerDescriptor core) {
        this.core = core;
    }

    /**
     * Listens on an address.
     *
     * @param group its event loops watch the connections, in turn
     * @param address resolved, or a unix address; port 0 takes a free one
     * @throws NetparkException naming the address: in use, not of this machine, not permitted
     */
    public static BlockingListener listen(EventLoopGroup group, SocketAddress address, NetOptions options)
            throws NetparkException {
        ErrorPaths.load(BlockingListener.class, "io.netpark.blocking");
        return new BlockingListener(ListenerDescriptor.listen(group, address, options));
    }

    /** The address it listens on, with the port that was chosen for 0. */
    public SocketAddress localAddress() {
        return core.localAddress();
    }

    /**
     * The port it listens on.
     *
     * @throws IllegalStateException if it is a unix socket, which has none
     */
    public int port() {
        return core.port();
    }

    /**
     * Waits for the next connection; the caller closes it. One thread at a time.
     *
     * @throws NetparkException.Closed if the listener is closed, before or meanwhile
     * @throws InterruptedIOException if the thread is interrupted; it has accepted nothing
     */
    public BlockingConnection accept() throws IOException {
        ThreadWaiter.requireNoLoop(core);
        ConnectionDescriptor accepted = core.startAccept();
        while (accepted == null) {
            ThreadWaiter.await(core, Direction.READ);
            accepted = core.retryAccept();
        }
        try {
            return new BlockingConnection(accepted, SegmentPool.shared());
        } catch (Throwable e) { // no memory
            accepted.close();
            throw e;
        }
    }

    /** Stops listening; connections stay open. */
    @Override
    public void close() {
        core.close();
    }

    @Override
    public String toString() {
        return core.toString();
    }
}
