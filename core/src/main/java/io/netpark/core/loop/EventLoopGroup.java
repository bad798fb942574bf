package io.netpark.core.loop;

import io.netpark.core.poll.Poller;
import io.netpark.core.sys.Binding;
import io.netpark.core.sys.LibC;
import io.netpark.core.sys.NetparkException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/** A fixed number of event loops, and the choice of one for a new descriptor. Several groups can live in a process. */
public final class EventLoopGroup implements AutoCloseable {

    private final List<EventLoop> loops;
    private final AtomicInteger turn = new AtomicInteger();

    private EventLoopGroup(List<EventLoop> loops) {
        this.loops = List.copyOf(loops);
    }

    /** A group as it is unless told otherwise. */
    public static Builder builder() {
        return new Builder();
    }

    /** The loops, in the order of their numbers. */
    public List<EventLoop> loops() {
        return loops;
    }

    /** The next loop in turn. */
    public EventLoop next() {
        return loops.get(Math.floorMod(turn.getAndIncrement(), loops.size()));
    }

    /** The loop whose thread is calling, if it is of this group, otherwise the next in turn. */
    public EventLoop currentOrNext() {
        EventLoop current = EventLoop.current();
        return current != null && loops.contains(current) ? current : next();
    }

    /**
     * Closes every loop, as {@link EventLoop#close} does. Waits until their threads have ended, unless called on an
     * event loop.
     */
    @Override
    public void close() {
        loops.forEach(EventLoop::shutdown); // all at once, then wait
        loops.forEach(EventLoop::close);
    }

    @Override
    public String toString() {
        return loops.toString();
    }

    /** What a group is made of. */
    public static final class Builder {

        private static final AtomicInteger GROUPS = new AtomicInteger();

        private int loops = Math.max(1, Runtime.getRuntime().availableProcessors() / 2);
        private @Nullable String name;
        private boolean daemon;
        private @Nullable LibC libc;
        private Poller.Factory pollers = Poller.EPOLL;
        private Reporter reporter = Reporter.LOG;

        private Builder() {}

        /** How many loops, at least 1. The default is half the processors: the kernel needs the other half. */
        public Builder loops(int loops) {
            if (loops < 1) {
                throw new IllegalArgumentException("a group needs at least one loop, not " + loops);
            }
            this.loops = loops;
            return this;
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

        /** The C library to call. The default is {@link Binding#defaultLibC}. */
        public Builder libc(LibC libc) {
            this.libc = libc;
            return this;
        }

        /** What the loops wait with. The default is {@link Poller#EPOLL}. */
        public Builder pollers(Poller.Factory pollers) {
            this.pollers = pollers;
            return this;
        }

        /** Who is told of trouble. The default is {@link Reporter#LOG}. */
        public Builder reporter(Reporter reporter) {
            this.reporter = reporter;
            return this;
        }

        /**
         * Starts the loops.
         *
         * @throws UnsupportedOperationException if Netpark cannot run here
         * @throws NetparkException if there are no descriptors or no memory for the pollers; none is left running
         */
        public EventLoopGroup open() throws NetparkException {
            LibC calls = libc != null ? libc : Binding.defaultLibC();
            String prefix = name != null ? name : "netpark-" + GROUPS.incrementAndGet();
            List<EventLoop> started = new ArrayList<>();
            try {
                for (int i = 0; i < loops; i++) {
                    started.add(EventLoop.open(prefix + "-loop-" + i, daemon, calls, pollers, reporter));
                }
            } catch (NetparkException | RuntimeException | Error e) {
                started.forEach(EventLoop::close);
                throw e;
            }
            return new EventLoopGroup(started);
        }
    }
}
