package io.netpark.callback.lifecycle;

import io.netpark.core.loop.EventLoop;
import io.netpark.core.net.options.TcpInfo;
import io.netpark.core.sys.NetparkException;
import java.util.concurrent.TimeUnit;

/** Ends a connection of a server that shuts down, once it is between two requests. Loop's thread only. */
final class Drain {

    /** For whoever was sent everything, and may be sending the next request now. */
    private static final long LINGER_NANOS = TimeUnit.SECONDS.toNanos(2);
    private static final long LOOK_AGAIN_MILLIS = 10;

    private final Lifecycle connection;
    private final EventLoop loop;
    /** A task is scheduled that asks whether it is idle. */
    private boolean looksAgain;
    /** It was not idle when it was first looked at: it is finished, then, and not merely idle. */
    private boolean finishes;

    Drain(Lifecycle connection) {
        this.connection = connection;
        this.loop = connection.loop();
    }

    /**
     * Ends it if it is idle, and the kernel has nothing of it either. If there is a request in the socket, the poller is about to
     * tell of it, and this is asked again when it is answered. An answer that the peer's kernel has not got yet would go with a
     * reset, should another request come now.
     */
    void endIfIdle() {
        if (!isIdle()) {
            finishes = true;
            return;
        }
        boolean hasInput;
        try {
            hasInput = connection.core().peekInput() != 0;
        } catch (NetparkException | OutOfMemoryError e) { // what is broken ends by itself; but there may only be no memory now
            lookAgain();
            return;
        }
        if (hasInput) {
            finishes = true;
        } else if (!isAcknowledged()) {
            lookAgain();
        } else if (connection.ending().endOrderly(
                new NetparkException.Closed(connection + ": closed here, idle, as the server shuts down"), LINGER_NANOS)) {
            if (!finishes) {
                connection.owner().endedIdle();
            }
        }
    }

    /** Nothing is being asked, answered or told. A peer that has ended its stream waits for an answer still. */
    private boolean isIdle() {
        return connection.isOpen() && !isShakingHands() && !connection.hasExchanges() && !connection.delivery().isOut()
                && !connection.input().isPaused() && !connection.input().hasUnread() && !connection.input().isEnded()
                && connection.output().pendingBytes() == 0;
    }

    /** A client that has begun its TLS handshake ends it, and is asked for a request then; one that has said nothing is idle. */
    private boolean isShakingHands() {
        return connection.core().hasTls() && connection.core().tlsSession() == null && !connection.core().awaitsFirstWord();
    }

    private void lookAgain() {
        if (!looksAgain && !loop.isShutdown()) {
            looksAgain = true;
            loop.schedule(() -> {
                looksAgain = false;
                endIfIdle();
            }, LOOK_AGAIN_MILLIS, TimeUnit.MILLISECONDS);
        }
    }

    /** Whether the peer's kernel has everything; a unix socket's has it at once. */
    private boolean isAcknowledged() {
        try {
            TcpInfo info = connection.core().tcpInfo();
            return info.unacknowledged() == 0 && info.bytesNotSent() == 0;
        } catch (NetparkException | IllegalStateException e) {
            return true;
        } catch (OutOfMemoryError e) {
            return false; // asked again, it may be told
        }
    }
}
