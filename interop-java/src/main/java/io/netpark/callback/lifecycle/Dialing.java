package io.netpark.callback.lifecycle;

import io.netpark.callback.futures.PlacedFuture;
import io.netpark.core.net.dialing.Dial;
import io.netpark.core.net.dialing.Dialer;
import io.netpark.core.net.streams.ConnectionDescriptor;
import io.netpark.core.sys.NetparkException;
import java.util.function.BiFunction;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A dial as a future has it. Ends with that, whoever completes it; the socket is then in use or closed.
 *
 * @param <C> the connection as users have it
 */
public final class Dialing<C> implements Dial.Outcome {

    private final PlacedFuture<C> future;

    private final Function<ConnectionDescriptor, C> connected;
    private final Function<C, Lifecycle> life;

    /**
     * @param connected makes the connection of an established core connection
     * @param life what is below a connection
     */
    public Dialing(PlacedFuture<C> future, Function<ConnectionDescriptor, C> connected, Function<C, Lifecycle> life) {
        this.future = future;
        this.connected = connected;
        this.life = life;
    }

    public PlacedFuture<C> future() {
        return future;
    }

    public void start(Dialer dialer, BiFunction<Dialer, Dial.Outcome, Dial> how) {
        Dial dial = how.apply(dialer, this);
        future.whenComplete((connection, failure) -> {
            if (failure != null) {
                dial.cancel(); // cancelled, or failed here
            }
        });
    }

    public void fail(String because) {
        future.tellFailure(new NetparkException.Closed("connect: " + because));
    }

    @Override
    public void connected(ConnectionDescriptor core) {
        if (future.isDone()) {
            core.close();
            return;
        }
        future.settle(core.loop());
        C connection;
        try {
            connection = connected.apply(core);
        } catch (Throwable e) { // no memory: who has called closes it, and reports
            future.tellFailure(e);
            throw e;
        }
        Lifecycle life = this.life.apply(connection);
        life.start(() -> {
            NetparkException failure = life.isOpen() ? null : life.ending().closed("connect");
            future.tell(() -> complete(connection, life, failure));
        });
    }

    private void complete(C connection, Lifecycle life, @Nullable NetparkException failure) {
        if (failure != null) {
            future.completeExceptionally(failure);
        } else if (!future.complete(connection)) {
            life.ending().end(null); // cancelled at the last moment
        }
    }

    @Override
    public void failed(NetparkException cause) {
        future.tellFailure(cause);
    }
}
