package io.netpark.callback.accepting;

import io.netpark.core.fd.Direction;
import io.netpark.core.fd.Waiter;
import io.netpark.core.loop.Timer;
import io.netpark.core.net.listening.ListeningSocket;
import io.netpark.core.net.serving.rules.AcceptPolicy;
import io.netpark.core.net.socket.SocketDescriptor;
import java.util.function.Consumer;

/**
 * Accepts connections for as long as the listener is open, as {@link AcceptPolicy} says. On the listener's loop; a flood of connections
 * is taken in portions, so that those that are open are served between.
 *
 * @param <T> what is accepted
 */
public final class Acceptor<T extends SocketDescriptor> implements Waiter {

    private final ListeningSocket<T> listener;
    private final Consumer<T> server;
    private final AcceptPolicy<T> policy;
    /** An accept was parked and wants to be retried. */
    private boolean parked;
    /** Made in time: there may be no memory for it when accepting fails. */
    private final Timer again;

    /** @param server takes over what is accepted */
    public Acceptor(ListeningSocket<T> listener, Consumer<T> server) {
        this.listener = listener;
        this.server = server;
        this.policy = new AcceptPolicy<>(listener);
        this.again = listener.loop().newTimer(this);
    }

    public void start() {
        listener.loop().execute(this);
    }

    @Override
    public void run() {
        for (int accepts = 0; accepts < AcceptPolicy.ACCEPTS_A_TURN; accepts++) {
            T accepted;
            try {
                accepted = parked ? listener.retryAccept() : listener.startAccept();
            } catch (Throwable e) {
                parked = false;
                failed(e);
                return;
            }
            parked = accepted == null;
            if (accepted != null) {
                policy.pass(accepted, server);
            } else if (listener.park(Direction.READ, this)) {
                return;
            }
        }
        try {
            listener.loop().tryExecute(this);
        } catch (OutOfMemoryError e) { // none for the task
            again.arm(listener.loop().clock().after(0));
            throw e;
        }
    }

    private void failed(Throwable error) {
        long pause = policy.failed(error);
        if (pause != AcceptPolicy.ENDED) {
            again.arm(listener.loop().clock().after(pause)); // before anything that may need memory
            policy.report(error);
        }
    }
}
