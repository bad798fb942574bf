package io.netpark.bench.dial;

import io.netpark.callback.CallbackClient;
import io.netpark.callback.Callbacks;
import io.netpark.core.sys.NetparkException;
import java.net.InetSocketAddress;

/** Netpark's callback API: one client of one loop. */
final class NetparkCallbackDialer implements BenchDialer {

    private final Callbacks callbacks = Callbacks.builder().build();
    private final CallbackClient client;

    NetparkCallbackDialer() throws NetparkException {
        client = CallbackClient.builder().loops(1).dialer(dialer -> dialer.withOptions(NetparkOptions.SAME_FOR_ALL)).open();
    }

    @Override
    public void start(InetSocketAddress listener, Round round) {
        client.group().first().execute(() -> {
            for (int i = 0; i < Round.AT_A_TIME; i++) {
                next(listener, round);
            }
        });
    }

    private void next(InetSocketAddress listener, Round round) {
        if (!round.goesOn()) {
            return;
        }
        long start = System.nanoTime();
        client.dial(listener, callbacks).whenComplete((connection, failure) -> {
            if (failure != null) {
                round.failed(failure);
            } else {
                round.dialed(start);
                connection.close();
                // By way of the loop: on loopback a dial is often over when it has begun, so calling it here would recurse.
                connection.loop().execute(() -> next(listener, round));
            }
        });
    }
}
