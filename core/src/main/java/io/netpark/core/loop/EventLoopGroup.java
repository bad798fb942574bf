package io.netpark.core.loop;

import io.netpark.core.counting.Counters;
import io.netpark.core.counting.Totals;
import io.netpark.core.inspection.Dump;
import io.netpark.core.inspection.Inspector;
import io.netpark.core.inspection.Subject;
import io.netpark.core.poll.Poller;
import io.netpark.core.report.GroupConnections;
import io.netpark.core.report.GroupHealth;
import io.netpark.core.report.GroupSnapshot;
import io.netpark.core.report.PeerFault;
import io.netpark.core.report.Ration;
import io.netpark.core.report.Reporter;
import io.netpark.core.report.Withheld;
import io.netpark.core.sys.Binding;
import io.netpark.core.sys.Clock;
import io.netpark.core.sys.Due;
import io.netpark.core.sys.LibC;
import io.netpark.core.sys.NetparkException;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * Event loops, and the choice of one for a new descriptor. Several groups can live in a process. Every method may be called
 * by any thread.
 */
public final class EventLoopGroup implements AutoCloseable {

    /** How long a look takes at most, unless something else is said. */
    private static final Duration LOOK = Duration.ofSeconds(2);

    private final Roster roster;
    private final Balancing balancing;
    private final Clock clock;
    private final @Nullable Watchdog watchdog;
    private final Inspector inspector;

    private EventLoopGroup(Roster.Starter starter, String name, Builder builder) throws NetparkException {
        this.roster = new Roster(starter, builder.metrics ? new Totals(name) : null);
        this.balancing = builder.balancing;
        this.clock = builder.clock;
        this.inspector = new Inspector(clock);
        this.watchdog = builder.watchdogNanos == Due.FOREVER ? null
                : new Watchdog(name + "-watchdog", clock, builder.watchdogNanos, builder.observer, roster::all);
        roster.resize(builder.loops);
        try {
            if (watchdog != null) {
                watchdog.start();
            }
        } catch (Throwable e) { // no thread to be had
            close();
            throw e;
        }
    }

    /** A group as it is unless told otherwise. */
    public static Builder builder() {
        return new Builder();
    }

    /** The loops that get new descriptors, in the order of their numbers. The list never changes; a resized group has another. */
    public List<EventLoop> loops() {
        return roster.active();
    }

    /** The loop for a new descriptor, which the {@link Balancing} chooses. */
    public EventLoop next() {
        return next(0);
    }

    /** As {@link #next()}, for a connection that is accepted; see {@link Balancing#choose}. */
    public EventLoop next(int source) {
        return balancing.choose(loops(), source);
    }

    /** The loop that never retires, however small the group becomes: for what lives as long as a server. */
    public EventLoop first() {
        return loops().get(0);
    }

    /** The loop whose thread is calling, if it is of this group, otherwise the one for a new descriptor. */
    public EventLoop currentOrNext() {
        EventLoop current = EventLoop.current();
        return current != null && loops().contains(current) ? current : next();
    }

    /** The time of its loops, and their chance. */
    public Clock clock() {
        return clock;
    }

    /** Opens something that lives on a loop. */
    @FunctionalInterface
    public interface Opening<T> {
        /** @throws NetparkException.Closed if the loop is closed; then this has had no effect */
        T on(EventLoop loop) throws NetparkException;
    }

    /** Opens something on the loop of {@link #currentOrNext}, and on another loop if that has retired at this moment. */
    public <T> T place(Opening<T> opening) throws NetparkException {
        while (true) {
            EventLoop loop = currentOrNext();
            try {
                return opening.on(loop);
            } catch (NetparkException.Closed e) {
                if (isClosed() || !loop.isRetiring()) {
                    throw e;
                }
            }
        }
    }

    /** Whether {@link #close} has been called. */
    public boolean isClosed() {
        return roster.isClosed();
    }

    // The number of loops

    /**
     * Changes the number of loops. New loops get connections at once. Surplus loops, those with the highest numbers, get no more
     * connections. Each ends by itself when its last connection, task and timer have gone, however long that takes. Connections do
     * not move between loops. (A listener on a surplus loop stays there, and keeps the loop.)
     *
     * <p>A coroutine that outlives its connection on the dispatcher of a loop that has ended is cancelled.
     *
     * @param count at least 1
     * @throws NetparkException if there are no descriptors or no memory for new ones; the number is as before
     * @throws IllegalStateException if the group is closed
     */
    public void resize(int count) throws NetparkException {
        Builder.requireOne(count);
        roster.resize(count);
    }

    /** The loops that {@link #resize} has given up and that have not ended. */
    public List<EventLoop> retiring() {
        return roster.retiring();
    }

    // What can be seen

    /**
     * What the loops have counted up to now. Costs a look at every descriptor.
     *
     * @throws IllegalStateException if {@link Builder#metrics} is off
     */
    public GroupSnapshot snapshot() {
        return roster.snapshot();
    }

