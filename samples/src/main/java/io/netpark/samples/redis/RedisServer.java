package io.netpark.samples.redis;

import io.netpark.callback.AtLimit;
import io.netpark.callback.CallbackConnection;
import io.netpark.callback.CallbackServer;
import io.netpark.core.loop.EventLoopGroup;
import io.netpark.core.net.serving.Shutdown;
import io.netpark.core.sys.NetparkException;
import io.netpark.core.tls.ServerTls;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A server of strings in memory that speaks the protocol of Redis: RESP2, and RESP3 with clients that ask for it. The whole of the network is in here and in
 * {@link Session}: a request callback, and one that says that answers have been taken.
 */
public final class RedisServer implements AutoCloseable {

    /** Of a command, without its value. */
    private static final int OVERHEAD = 1024 * 1024;

    private final EventLoopGroup group;
    private final CallbackServer server;
    private final Duration drain;
    private final AtomicLong ids = new AtomicLong();

    /**
     * Starts it.
     *
     * @param tls how connections are encrypted; null if they are not
     * @param longestValue in bytes. A client whose unfinished command, or whose answers that it does not read, come to more
     *     than twice as much and a mebibyte is disconnected; an MGET of more is refused
     * @param drain how long clients may take to get their last answers when it is closed
     */
    public RedisServer(
            InetSocketAddress address, @Nullable ServerTls tls, Consumer<EventLoopGroup.Builder> loops, int longestValue,
            Duration drain) throws NetparkException {
        this.drain = drain;
        EventLoopGroup.Builder builder = EventLoopGroup.builder();
        loops.accept(builder);
        group = builder.open();
        try {
            Database database = new Database();
            Commands commands = new Commands();
            long limit = Math.min(2L * longestValue + OVERHEAD, 1 << 30);
            Session.Shared shared = new Session.Shared(
                    database, commands, new Expiry(database, group.next()), longestValue, limit);
            new StringCommands(database).addTo(commands);
            new KeyCommands(database).addTo(commands);
            new TimeCommands(database).addTo(commands);
            new ServerCommands(commands, new Info(database, commands, this::connections), longestValue).add();
            CallbackServer.Builder sessions = CallbackServer.builder()
                    .group(group)
                    .inputLimit((int) limit)
                    .atInputLimit(AtLimit.CLOSE)
                    .outputLimit(limit)
                    .onConnect(connection -> connection.attach(
                            new Session(connection, shared, Desk.ofThisLoop(), ids.incrementAndGet())))
                    .onRequest((connection, in) -> session(connection).request(in))
                    .onWritable(connection -> session(connection).writable())
                    .onHalfClose(connection -> session(connection).halfClosed());
            if (tls != null) {
                sessions.tls(tls);
            }
            server = sessions.listen(address);
        } catch (NetparkException | RuntimeException e) {
            group.close();
            throw e;
        }
    }

    private static Session session(CallbackConnection connection) {
        Session session = connection.attachment(Session.class);
        assert session != null : "made when it was connected";
        return session;
    }

    /** Its event loops. They keep the process alive. */
    public EventLoopGroup group() {
        return group;
    }

    /** How many clients are connected. */
    public int connections() {
        return server.connections();
    }

    /** Where it listens, with the port that was chosen for 0. */
    public SocketAddress address() {
        return server.localAddress();
    }

    /** Stops accepting, sends the answers that are pending, closes every connection, and ends the loops. */
    @Override
    public void close() {
        server.shutdown(Shutdown.within(drain));
        server.close();
        group.close();
    }
}
