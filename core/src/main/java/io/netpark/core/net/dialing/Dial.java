package io.netpark.core.net.dialing;

import io.netpark.core.counting.Counters;
import io.netpark.core.loop.EventLoop;
import io.netpark.core.loop.Observer;
import io.netpark.core.loop.Timer;
import io.netpark.core.net.address.Addresses;
import io.netpark.core.net.streams.ConnectionDescriptor;
import io.netpark.core.report.DialFault;
import io.netpark.core.sys.AddressText;
import io.netpark.core.sys.Clock;
import io.netpark.core.sys.Due;
import io.netpark.core.sys.NetparkException;
import io.netpark.core.tls.ClientTls;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * One call of {@link Dialer#dial}, in progress. All of it happens on one event loop, where its connection will live; its
 * timer keeps that loop from retiring meanwhile.
 *
 * <pre>
 *   resolving --addresses--> attempts, one or several at a time --one is established--> DONE, connected
 *       |                            |                           --and there is TLS----> {@link Securing} --> DONE
 *       |                            --the last has failed----> DONE, failed
 *       +--no addresses-----------------------------------------> DONE, failed
 *   any of these --the time is over, or the loop closes--> DONE, failed
 *   any of these --cancel, from any thread---------------> CANCELLED, and the loop cleans up
 * </pre>
 */
public final class Dial {

    /** Is told how a dial ended. */
    public interface Outcome {

        /** Connected; called on the loop of the connection, which is the callee's from now on. */
        void connected(ConnectionDescriptor connection);

        /** Failed; nothing is left open. Called on an event loop, or by {@link Dialer#dial} itself if the loops are closed. */
        void failed(NetparkException cause);
    }

    private static final VarHandle STATE;

    static {
        try {
            STATE = MethodHandles.lookup().findVarHandle(Dial.class, "state", int.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private static final int OPEN = 0;
    private static final int DONE = 1;
    private static final int CANCELLED = 2;

    /** Go's rule: an address gets at least this, or all the time that is left. */
    private static final long LEAST_SHARE = TimeUnit.SECONDS.toNanos(2);
    /** How many addresses that fail at once are tried in one turn. */
    private static final int ATTEMPTS_A_TURN = 16;

    private final Dialer dialer;
    private final Outcome outcome;
    private final @Nullable String host;
    private final int port;
    private final Clock clock;
    private final long startNanos;
    private volatile EventLoop loop;

    private volatile int state = OPEN;

    // All of these belong to the loop's thread.
    private @Nullable Timer timer;
    /** The time for the next attempt; made when there are several addresses. */
    private @Nullable Timer next;
    /** The addresses of the host; null if an address was dialed. */
    private @Nullable LookUp lookUp;
    private List<SocketAddress> addresses;
    private int started;
    /** The next address is to be begun; and whether that is being done, further up the stack. */
    private boolean isDue;
    private boolean isStarting;
    private final List<Attempt> attempts = new ArrayList<>(1);
    /** The handshake of the attempt that was established; null before, and without TLS. */
    private @Nullable Securing securing;

    Dial(Dialer dialer, Outcome outcome, SocketAddress remote) {
        this(dialer, outcome, null, 0, List.of(remote));
    }

    Dial(Dialer dialer, Outcome outcome, String host, int port) {
        this(dialer, outcome, host, port, List.of());
    }

    private Dial(Dialer dialer, Outcome outcome, @Nullable String host, int port, List<SocketAddress> addresses) {
        this.dialer = dialer;
        this.clock = dialer.group().clock();
        this.startNanos = clock.nanoTime();
        this.outcome = outcome;
        this.host = host;
        this.port = port;
        this.addresses = addresses;
        this.loop = dialer.group().currentOrNext();
    }

    /**
     * Gives it up, from any thread: what is open is closed, by the loop.
     *
     * @return true if its outcome is never told; false if that has been told already, or is being told, or it was cancelled
     *     before
     */
    public boolean cancel() {
        if (!STATE.compareAndSet(this, OPEN, CANCELLED)) {
            return false;
        }
        loop.tryWake(this::cleanUp); // if the loop has ended, so has all that was on it
        return true;
    }

    Dial start() {
        // A task also on the loop itself: a program that dials whenever a dial has ended must not keep the loop from others.
        while (!loop.tryExecute(this::begin)) {
            if (dialer.group().isClosed() || !loop.isRetiring()) {
                fail(closed());
                return this;
            }
            loop = dialer.group().next(); // the other has retired at this moment
        }
        return this;
    }

    // On the loop, from here on

    private void begin() {
        if (state != OPEN) {
            return;
        }
        if (loop.isShutdown() && !dialer.group().isClosed() && loop.isRetiring()) {
            loop = dialer.group().next();
            start();
            return;
        }
        try {
            timer = loop.newTimer(this::timedOut, () -> fail(closed()));
            // Without a timeout it only waits for the end of its loop.
            timer.arm(Due.after(startNanos, dialer.timeoutNanos()));
            lookUp = host == null ? null : new LookUp(this, dialer.resolver(), loop, host);
        } catch (Throwable e) { // no memory
            fail(threw(e));
            return;
        }
        if (lookUp == null) {
            startNext();
        } else {
            lookUp.start();
        }
        if (dialer.timeoutNanos() <= 0 && state == OPEN) {
            timedOut();
        }
    }

    private NetparkException closed() {
        return new NetparkException.Closed(operation() + ": the event loop was closed");
    }

    private NetparkException threw(Throwable e) {
        NetparkException closed = new NetparkException.Closed(operation() + ": " + e);
        closed.initCause(e);
        return closed;
    }

    String operation() {
        return "connect to " + remote();
    }

    private String remote() {
        return host != null ? host + ":" + port : AddressText.of(addresses.get(0));
    }

    // Addresses

    /** The host has these addresses. */
    void found(List<InetAddress> found) {
        List<SocketAddress> ordered = new ArrayList<>(found.size());
        for (InetAddress address : AddressOrder.interleaved(found)) {
            ordered.add(new InetSocketAddress(Objects.requireNonNull(address, "an address of the resolver"), port));
        }
        addresses = ordered;
        startNext();
    }

    /** The host has no address that is known. */
    void notFound(Throwable cause) {
        fail(Addresses.unknownHost(operation(), host, cause));
    }

    boolean isOpen() {
        return state == OPEN;
    }

    private boolean isParallel() {
        return dialer.attemptDelayNanos() < Due.FOREVER;
    }

    /**
     * Begins with the next address. An attempt that fails at once asks for the next before this has returned: that one is begun in
     * the loop here, so that no stack grows with the number of addresses.
     */
    private void startNext() {
        isDue = true;
        if (isStarting) {
            return;
        }
        isStarting = true;
        try {
            for (int begun = 0; isDue && state == OPEN && started < addresses.size(); begun++) {
                if (begun == ATTEMPTS_A_TURN) {
                    loop.tryExecute(this::startNext); // if the loop has ended, so has this
                    return;
                }
                isDue = false;
                startOne();
            }
        } catch (Throwable e) { // no memory: nothing else may be left that would go on
            fail(threw(e));
        } finally {
            isStarting = false;
        }
    }

    private void startOne() {
        Attempt attempt = new Attempt(this, dialer, loop, addresses.get(started++));
        attempts.add(attempt);
        boolean more = started < addresses.size();
        if (next != null) {
            next.disarm();
        }
        if (more && (isParallel() || dialer.timeoutNanos() < Due.FOREVER)) { // the last has until the end
            if (next == null) {
                next = loop.newTimer(this::nextIsDue);
            }
            next.arm(clock.after(isParallel() ? dialer.attemptDelayNanos() : share()));
        }
        attempt.start();
    }

    private void nextIsDue() {
        if (isParallel()) {
            startNext();
        } else {
            Attempt last = attempts.get(attempts.size() - 1);
            last.end(new NetparkException.TimedOut(NetparkException.Timeout.CONNECT,
                    "connect to " + AddressText.of(last.remote) + ": no answer within its share of the time"));
        }
    }

    private long share() {
        return share(startNanos + dialer.timeoutNanos() - clock.nanoTime(), addresses.size() - started + 1);
    }

    /** Go's rule: what an address has of the time that is left for it and those after it. */
    static long share(long left, int addresses) {
        return Math.max(Math.min(LEAST_SHARE, left), left / addresses);
    }

    void attemptFailed() {
        if (state != OPEN) {
            return;
        }
        if (started < addresses.size()) {
            startNext();
        } else if (attempts.stream().allMatch(attempt -> attempt.failure != null)) {
            fail(Causes.all(attempts, operation()));
        }
    }

    private void timedOut() {
        String what = operation() + ": no connection within "
                + TimeUnit.NANOSECONDS.toMillis(dialer.timeoutNanos()) + " ms";
        NetparkException failure = new NetparkException.TimedOut(NetparkException.Timeout.CONNECT,
                securing != null ? what + ": connected, but the TLS handshake has not ended"
                        : lookUp != null && lookUp.isWaiting() ? what + ", and no address of " + host + " either: the resolver has not answered"
                        : addresses.size() > 1 ? what + ": " + Causes.text(attempts, addresses.size() - started) : what);
        Causes.suppress(attempts, failure);
        fail(failure);
    }

    // The end

    void fail(NetparkException cause) {
        if (STATE.compareAndSet(this, OPEN, DONE)) {
            cleanUpGuarded();
            tell(cause);
            try {
                outcome.failed(cause);
            } catch (Throwable e) {
                loop.report("What was to be told that " + operation() + " failed threw", e);
            }
        }
    }

    /** An attempt is established: the others are given up. */
    void established(ConnectionDescriptor connection) {
        ClientTls tls = dialer.tls();
        if (tls == null || state != OPEN) {
            connected(connection);
            return;
        }
        endAttempts();
        securing = new Securing(this, connection, tls);
        securing.start(host != null ? host : Securing.nameOf(addresses.get(0)), port(addresses.get(0)));
    }

    private int port(SocketAddress address) {
        return address instanceof InetSocketAddress inet ? inet.getPort() : -1;
    }

    /** Connected, and secured. */
    void connected(ConnectionDescriptor connection) {
        if (!STATE.compareAndSet(this, OPEN, DONE)) {
            connection.close();
            return;
        }
        cleanUpGuarded();
        tell(null);
        try {
            outcome.connected(connection);
        } catch (Throwable e) {
            connection.close();
            loop.report("What was to be told of " + connection + " threw; it is closed", e);
        }
    }

    /** Counts it, and tells an observer. The outcome is told in any case. */
    private void tell(@Nullable NetparkException failure) {
        EventLoop last = loop;
        try {
            Counters counters = last.counters();
            if (counters != null) {
                count(counters, failure);
            }
            Observer observer = last.observer();
            if (observer != null) {
                Duration took = Duration.ofNanos(clock.nanoTime() - startNanos);
                last.tell(() -> observer.dialed(last, remote(), took, failure));
            }
        } catch (Throwable e) { // no memory
            last.report("It was not counted that a dial has ended", e); // no text is made here
        }
    }

    private void count(Counters counters, @Nullable NetparkException failure) {
        if (failure == null) {
            counters.dialed(clock.nanoTime() - startNanos);
        } else {
            counters.dialFailed(DialFault.of(failure));
        }
    }

    /** The outcome is told in any case. */
    private void cleanUpGuarded() {
        try {
            cleanUp();
        } catch (Throwable e) { // the future of a user's resolver, say
            loop.report("Something is left of a dial that has ended", e);
        }
    }

    private void cleanUp() {
        endAttempts();
        if (securing != null) {
            securing.close();
        }
        if (timer != null) {
            timer.disarm();
        }
        if (lookUp != null) {
            lookUp.cancel();
        }
    }

    private void endAttempts() {
        for (Attempt attempt : attempts) {
            attempt.close();
        }
        if (next != null) {
            next.disarm();
        }
    }
}