    /** As {@link #connections(Duration)}, for at most two seconds. */
    public GroupConnections connections() {
        return connections(LOOK);
    }

    /**
     * Looks at every connection, those of loops that retire too: peer, age, bytes, pending output, deadlines, and where its handler is
     * parked. Each loop looks at its own connections by tasks of 64 of them, and serves others in between. A connection of TCP costs a
     * system call. Texts and the lines of coroutines are made here, after the loops have told, and that takes as long as it takes. An
     * interrupt does not cut this short, and the thread stays interrupted.
     *
     * @param limit how long the loops may take: what they have not told by then is left out, and they are named
     * @throws IllegalStateException on an event loop, which would wait for itself
     * @throws IllegalArgumentException if the limit is not positive
     */
    public GroupConnections connections(Duration limit) {
        return inspector.connections(subjects(), nanos(limit));
    }

    /** As {@link #health(Duration)}, for at most two seconds. */
    public GroupHealth health() {
        return health(LOOK);
    }

    /**
     * Looks whether the loops turn and the listeners accept, and how many descriptors are left. Each loop gets a task, and a loop is well
     * that has run it in time. An interrupt does not cut this short, and the thread stays interrupted.
     *
     * @param limit how long the loops may take
     * @throws IllegalStateException on an event loop, which would wait for itself
     * @throws IllegalArgumentException if the limit is not positive
     */
    public GroupHealth health(Duration limit) {
        return inspector.health(subjects(), failure(), nanos(limit));
    }

    /**
     * What {@link #health()} and {@link #connections()} find, as text, in the way of a thread dump. For people: it may change. These are two
     * looks, and each waits two seconds at most for loops. An interrupt does not cut them short.
     *
     * @throws IllegalStateException on an event loop, which would wait for itself
     */
    public String dump() {
        return Dump.of(health(), connections());
    }

    private List<Subject> subjects() {
        EventLoop current = EventLoop.current();
        if (current != null) {
            throw new IllegalStateException("look at " + this + " on " + current + ": an event loop would wait for itself, or for one"
                    + " that waits for it; ask on another thread");
        }
        return roster.all().stream().map(EventLoop::subject).toList();
    }

    private static long nanos(Duration limit) {
        return Due.timeoutNanos(limit, "time that loops have to answer");
    }

    /**
     * Closes every loop, those that retire too, as {@link EventLoop#close} does. Waits until their threads have ended, unless
     * called on an event loop.
     */
    @Override
    public void close() {
        List<EventLoop> all = roster.close();
        if (watchdog != null) {
            watchdog.end();
        }
        all.forEach(EventLoop::shutdown); // all at once, then wait
        all.forEach(EventLoop::close);
    }

    /**
     * Waits until every loop has ended, those that retire too: by {@link #close}, or by a failure, which {@link #failure} returns.
     * For the main thread of a server, whose exit status says how the server has ended.
     *
     * @return false if the time is over before
     * @throws IllegalStateException on a loop of this group, which would wait for itself
     */
    public boolean awaitTermination(Duration time) throws InterruptedException {
        long end = clock.after(time);
        for (EventLoop loop : roster.all()) {
            if (!loop.awaitTermination(end - clock.nanoTime(), TimeUnit.NANOSECONDS)) {
                return false;
            }
        }
        return true;
    }

    /** Why a loop of this group has failed, and has ended or is about to end; null if none has failed. */
    public @Nullable Throwable failure() {
        return roster.failure();
    }

    @Override
    public String toString() {
        return loops().toString();
    }

    /** What a group is made of. */
    public static final class Builder {

        private static final AtomicInteger GROUPS = new AtomicInteger();

        private int loops = Math.max(1, Runtime.getRuntime().availableProcessors() / 2);
        private @Nullable String name;
        private boolean daemon;
        private @Nullable LibC libc;
        private Clock clock = Clock.SYSTEM;
        private Poller.Factory pollers = Poller.EPOLL;
        private Reporter reporter = Reporter.LOG;
        private int reportLimit = Ration.DEFAULT_LIMIT;
        private Balancing balancing = Balancing.roundRobin();
        private int[] processors = {};
        private boolean metrics;
        private @Nullable Observer observer;
        private long watchdogNanos = Due.nanos(Watchdog.DEFAULT_LIMIT);

        private Builder() {}

        /** How many loops, at least 1. The default is half the processors: the kernel needs the other half. */
        public Builder loops(int loops) {
            requireOne(loops);
            this.loops = loops;
            return this;
        }

        private static void requireOne(int loops) {
            if (loops < 1) {
                throw new IllegalArgumentException("a group needs at least one loop, not " + loops);
            }
        }

        /** Prefix of the threads' names. The default is {@code netpark-} and a number. */
        public Builder name(String name) {
            this.name = name;
            return this;
        }

