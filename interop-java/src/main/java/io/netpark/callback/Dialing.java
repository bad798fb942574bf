package io.netpark.callback;

import io.netpark.callback.futures.PlacedFuture;
import io.netpark.core.net.dialing.Dial;
import io.netpark.core.net.dialing.Dialer;
import io.netpark.core.net.streams.ConnectionDescriptor;
import io.netpark.core.sys.NetparkException;
import java.util.function.BiFunction;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** A dial as a future has it. Ends with that, whoever completes it; the socket is then in use or closed. */
final class Dialing implements Dial.Outcome {

    final PlacedFuture<CallbackConnection> future;

    private final Function<ConnectionDescriptor, CallbackConnection> connected;

    /** @param connected makes the connection of an established core connection */
    Dialing(PlacedFuture<CallbackConnection> future, Function<ConnectionDescriptor, CallbackConnection> connected) {
        this.future = future;
        this.connected = connected;
    }

    void start(Dialer dialer, BiFunction<Dialer, Dial.Outcome, Dial> how) {
        Dial dial = how.apply(dialer, this);
        future.whenComplete((connection, failure) -> {
            if (failure != null) {
                dial.cancel(); // cancelled, or failed here
            }
        });
    }

    void fail(String because) {
        future.tellFailure(new NetparkException.Closed("connect: " + because));
    }

    @Override
    public void connected(ConnectionDescriptor core) {
        if (future.isDone()) {
            core.close();
            return;
        }
        future.settle(core.loop());
        CallbackConnection connection;
        try {
            connection = connected.apply(core);
        } catch (Throwable e) { // no memory: who has called closes it, and reports
            future.tellFailure(e);
            throw e;
        }
        connection.life.start(() -> {
            NetparkException failure = connection.isOpen() ? null : connection.life.closed("connect");
            future.tell(() -> complete(connection, failure));
        });
    }

    private void complete(CallbackConnection connection, @Nullable NetparkException failure) {
        if (failure != null) {
            future.completeExceptionally(failure);
        } else if (!future.complete(connection)) {
            connection.close(); // cancelled at the last moment
        }
    }

    @Override
    public void failed(NetparkException cause) {
        future.tellFailure(cause);
    }
}
