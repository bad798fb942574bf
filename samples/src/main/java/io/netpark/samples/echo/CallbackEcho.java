package io.netpark.samples.echo;

import io.netpark.callback.CallbackServer;
import io.netpark.core.loop.EventLoopGroup;
import io.netpark.core.net.serving.Shutdown;
import io.netpark.core.sys.Due;
import io.netpark.core.sys.NetparkException;
import java.net.SocketAddress;
import java.time.Duration;

/** The echo server with callbacks. */
public final class CallbackEcho implements EchoServer {

    private final CallbackServer server;
    private final Duration drain;

    /**
     * Starts it.
     *
     * <p>The request callback is everything. What the kernel does not take at once is kept, and beyond the high-water
     * mark nothing is read until the client has taken some of it: a client that never reads costs that much memory and
     * no processor time. A client's half-close needs no callback: by default the connection is closed as soon as
     * everything has been sent back.
     */
    public CallbackEcho(EchoOptions options) throws NetparkException {
        CallbackServer.Builder builder = CallbackServer.builder()
                .loops(options.getLoops())
                .idleTimeout(options.getIdleTimeout().isZero() ? Due.INFINITE : options.getIdleTimeout())
                .onRequest((connection, in) -> connection.write(in));
        if (options.getTls() != null) {
            builder.tls(options.getTls());
        }
        server = builder.listen(options.getAddress());
        drain = options.getDrain();
    }

    @Override
    public SocketAddress getAddress() {
        return server.localAddress();
    }

    @Override
    public EventLoopGroup getGroup() {
        return server.group();
    }

    @Override
    public void close() {
        server.shutdown(Shutdown.within(drain).keepingIdle());
        server.close();
    }
}
