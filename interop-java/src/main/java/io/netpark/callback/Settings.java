package io.netpark.callback;

import io.netpark.callback.state.Limits;
import io.netpark.core.buffer.SegmentPool;
import io.netpark.core.loop.ErrorPaths;
import io.netpark.core.loop.EventLoopGroup;
import io.netpark.core.net.options.NetOptions;
import io.netpark.core.sys.Due;
import io.netpark.core.sys.NetparkException;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * What the builders of a server and of a client have in common: users see it in them. NOT thread safe.
 *
 * @param <B> the builder itself
 */
abstract sealed class Settings<B extends Settings<B>> permits CallbackServer.Builder, CallbackClient.Builder {

    private @Nullable EventLoopGroup group;
    private int loops;
    private Consumer<EventLoopGroup.Builder> configure = builder -> {};
    private int highWaterMark = Limits.DEFAULT_BYTES;
    private long outputLimit = Long.MAX_VALUE;
    private int inputLimit;
    private @Nullable AtLimit atInputLimit;
    private long idleNanos;
    private long readNanos;
    private long writeNanos;
    private @Nullable SegmentPool pool;
    private @Nullable Workers workers;
    private @Nullable Executor completions;
    NetOptions options = NetOptions.DEFAULT;

    Settings() {}

    abstract B self();

    /**
     * Uses event loops that exist already and are not closed with what is built; several servers and clients may
     * share them. Takes precedence over {@link #loops}.
     */
    public B group(EventLoopGroup group) {
        this.group = Objects.requireNonNull(group, "group");
        return self();
    }

    /**
     * Starts this many event loops of its own, which are closed with what is built. Without {@link #group} and without
     * this there are as many as {@link EventLoopGroup.Builder#loops} says.
     */
    public B loops(int loops) {
        if (loops < 1) {
            throw new IllegalArgumentException("at least one event loop is needed, not " + loops);
        }
        this.loops = loops;
        return self();
    }

    /**
     * How its own event loops are made: their names, balancing, affinity, reporter and so on. Has no effect with a
     * {@link #group(EventLoopGroup) group} that is given.
     */
    public B loops(Consumer<EventLoopGroup.Builder> configure) {
        this.configure = Objects.requireNonNull(configure, "configure");
        return self();
    }

    /** TCP options of the sockets. The default is {@link NetOptions#DEFAULT}. */
    public B options(NetOptions options) {
        this.options = Objects.requireNonNull(options, "options");
        return self();
    }

    /**
     * Backpressure: a connection with more than this many bytes of pending output is not read until half of them, the
     * low-water mark, or less are left. So a peer that does not read costs this much memory, plus what one request
     * callback writes, and no processor time. The default is 64 KiB.
     */
    public B highWaterMark(int bytes) {
        highWaterMark = positive(bytes);
        return self();
    }

    /**
     * Closes a connection that has more than this many bytes of pending output, with
     * {@link NetparkException.LimitExceeded} as the cause. The default is no limit: {@link #highWaterMark} bounds what a
     * callback causes that answers requests, but not what others write without heeding what
     * {@link CallbackConnection#write(java.nio.ByteBuffer)} returns.
     */
    public B outputLimit(long bytes) {
        if (bytes < 1) {
            throw new IllegalArgumentException("a limit must be positive, not " + bytes);
        }
        outputLimit = bytes;
        return self();
    }

    /**
     * How many bytes a callback may leave unread, and so how long a message may be that it needs to see whole. Reaching
     * it, a connection is not read until the callback takes some bytes, when it is called again by
     * {@link CallbackConnection#requestAgain}; or it is closed: {@link #atInputLimit}. The default is 64 KiB for a request
     * callback, and 1 MiB for an input callback and for messages, or as much as a message of their
     * {@link io.netpark.core.framing.Framing} may need.
     */
    public B inputLimit(int bytes) {
        inputLimit = positive(bytes);
        return self();
    }

