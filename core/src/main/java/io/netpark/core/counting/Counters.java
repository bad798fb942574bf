package io.netpark.core.counting;

import io.netpark.core.report.DialFault;
import io.netpark.core.report.Dials;
import io.netpark.core.report.Durations;
import io.netpark.core.report.Handshakes;
import io.netpark.core.report.LoopSnapshot;
import io.netpark.core.report.PeerFault;
import io.netpark.core.report.PeerFaults;
import io.netpark.core.sys.Clock;
import io.netpark.core.sys.NetparkException.TlsFault;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.atomic.LongAdder;
import java.util.stream.Stream;

/**
 * What one event loop counts, if its group has metrics. The loop's thread counts what happens often in fields of its own, without
 * an atomic operation; other threads have other counters for the same. Any thread may take a {@linkplain #snapshot snapshot}.
 */
public final class Counters {

    private static final VarHandle LONGS = MethodHandles.arrayElementVarHandle(long[].class);
    private static final VarHandle TURN_BEGAN;

    static {
        try {
            TURN_BEGAN = MethodHandles.lookup().findVarHandle(Counters.class, "turnBegan", long.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    /** No instant: the loop has not begun a turn. */
    private static final long NEVER = Long.MIN_VALUE;

    // Written by the loop's thread only.
    private static final int BYTES_IN = 0;
    private static final int BYTES_OUT = 1;
    private static final int EVENTS = 2;
    private static final int TASKS = 3;
    private static final int PENDING_TIMERS = 4;
    private static final int COUNT = 5;

    /** A cache line before and after, as loops count side by side. */
    private static final int PADDING = 8;

    private final long[] own = new long[PADDING + COUNT + PADDING];
    private final OwnHistogram turns = new OwnHistogram();
    private final OwnHistogram delays = new OwnHistogram();
    private final OwnHistogram runs = new OwnHistogram();

    private final LongAdder bytesInElsewhere = new LongAdder();
    private final LongAdder bytesOutElsewhere = new LongAdder();
    private final LongAdder opened = new LongAdder();
    private final LongAdder closed = new LongAdder();
    private final LongAdder bytesDropped = new LongAdder();
    private final LongAdder refused = new LongAdder();
    private final LongAdder acceptPauses = new LongAdder();
    private final LongAdder wakeups = new LongAdder();
    private final LongAdder lent = new LongAdder();
    private final LongAdder copied = new LongAdder();
    /** By {@link PeerFault#ordinal}. */
    private final LongAdder[] peerFaults = Stream.generate(LongAdder::new).limit(PeerFault.values().length).toArray(LongAdder[]::new);
    private final LongAdder handlerFailures = new LongAdder();
    private final SharedHistogram handshakes = new SharedHistogram();
    private final LongAdder handshakesResumed = new LongAdder();
    private final LongAdder handshakesTimedOut = new LongAdder();
    /** By {@link TlsFault#ordinal}. */
    private final LongAdder[] tlsFaults = Stream.generate(LongAdder::new).limit(TlsFault.values().length).toArray(LongAdder[]::new);
    private final SharedHistogram dials = new SharedHistogram();
    /** By {@link DialFault#ordinal}. */
    private final LongAdder[] dialFaults = Stream.generate(LongAdder::new).limit(DialFault.values().length).toArray(LongAdder[]::new);
    private final SharedHistogram lookUps = new SharedHistogram();
    private final SharedHistogram lives = new SharedHistogram();
    private final Clock clock;

    /** When the turn began that the loop is in, or was in last. Written by the loop's thread only. */
    private long turnBegan = NEVER;
    // Of that turn. The loop's thread only.
    /** The last look at the clock. */
    private long looked;
    private long longestRun;
    private long longestDelay;

    /** Of a loop with this clock. */
    public Counters(Clock clock) {
        this.clock = clock;
    }

    private void add(int counter, long count) {
        long value = own[PADDING + counter]; // nobody else writes
        LONGS.setOpaque(own, PADDING + counter, value + count);
    }

    private long get(int counter) {
        return (long) LONGS.getOpaque(own, PADDING + counter);
    }

    /** Bytes have been read. */
    public void read(long bytes, boolean inLoop) {
        if (inLoop) {
            add(BYTES_IN, bytes);
        } else {
            bytesInElsewhere.add(bytes);
        }
    }

    /** Bytes have been written. */
    public void written(long bytes, boolean inLoop) {
        if (inLoop) {
            add(BYTES_OUT, bytes);
        } else {
            bytesOutElsewhere.add(bytes);
        }
    }

    /** Bytes were to be written, and will not be. */
    public void dropped(long bytes) {
        bytesDropped.add(bytes);
    }

    /** A send has lent its bytes to the kernel. */
    public void lent() {
        lent.increment();
    }

    /** The kernel has copied what so many sends had lent it. */
    public void copiedAfterAll(int sends) {
        copied.add(sends);
    }

    /** A connection is there: accepted, dialed or adopted. */
    public void opened() {
        opened.increment();
    }

    /** A connection is gone. */
    public void closed() {
        closed.increment();
    }

    /** A connection that is gone was established, and has lived so long. */
    public void lived(long nanos) {
        lives.record(nanos);
    }

    /** A dial has led to a connection. */
    public void dialed(long nanos) {
        dials.record(nanos);
    }

    /** A dial has failed. */
    public void dialFailed(DialFault fault) {
        dialFaults[fault.ordinal()].increment();
    }

    /** A resolver has answered a dial that waited for it. */
    public void lookedUp(long nanos) {
        lookUps.record(nanos);
    }

    /** A connection was accepted and reset. */
    public void refused() {
        refused.increment();
    }

    /** Descriptors or memory have run out: an episode has begun. */
    public void acceptPaused() {
        acceptPauses.increment();
    }

    /** A peer has ended its own connection so. */
    public void peerFault(PeerFault kind) {
        peerFaults[kind.ordinal()].increment();
    }

    /** A handler, or a callback, has failed, and not by what the peer did to its connection. */
    public void handlerFailed() {
        handlerFailures.increment();
    }

    /** A TLS handshake is over, and data can be exchanged. */
    public void handshake(long nanos, boolean resumed) {
        if (resumed) {
            handshakesResumed.increment();
        }
        handshakes.record(nanos); // last, as a snapshot reads it first: a handshake that is seen is seen with what it was
    }

    /** A TLS handshake was not over in time. */
    public void handshakeTimedOut() {
        handshakesTimedOut.increment();
    }

    /** A TLS handshake has failed. */
    public void handshakeFailed(TlsFault fault) {
        tlsFaults[fault.ordinal()].increment();
    }

    private Handshakes handshakes() {
        Durations finished = handshakes.read();
        return new Handshakes(finished, handshakesResumed.sum(), handshakesTimedOut.sum(), met(TlsFault.class, tlsFaults));
    }

    private Dials dials() {
        return new Dials(dials.read(), met(DialFault.class, dialFaults));
    }

    /** How often each of the kinds was met that were met at all. */
    private static <K extends Enum<K>> Map<K, Long> met(Class<K> kinds, LongAdder[] counts) {
        Map<K, Long> met = new EnumMap<>(kinds);
        for (K kind : kinds.getEnumConstants()) {
            long count = counts[kind.ordinal()].sum();
            if (count > 0) {
                met.put(kind, count);
            }
        }
        return met;
    }

    /** A thread has written the eventfd. */
    public void wokenUp() {
        wakeups.increment();
    }

    /** The poller has returned. */
    public void turnBegins(int events) {
        looked = clock.nanoTime();
        TURN_BEGAN.setOpaque(this, looked);
        longestRun = 0;
        longestDelay = 0;
        add(EVENTS, events);
    }

    /** How long ago, in nanoseconds, the loop's last turn began; 0 if there was none. Any thread. */
    public long sinceTurnBegan() {
        long began = (long) TURN_BEGAN.getOpaque(this);
        return began == NEVER ? 0 : clock.nanoTime() - began;
    }

    /** The loop is about to run what is woken. */
    public void runsBegin() {
        looked = clock.nanoTime();
    }

    /** The loop has run one of those that are woken, and goes on with the next at once. */
    public void ran() {
        long began = looked;
        looked = clock.nanoTime();
        longestDelay = began - turnBegan; // who comes later is later
        delays.record(longestDelay);
        runs.record(looked - began);
        longestRun = Math.max(longestRun, looked - began);
    }

    /**
     * The loop is about to wait again.
     *
     * @param looks whether the turn has gone on since the last look at the clock
     * @return how long it took, in nanoseconds
     */
    public long turnEnds(int pendingTimers, boolean looks) {
        long took = (looks ? clock.nanoTime() : looked) - turnBegan;
        turns.record(took);
        LONGS.setOpaque(own, PADDING + PENDING_TIMERS, (long) pendingTimers);
        return took;
    }

    /** How long what was woken held the loop at most in this turn, each for itself, in nanoseconds. */
    public long longestRun() {
        return longestRun;
    }

    /** How late the loop got in this turn to the last of what was woken, in nanoseconds. */
    public long longestDelay() {
        return longestDelay;
    }

    /** The loop has run so many tasks. */
    public void ranTasks(int count) {
        add(TASKS, count);
    }

    /**
     * All of it, and what the loop itself knows of this instant.
     *
     * @param loop the loop's name
     * @param descriptors watched now
     * @param parked operations that wait for readiness now
     * @param pendingTasks queued now
     */
    public LoopSnapshot snapshot(String loop, long descriptors, long parked, long pendingTasks) {
        long openedEver = opened.sum();
        return new LoopSnapshot(loop, Math.max(0, openedEver - closed.sum()), openedEver,
                get(BYTES_IN) + bytesInElsewhere.sum(), get(BYTES_OUT) + bytesOutElsewhere.sum(),
                bytesDropped.sum(), refused.sum(),
                new PeerFaults(met(PeerFault.class, peerFaults)), handlerFailures.sum(),
                handshakes(), dials(), lookUps.read(), lives.read(),
                acceptPauses.sum(), descriptors, parked, pendingTasks, get(TASKS), get(PENDING_TIMERS), wakeups.sum(),
                turns.read(), get(EVENTS), delays.read(), runs.read(), lent.sum(), copied.sum());
    }
}
