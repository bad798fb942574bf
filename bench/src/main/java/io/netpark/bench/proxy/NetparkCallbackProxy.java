package io.netpark.bench.proxy;

import io.netpark.callback.CallbackClient;
import io.netpark.callback.CallbackConnection;
import io.netpark.callback.CallbackServer;
import io.netpark.callback.Callbacks;
import io.netpark.core.loop.EventLoopGroup;
import io.netpark.core.sys.NetparkException;
import java.net.InetSocketAddress;

/** Netpark's callback API: one event loop, {@code relay}. */
final class NetparkCallbackProxy implements BenchProxy {

    private static final Callbacks NONE = Callbacks.builder().build();

    private final EventLoopGroup group = EventLoopGroup.builder().loops(1).open();
    private final CallbackClient dialer = CallbackClient.builder().group(group).open();

    NetparkCallbackProxy() throws NetparkException {}

    @Override
    public int start(InetSocketAddress upstream) throws NetparkException {
        return CallbackServer.builder().group(group)
                .onConnect(client -> {
                    client.pauseReading();
                    dialer.dial(upstream, NONE).whenComplete((connection, failure) -> {
                        if (failure == null) {
                            relay(client, connection);
                        } else {
                            client.close();
                        }
                    });
                })
                .ignoreInput()
                .listen("127.0.0.1", 0).port();
    }

    /** It closes both, at its end and upon a failure. */
    private static void relay(CallbackConnection client, CallbackConnection upstream) {
        client.relay(upstream);
        client.resumeReading();
    }
}