    /**
     * Closes a connection that has been idle for this long, with {@link NetparkException.TimedOut} ({@code IDLE}) as the cause.
     * Never early. The default is {@link Due#INFINITE}: none. For one connection: {@link CallbackConnection#setIdleTimeout}. TCP
     * keepalive is another thing, which {@link #options} has: keepalive finds peers that have vanished, and this timeout finds peers
     * that are silent.
     *
     * <p>A connection is idle while no byte moves in either direction, nor from the kernel to the peer, and this side is not at work.
     * This side is at work while a callback runs or waits for a {@linkplain #workers worker}, and while an
     * {@linkplain CallbackConnection#beginExchange exchange} is in progress. This side is not at work while a callback is in
     * {@link CallbackConnection#awaitInput}, during a copy or a relay, and while reading is paused without an exchange: such a
     * connection is idle if no byte moves. The event loop and workers make no difference.
     *
     * @throws IllegalArgumentException if it is not positive
     */
    public B idleTimeout(Duration time) {
        idleNanos = timeoutNanos(time, "idle timeout");
        return self();
    }

    /**
     * What happens at the {@link #inputLimit}. By default a request callback is waited for, and the connection of an input
     * callback is closed, with {@link NetparkException.LimitExceeded} as the cause.
     */
    public B atInputLimit(AtLimit what) {
        atInputLimit = Objects.requireNonNull(what, "what");
        return self();
    }

    /**
     * Closes a connection from which no byte has come for this long while it was being read, with
     * {@link NetparkException.TimedOut} ({@code READ}) as the cause. The default is {@link Due#INFINITE}: none. For one
     * connection: {@link CallbackConnection#setReadTimeout}.
     *
     * @throws IllegalArgumentException if it is not positive
     */
    public B readTimeout(Duration time) {
        readNanos = timeoutNanos(time, "read timeout");
        return self();
    }

    /**
     * Closes a connection whose pending output the kernel has taken no byte of for this long, with
     * {@link NetparkException.TimedOut} ({@code WRITE}) as the cause: the peer has stopped reading. The default is
     * {@link Due#INFINITE}: none. For one connection: {@link CallbackConnection#setWriteTimeout}.
     *
     * @throws IllegalArgumentException if it is not positive
     */
    public B writeTimeout(Duration time) {
        writeNanos = timeoutNanos(time, "write timeout");
        return self();
    }

    /**
     * Where memory for input and output comes from. The limit of the pool is one for all connections: at it, connections
     * are not read until others have given memory back, or are closed, as {@link SegmentPool.Builder#readersWait} says;
     * one that must keep output is closed. The default is
     * {@link SegmentPool#shared}.
     */
    public B segments(SegmentPool pool) {
        this.pool = Objects.requireNonNull(pool, "pool");
        return self();
    }

    /**
     * Runs the callbacks on workers, all but those that say otherwise. The default is the connection's event loop, on which callbacks
     * must not block. The caller closes the workers, after what is built here.
     */
    public B workers(Workers workers) {
        this.workers = Objects.requireNonNull(workers, "workers");
        return self();
    }

    /**
     * Where futures are completed, and so what is chained to them without an executor of its own is run. The default is the
     * connection's event loop, on which it must not block. What is chained to a future that is complete already runs there as
     * well, later. If the executor rejects, the loop is the place after all; if it throws anything else, that is reported, too.
     */
    public B completeOn(Executor executor) {
        this.completions = Objects.requireNonNull(executor, "executor");
        return self();
    }

    Limits limits() {
        return new Limits(highWaterMark, outputLimit, inputLimit,
                atInputLimit == null ? null : atInputLimit == AtLimit.CLOSE, idleNanos, readNanos, writeNanos,
                pool != null ? pool : SegmentPool.shared(), completions);
    }

    /** Null for the event loop. */
    @Nullable Workers workers() {
        return workers;
    }

    boolean ownsGroup() {
        return group == null;
    }

    /** The group that was given, or a new one. */
    EventLoopGroup openGroup() throws NetparkException {
        ErrorPaths.load(Settings.class, "io.netpark.callback");
        if (group != null) {
            return group;
        }
        EventLoopGroup.Builder builder = EventLoopGroup.builder();
        if (loops > 0) {
            builder.loops(loops);
        }
        configure.accept(builder);
        return builder.open();
    }

    private static int positive(int bytes) {
        if (bytes < 1) {
            throw new IllegalArgumentException("a limit must be positive, not " + bytes);
        }
        return bytes;
    }

    /** What is set as a timeout; 0 for none. */
    static long timeoutNanos(Duration time, String what) {
        long nanos = Due.timeoutNanos(time, what);
        return nanos >= Due.FOREVER ? 0 : nanos;
    }
}
