package io.netpark.samples.tail;

import io.netpark.callback.CallbackServer;
import io.netpark.callback.poller.CallbackPoller;
import io.netpark.core.loop.EventLoop;
import io.netpark.core.loop.EventLoopGroup;
import io.netpark.core.net.serving.Shutdown;
import io.netpark.core.tls.ServerTls;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Sends what is added to a file to every client. The file is followed on one event loop; clients are on any.
 *
 * <p>What clients send is dropped, and one that ends its stream is disconnected: nothing else would tell, before the next line,
 * that it has gone.
 */
public final class TailServer implements AutoCloseable {

    /** How much of the file is kept for newcomers. */
    private static final int RECENT = 1024 * 1024;
    private static final int HIGH_WATER_MARK = 256 * 1024;

    private final EventLoopGroup group;
    private final Follower follower;
    private final CallbackServer server;
    private final Duration drain;

    /**
     * Starts it.
     *
     * @param lines how many of the last lines a newcomer gets, but not more than a mebibyte of them
     * @param tls how connections are encrypted; null if they are not
     * @param drain how long clients may take to get the last lines when it is closed
     */
    public TailServer(
            Path file, int lines, InetSocketAddress address, @Nullable ServerTls tls, Duration drain,
            Consumer<EventLoopGroup.Builder> loops) throws IOException {
        this.drain = drain;
        EventLoopGroup.Builder builder = EventLoopGroup.builder();
        loops.accept(builder);
        group = builder.open();
        try {
            EventLoop loop = group.next();
            Audience audience = new Audience(new Recent(RECENT), lines);
            follower = Follower.start(file, RECENT, CallbackPoller.on(loop), audience::send);
            try {
                CallbackServer.Builder clients = CallbackServer.builder()
                        .group(group)
                        .highWaterMark(HIGH_WATER_MARK)
                        .onConnect(client -> loop.tryExecute(() -> audience.add(client)))
                        .onWritable(client -> loop.tryExecute(() -> audience.catchUp(client)))
                        .onClose((client, cause) -> loop.tryExecute(() -> audience.remove(client)))
                        .ignoreInput();
                if (tls != null) {
                    clients.tls(tls);
                }
                server = clients.listen(address);
            } catch (IOException | RuntimeException e) {
                follower.close();
                throw e;
            }
        } catch (IOException | RuntimeException e) {
            group.close();
            throw e;
        }
    }

    /** Where it listens, with the port that was chosen for 0. */
    public SocketAddress address() {
        return server.localAddress();
    }

    /** Its event loops. They keep the process alive. */
    public EventLoopGroup group() {
        return group;
    }

    /** How many clients are connected. */
    public int connections() {
        return server.connections();
    }

    /** Stops accepting, sends clients the lines that are pending, closes everything, and ends the loops. */
    @Override
    public void close() throws IOException {
        server.shutdown(Shutdown.within(drain));
        server.close();
        follower.close();
        group.close();
    }
}