        /** Whether the JVM may exit while loops run. The default is false: a server keeps its process alive. */
        public Builder daemon(boolean daemon) {
            this.daemon = daemon;
            return this;
        }

        /** How loops are chosen for connections. The default is {@link Balancing#roundRobin}. */
        public Builder balancing(Balancing balancing) {
            this.balancing = Objects.requireNonNull(balancing, "balancing");
            return this;
        }

        /**
         * Binds each loop to a processor: the first loop to the first of these, and from the front again if there are more loops. If
         * the kernel refuses, that is reported, and the loop runs on any processor. The default is to bind none.
         *
         * @param processors numbers as in {@code /proc/cpuinfo}, 0 to 1023
         */
        public Builder affinity(int... processors) {
            for (int processor : processors) {
                if (processor < 0 || processor >= Affinity.MOST) {
                    throw new IllegalArgumentException(
                            "a processor has a number from 0 to " + (Affinity.MOST - 1) + ", not " + processor);
                }
            }
            this.processors = processors.clone();
            return this;
        }

        /** Whether loops count what they do, for {@link EventLoopGroup#snapshot}. The default is false, and costs nothing. */
        public Builder metrics(boolean on) {
            this.metrics = on;
            return this;
        }

        /** The observer of what happens; {@link Observer#all} joins several. The default is none. */
        public Builder observer(Observer observer) {
            this.observer = Objects.requireNonNull(observer, "observer");
            return this;
        }

        /**
         * Reports a callback, task or coroutine that holds its loop for longer than this, with its stack, once an episode. A
         * thread of its own looks four times in this time; the loops pay nothing. Time in which the whole process stood still
         * does not count. The default is 10 seconds.
         *
         * @param limit {@link Due#INFINITE} not to look, and to have no such thread
         * @throws IllegalArgumentException if it is not positive
         */
        public Builder watchdog(Duration limit) {
            this.watchdogNanos = Due.timeoutNanos(limit, "time that a loop may be held");
            return this;
        }

        /** The C library to call. The default is {@link Binding#defaultLibC}. */
        public Builder libc(LibC libc) {
            this.libc = libc;
            return this;
        }

        /** The time of the loops, and their chance. The default is {@link Clock#SYSTEM}; a test may have its own. */
        public Builder clock(Clock clock) {
            this.clock = Objects.requireNonNull(clock, "clock");
            return this;
        }

        /** What the loops wait with. The default is {@link Poller#EPOLL}. */
        public Builder pollers(Poller.Factory pollers) {
            this.pollers = pollers;
            return this;
        }

        /** The reporter, which is told of trouble. The default is {@link Reporter#LOG}. */
        public Builder reporter(Reporter reporter) {
            this.reporter = reporter;
            return this;
        }

        /**
         * How many reports of one kind the reporter is told as they come. The others are counted, and each 10 seconds one report, whose
         * cause is {@link Withheld}, tells how many they were, and the last of them. The group's end tells what was not told before.
         *
         * <p>Reports are of one kind if the same class of Netpark makes them, their causes are of one class, and these were thrown at the
         * same place; of a {@link NetparkException}, if errno, fault of TLS or timeout are the same. Of what peers do to connections
         * ({@link PeerFault}) one is told as it comes. A kind that has not come for 10 seconds is new again. The default is 5.
         *
         * @param most at least 1; {@link Integer#MAX_VALUE} tells the reporter all, those of peers too
         */
        public Builder reportLimit(int most) {
            if (most < 1) {
                throw new IllegalArgumentException("the first report of a kind is always told, so a limit is at least 1, not " + most);
            }
            this.reportLimit = most;
            return this;
        }

        /**
         * Starts the loops.
         *
         * @throws UnsupportedOperationException if Netpark cannot run here
         * @throws NetparkException if there are no descriptors or no memory for the pollers; none is left running
         */
        public EventLoopGroup open() throws NetparkException {
            ErrorPaths.prepare();
            Ration ration = new Ration(reporter, clock, reportLimit);
            ration.prepare();
            LibC calls = libc != null ? libc : Binding.defaultLibC();
            String prefix = name != null ? name : "netpark-" + GROUPS.incrementAndGet();
            // Copies: the builder may go on to other groups.
            boolean daemon = this.daemon;
            int[] processors = this.processors;
            Clock clock = this.clock;
            Poller.Factory pollers = this.pollers;
            boolean metrics = this.metrics;
            Observer observer = this.observer;
            return new EventLoopGroup(number -> {
                int processor = processors.length == 0
                        ? EventLoop.ANY_PROCESSOR : processors[number % processors.length];
                return EventLoop.open(prefix + "-loop-" + number, daemon, processor, calls, clock, pollers, ration,
                        metrics ? new Counters(clock) : null, observer);
            }, prefix, this);
        }
    }
}
