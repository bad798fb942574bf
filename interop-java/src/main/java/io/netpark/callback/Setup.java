package io.netpark.callback;

import io.netpark.core.loop.EventLoopGroup;
import io.netpark.core.net.SocketOptions;
import io.netpark.core.sys.NetparkException;
import java.time.Duration;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What the builders of a server and of a client have in common. NOT thread safe.
 *
 * @param <B> the builder itself
 */
public abstract sealed class Setup<B extends Setup<B>> permits CallbackServer.Builder, CallbackClient.Builder {

    private @Nullable EventLoopGroup group;
    private int loops;
    private Limits limits = Limits.DEFAULT;
    SocketOptions options = SocketOptions.DEFAULT;

    Setup() {}

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

    /** TCP options of the sockets. The default is {@link SocketOptions#DEFAULT}. */
    public B options(SocketOptions options) {
        this.options = Objects.requireNonNull(options, "options");
        return self();
    }

    /**
     * Backpressure: a connection with more than this many bytes of pending output is not read until half of them, the
     * low-water mark, or less are left. So a peer that does not read costs this much memory, plus what one request
     * callback writes, and no processor time. The default is 64 KiB.
     */
    public B highWaterMark(int bytes) {
        limits = new Limits(positive(bytes), limits.inputLimit(), limits.idleNanos());
        return self();
    }

    /**
     * How many bytes a request callback may leave unread: at this many the connection is not read until it takes some,
     * when it is called again by {@link CallbackConnection#requestAgain}. A message that a callback needs to see whole
     * must be shorter. A callback that waits for a longer one waits for ever, or until the idle timeout. The default
     * is 64 KiB.
     */
    public B inputLimit(int bytes) {
        limits = new Limits(limits.highWaterMark(), positive(bytes), limits.idleNanos());
        return self();
    }

    /**
     * Closes a connection on which no byte has moved in either direction for this long, with
     * {@link NetparkException.TimedOut} as the cause. Never early. Zero, the default, is for ever. Not TCP keepalive,
     * which {@link #options} has: that one finds peers that have vanished, this one those that are silent.
     */
    public B idleTimeout(Duration time) {
        limits = new Limits(limits.highWaterMark(), limits.inputLimit(), notNegativeNanos(time));
        return self();
    }

    Limits limits() {
        return limits;
    }

    boolean ownsGroup() {
        return group == null;
    }

    /** The group that was given, or a new one. */
    EventLoopGroup openGroup() throws NetparkException {
        if (group != null) {
            return group;
        }
        EventLoopGroup.Builder builder = EventLoopGroup.builder();
        return (loops > 0 ? builder.loops(loops) : builder).open();
    }

    private static int positive(int bytes) {
        if (bytes < 1) {
            throw new IllegalArgumentException("a limit must be positive, not " + bytes);
        }
        return bytes;
    }

    /** Half of what a long can count, which is 146 years, stands for anything longer. */
    static long notNegativeNanos(Duration time) {
        if (time.isNegative()) {
            throw new IllegalArgumentException("a time cannot be negative: " + time);
        }
        long most = Long.MAX_VALUE / 2;
        return time.compareTo(Duration.ofNanos(most)) >= 0 ? most : time.toNanos();
    }
}
