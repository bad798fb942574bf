package io.netpark.callback.socket;

import io.netpark.core.fd.Direction;
import io.netpark.core.fd.Waiter;
import io.netpark.core.loop.EventLoop;
import io.netpark.core.loop.Timer;
import io.netpark.core.net.listening.ListeningSocket;
import io.netpark.core.net.socket.SocketDescriptor;
import io.netpark.core.sys.AddressText;
import io.netpark.core.sys.NetparkException;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * Accepts connections for as long as the listener is open. On the listener's loop; a flood of connections is taken in
 * portions, so that those which are open are served between.
 *
 * @param <T> what is accepted
 */
public final class Acceptor<T extends SocketDescriptor> implements Waiter {

    private static final int ACCEPTS_A_TURN = 64;
    /** After an error that says nothing about when it will be over; the next pause is twice as long. */
    private static final long FIRST_PAUSE_MILLIS = 5;
    private static final long LONGEST_PAUSE_MILLIS = 1000;

    private final ListeningSocket<T> listener;
    private final Consumer<T> accepted;
    /** An accept was parked and wants to be retried. */
    private boolean parked;
    private long pauseMillis;
    /** Made in time: there may be no memory for it when accepting fails. */
    private final Timer again;

    public Acceptor(ListeningSocket<T> listener, Consumer<T> accepted) {
        this.listener = listener;
        this.accepted = accepted;
        this.again = listener.loop().newTimer(this);
    }

    public void start() {
        listener.loop().execute(this);
    }

    @Override
    public void run() {
        for (int accepts = 0; accepts < ACCEPTS_A_TURN; accepts++) {
            T connection;
            try {
                connection = parked ? listener.retryAccept() : listener.startAccept();
            } catch (NetparkException.Closed e) {
                return;
            } catch (Throwable e) { // a balancing that throws, say
                parked = false;
                if (listener.isClosed()) {
                    listener.loop().report("Accepting on " + AddressText.of(listener.localAddress()) + " has ended", e);
                    return;
                }
                pauseAfter(e);
                return;
            }
            parked = connection == null;
            if (connection != null) {
                pauseMillis = 0;
                pass(connection);
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

    private void pass(T connection) {
        try {
            accepted.accept(connection);
        } catch (Throwable e) { // OutOfMemoryError, say: one connection less, and not the end of accepting
            connection.close();
            listener.loop().report(connection + " was accepted and could not be served; it is closed", e);
        } finally {
            EventLoop.leaveUserCode(); // its first callback may have run; the next connection is another's
        }
    }

    private void pauseAfter(Throwable trouble) {
        boolean first = pauseMillis == 0;
        pauseMillis = first ? FIRST_PAUSE_MILLIS : Math.min(LONGEST_PAUSE_MILLIS, 2 * pauseMillis);
        again.arm(listener.loop().clock().after(TimeUnit.MILLISECONDS.toNanos(pauseMillis))); // before anything that may need memory
        if (first) {
            listener.loop().report("Accepting on " + AddressText.of(listener.localAddress()) + " failed; trying again", trouble);
        }
    }
}
