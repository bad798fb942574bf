package io.netpark.callback.lifecycle;

import io.netpark.callback.futures.OneByOne;
import io.netpark.callback.futures.PlacedFuture;
import io.netpark.core.buffer.LinkBuffer;
import io.netpark.core.net.streams.HandshakeWait;
import io.netpark.core.sys.NetparkException;
import io.netpark.core.tls.Tls;
import io.netpark.core.tls.TlsSession;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * Begins TLS on a connection that was plain so far, as soon as nothing of it is in progress (STARTTLS).
 *
 * <pre>
 *   WAITING: input held, output asked for
 *      --no callback runs, nothing is read, and everything that was written before has been taken--> SHAKING
 *      --cancelled, or it cannot begin----------------------------------------------------------> OVER, and plain as before
 *   SHAKING
 *      --the handshake is over--------> OVER: both halves given back, the future is told
 *      --it fails, or is cancelled----> OVER: the connection has ended
 * </pre>
 *
 * <p>Loop's thread only, but for {@link #begin}.
 */
public final class Securing {

    private enum Phase { WAITING, SHAKING, OVER }

    private final Lifecycle connection;
    private final Tls tls;
    private final @Nullable String host;
    private final int port;
    private final PlacedFuture<TlsSession> future;
    private Phase phase = Phase.WAITING;
    private boolean hasInput;
    private boolean hasOutput;

    private Securing(Lifecycle connection, Tls tls, @Nullable String host, int port) {
        this.connection = connection;
        this.tls = tls;
        this.host = host;
        this.port = port;
        this.future = connection.limits().newFuture(connection.loop());
    }

    /**
     * From any thread.
     *
     * @throws IllegalStateException if it has TLS, or somebody else has its input
     */
    public static CompletableFuture<TlsSession> begin(Lifecycle connection, Tls tls, @Nullable String host, int port) {
        if (connection.core().hasTls()) {
            throw new IllegalStateException("start TLS on " + connection + ": it has TLS already");
        }
        Securing begun = new Securing(connection, tls, host, port);
        if (!connection.isUsable()) {
            begun.future.completeExceptionally(connection.ending().closed("start TLS on"));
            return begun.future;
        }
        if (!connection.input().hold()) {
            throw new IllegalStateException("start TLS on " + connection
                    + ": it is being copied from, or detached, or about to have TLS; wait for the end of that, or cancel it");
        }
        try {
            begun.start();
        } catch (Throwable e) { // no memory for a task
            connection.input().letGo();
            throw e;
        }
        return begun.future;
    }

    private void start() {
        connection.beginExchange(); // the peer waits for this side, until it is the peer's turn to say something over TLS
        future.whenComplete((session, failure) -> {
            if (failure != null) {
                OneByOne.onLoop(connection.loop(), this::giveUp); // cancelled, or it was failed here, and this is over
            }
        });
        connection.output().lend(granted -> {
            if (granted) {
                outputLent();
            } else {
                OneByOne.onLoop(connection.loop(), this::outputRefused);
            }
        });
        OneByOne.onLoop(connection.loop(), this::lendInput);
    }

    // Until nothing is in the way

    private void outputLent() {
        hasOutput = true;
        if (phase == Phase.OVER) {
            OneByOne.onLoop(connection.loop(), this::giveBackOutput);
        } else {
            shakeHandsIfReady();
        }
    }

    private void outputRefused() {
        if (phase == Phase.WAITING) {
            fail(connection.isUsable()
                    ? new NetparkException.Closed("start TLS on " + connection + ": its output has been shut down here")
                    : connection.ending().closed("start TLS on"));
        }
    }

    private void lendInput() {
        if (phase == Phase.OVER) {
            connection.input().letGo();
        } else if (connection.isOpen() && connection.delivery().isOut()) {
            connection.delivery().afterCall(this::lendInput);
        } else {
            connection.input().stop();
            hasInput = true;
            shakeHandsIfReady();
        }
    }

    private void shakeHandsIfReady() {
        if (!hasInput || !hasOutput) {
            return;
        }
        if (future.isDone()) {
            giveUp(); // the task that does so may be behind this
            return;
        }
        if (!connection.isUsable()) {
            fail(connection.ending().closed("start TLS on"));
            return;
        }
        try {
            startTls();
        } catch (NetparkException e) {
            failed(e);
            return;
        } catch (Throwable e) { // this side is not set up for it, and the peer knows nothing yet
            fail(e);
            return;
        }
        phase = Phase.SHAKING;
        new HandshakeWait(connection.core()) {
            @Override
            protected void established() {
                Securing.this.established();
            }

            @Override
            protected void failed(Throwable why) {
                Securing.this.failed(why);
            }
        }.begin();
    }

    /** What was read behind the last message of the plain part is the peer's first of TLS, and never data. */
    private void startTls() throws NetparkException {
        byte[] unread = connection.input().copyUnread();
        LinkBuffer ahead = connection.limits().newBuffer();
        try {
            ahead.put(unread);
            connection.core().startTls(tls, host, port, ahead);
        } finally {
            ahead.close();
        }
        connection.input().takeUnread();
    }

    // The end

    private void established() {
        if (phase == Phase.OVER) {
            return;
        }
        phase = Phase.OVER;
        TlsSession session = connection.core().tlsSession();
        future.tell(session); // first: what the callbacks are called with comes over TLS
        giveBack();
    }

    /** The core has closed it, in a way that lets the peer read why. */
    private void failed(Throwable why) {
        if (!(why instanceof NetparkException cause)) {
            connection.ending().failed("waiting for its TLS handshake failed", why);
            fail(why);
        } else if (connection.ending().endAfterHandshake(cause)) {
            fail(cause);
        } else {
            fail(connection.ending().closed("start TLS on"));
        }
    }

    private void fail(Throwable why) {
        if (phase == Phase.OVER) {
            return;
        }
        phase = Phase.OVER;
        giveBack();
        future.tellFailure(why);
    }

    private void giveUp() {
        if (phase == Phase.SHAKING) {
            connection.ending().endOrderly(
                    new NetparkException.Closed(connection + ": closed here, as its TLS handshake was cancelled"), 0);
        }
        if (phase != Phase.OVER) {
            phase = Phase.OVER;
            giveBack();
        }
    }

    private void giveBack() {
        giveBackOutput();
        if (hasInput) {
            hasInput = false;
            LinkBuffer nothing = connection.limits().newBuffer();
            connection.input().giveBack(nothing, false); // what was unread is so still, if TLS has not begun
            nothing.close();
        }
        connection.endExchange();
    }

    private void giveBackOutput() {
        if (hasOutput) {
            hasOutput = false;
            connection.output().giveBack(false);
        }
    }
}
