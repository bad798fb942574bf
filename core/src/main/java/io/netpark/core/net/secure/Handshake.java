package io.netpark.core.net.secure;

import io.netpark.core.counting.Counters;
import io.netpark.core.loop.EventLoop;
import io.netpark.core.loop.Observer;
import io.netpark.core.loop.Timer;
import io.netpark.core.poll.Interest;
import io.netpark.core.sys.Due;
import io.netpark.core.sys.NetparkException;
import io.netpark.core.sys.NetparkException.TlsFault;
import io.netpark.core.tls.Engines;
import io.netpark.core.tls.Tls;
import io.netpark.core.tls.TlsSession;
import java.io.IOException;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

/**
 * A TLS handshake in progress. It goes on by itself, on the event loop of its connection: each time the poller reports something, and each
 * time a task of the engine has ended, which runs elsewhere. A step then follows when its turn comes ({@link DueSteps}).
 *
 * <pre>
 *   waiting --the peer's bytes, room in the socket--> a step --NOTHING--> over: data can be exchanged
 *                                                       |  --INPUT, ROOM--> waiting
 *                                                       |  --TASK--> a task runs --its end, as a task of the loop--> a step
 *                                                       +--it fails--> over: the peer gets an alert, the connection is closed
 *   any of these --its time is over--> over, and closed
 *   any of these --the connection is closed--> over
 * </pre>
 *
 * <p>It goes on by the loop's queue after a task, never on the task's thread: so all steps are on one thread, and in order.
 */
public final class Handshake implements Runnable {

    private final SecureLayer layer;
    private final Carrier carrier;
    private final SecureStream stream;
    private final Tls tls;
    /** Nobody waits for it yet: an operator is told of its failure. */
    private final boolean reported;
    private final EventLoop loop;
    private final Timer timer;
    /** Loop's thread only, but for {@link #end}. */
    private volatile boolean over;
    /** Of {@link DueSteps}, as is the next. */
    boolean isDue;
    @Nullable Handshake next;

    Handshake(SecureLayer layer, boolean reported) {
        this.layer = layer;
        this.carrier = layer.carrier();
        this.stream = layer.stream();
        this.tls = layer.tls();
        this.reported = reported;
        this.loop = carrier.loop();
        this.timer = loop.newTimer(this::timedOut);
    }

    /** Begins, on whichever thread. */
    void start() {
        loop.wake(this::begin);
    }

    private void begin() {
        if (over) {
            return;
        }
        try {
            timer.arm(loop.clock().after(Due.nanos(tls.handshakeTimeout())));
        } catch (Throwable e) { // without a limit it might never end
            fail(SecureLayer.failure(new SSLException(e), operation()));
            return;
        }
        run();
    }

    EventLoop loop() {
        return loop;
    }

    /** There is something to go on with. On the loop; or on the thread of a task that has ended beside the loop's last turn. */
    @Override
    public void run() {
        if (over) {
            return;
        }
        if (!loop.inLoop()) {
            endWithLoop();
            return;
        }
        DueSteps due;
        try {
            due = DueSteps.of(loop);
        } catch (OutOfMemoryError e) { // it would never be gone on with
            fail(SecureLayer.failure(new SSLException(e), operation()));
            return;
        }
        due.add(this);
    }

    /** The loop is closed, and so is every connection on it: nothing is gone on with, and nobody may wait for that. On any thread. */
    private void endWithLoop() {
        end();
        carrier.close();
    }

    /** Goes on as far as it can. On the loop. */
    void step() {
        if (over || stream.isTasking() || !carrier.acquire()) {
            return;
        }
        try {
            switch (stream.handshake(layer)) {
                case INPUT -> carrier.askFor(Interest.READ);
                case ROOM -> carrier.askFor(Interest.WRITE);
                case TURN -> DueSteps.of(loop).add(this);
                case TASK -> runTask(layer, this);
                case NOTHING -> {
                    end();
                    try {
                        tellFinished();
                    } finally {
                        layer.established();
                    }
                }
            }
        } catch (SocketFailure e) {
            carrier.noteFailure(e.errno());
            fail(NetparkException.of(e.errno(), operation()));
        } catch (SSLException e) {
            failWithAlert(e);
        } catch (NetparkException e) {
            fail(e);
        } catch (RuntimeException e) { // the engine's, or a trust manager's
            failWithAlert(new SSLException(e));
        } catch (IOException | Error e) {
            fail(SecureLayer.failure(new SSLException(e), operation()));
        } finally {
            carrier.release();
        }
    }

    private void failWithAlert(SSLException e) {
        carrier.lingerOnClose(); // whoever closes it: others learn of the failure, or have closed it during this step
        try {
            stream.sendAlert(layer);
        } finally {
            fail(SecureLayer.failure(e, operation()));
        }
    }

    /**
     * Runs a task of an engine where such tasks run. On any thread: a reader may have met it.
     *
     * @param after run on the loop when it has ended
     */
    static void runTask(SecureLayer layer, Runnable after) {
        try {
            Engines.tasks(layer.tls(), layer.carrier().loop().clock()).execute(() -> runTaskHere(layer, after));
        } catch (Throwable e) { // it has to end, or nothing would; so that comes before a report, which may want memory
            runTaskHere(layer, after);
            layer.carrier().loop().report(
                    "The executor of TLS tasks has refused one; unless it runs it all the same, the thread that has asked for it does", e);
        }
    }

    private static void runTaskHere(SecureLayer layer, Runnable after) {
        if (layer.stream().runTask()) {
            layer.carrier().loop().wake(after);
        }
    }

    private String operation() {
        return "TLS handshake with " + carrier.peer();
    }

    private void timedOut() {
        fail(new NetparkException.TimedOut(NetparkException.Timeout.HANDSHAKE,
                operation() + ": not finished within " + Due.millis(tls.handshakeTimeout()) + " ms"));
    }

    private void fail(NetparkException why) {
        if (over) {
            return;
        }
        if (carrier.isClosed()) { // here, in the midst of a step: that is no failure of the peer's
            end();
            return;
        }
        try {
            end();
            tellFailed(why);
            if (reported && stream.hasReceived()) { // who only looks whether there is a port is no news
                loop.report("A client was turned away", why);
            }
        } finally {
            layer.failed(why);
        }
    }

    private void tellFinished() {
        TlsSession agreed = stream.session();
        assert agreed != null; // as it has ended well
        Counters counters = loop.counters();
        if (counters != null) {
            counters.handshake(agreed.handshake().toNanos(), agreed.resumed());
        }
        Observer observer = loop.observer();
        if (observer != null) {
            loop.tell(() -> observer.secured(loop, carrier.connection(), agreed.handshake(), agreed.protocol(), agreed.resumed()));
        }
    }

    private void tellFailed(NetparkException why) {
        if (!(why instanceof NetparkException.TimedOut)) {
            countFailed(loop, why instanceof NetparkException.TlsFailure known ? known.fault() : TlsFault.ENDED); // it was reset
        } else {
            countTimedOut();
        }
        Observer observer = loop.observer();
        if (observer != null) {
            loop.tell(() -> observer.notSecured(loop, carrier.connection(), stream.sinceBeginning(), why));
        }
    }

    private void countTimedOut() {
        Counters counters = loop.counters();
        if (counters != null) {
            counters.handshakeTimedOut();
        }
    }

    /** TLS has failed on a connection of this loop. */
    public static void countFailed(EventLoop loop, TlsFault fault) {
        Counters counters = loop.counters();
        if (counters != null) {
            counters.handshakeFailed(fault);
        }
    }

    /** Over. On any thread. */
    void end() {
        over = true;
        timer.disarm();
    }
}
