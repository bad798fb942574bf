package io.netpark.core.net.dialing;

import io.netpark.core.loop.EventLoopGroup;
import io.netpark.core.net.address.Addresses;
import io.netpark.core.net.address.Dialable;
import io.netpark.core.net.options.NetOptions;
import io.netpark.core.sys.Due;
import io.netpark.core.tls.ClientTls;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.time.Duration;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Dials: looks names up, tries addresses, and gives the connection to the first that answers. Immutable, and safe for use by
 * any thread: each {@code with} returns a changed copy.
 *
 * <p>The addresses of a name are tried as RFC 8305 (Happy Eyeballs) has it: of either family in turn, beginning with the
 * resolver's first; the next one as soon as one fails, or after {@linkplain #withAttemptDelay 250 ms} beside it. The first
 * connection that is established wins, the others are closed. If all fail, the error names each address with its own cause, the
 * first 32 of them.
 */
public final class Dialer {

    /** RFC 8305, section 8. */
    private static final Duration ATTEMPT_DELAY = Duration.ofMillis(250);

    private final EventLoopGroup group;
    private final NetOptions options;
    private final Resolver resolver;
    private final long timeoutNanos;
    private final long attemptDelayNanos;
    private final @Nullable SocketAddress local;
    private final @Nullable ClientTls tls;

    private Dialer(EventLoopGroup group, NetOptions options, Resolver resolver, long timeoutNanos, long attemptDelayNanos,
            @Nullable SocketAddress local, @Nullable ClientTls tls) {
        this.group = group;
        this.options = options;
        this.resolver = resolver;
        this.timeoutNanos = timeoutNanos;
        this.attemptDelayNanos = attemptDelayNanos;
        this.local = local;
        this.tls = tls;
    }

    /** A dialer whose connections live on the loops of a group, with the defaults for everything else. */
    public static Dialer of(EventLoopGroup group) {
        return new Dialer(Objects.requireNonNull(group, "group"), NetOptions.DEFAULT, Resolver.SYSTEM, Due.FOREVER,
                ATTEMPT_DELAY.toNanos(), null, null);
    }

    /** What the sockets' options are before they connect. The default is {@link NetOptions#DEFAULT}. */
    public Dialer withOptions(NetOptions options) {
        return new Dialer(group, Objects.requireNonNull(options, "options"), resolver, timeoutNanos, attemptDelayNanos, local, tls);
    }

    /** What looks names up. The default is {@link Resolver#SYSTEM}. */
    public Dialer withResolver(Resolver resolver) {
        return new Dialer(group, options, Objects.requireNonNull(resolver, "resolver"), timeoutNanos, attemptDelayNanos, local, tls);
    }

    /**
     * The time limit of a dial in all, with the look-up. {@link Due#INFINITE}, the default, leaves it to the kernel, which gives an
     * address up after about two minutes; but a unix socket whose backlog is full is waited for without end. With zero or less a
     * dial waits for nothing: what is not connected at once, as a unix socket is, fails with
     * {@link io.netpark.core.sys.NetparkException.TimedOut}.
     */
    public Dialer withTimeout(Duration limit) {
        return new Dialer(group, options, resolver, Due.nanos(limit), attemptDelayNanos, local, tls);
    }

    /**
     * How long an address is tried alone, before the next is tried beside it. The default is 250 ms; zero tries all at once. An
     * address that is being tried has until the end of the dial.
     *
     * <p>With {@link Due#INFINITE} addresses are tried strictly one after another. Then each may take its share of the time that is
     * left (Go's rule: an equal share, but at least 2 s, or all there is), and the last one what is left. When the time is over the
     * dial fails with {@link io.netpark.core.sys.NetparkException.TimedOut}, whatever the others failed with.
     */
    public Dialer withAttemptDelay(Duration delay) {
        return new Dialer(group, options, resolver, timeoutNanos, Due.notNegativeNanos(delay, "attempt delay"), local, tls);
    }

    /**
     * Where connections come from. Addresses of another family are then not tried. Null, the default, leaves it to the kernel.
     *
     * @param address its port may be 0 for any; without a host, {@code new InetSocketAddress(port)}, it is of both families
     */
    public Dialer withLocalAddress(@Nullable SocketAddress address) {
        return new Dialer(group, options, resolver, timeoutNanos, attemptDelayNanos,
                address == null ? null : Addresses.ours(address), tls);
    }

    /**
     * How connections are encrypted: a dial ends with the handshake, which counts into its time and has a limit of its own. The name
     * that is dialed is the one that the server has to prove, and is told by SNI; of an address that is dialed, the address itself, or the
     * name that the JDK's object has. Null, the default, is for plain connections.
     */
    public Dialer withTls(@Nullable ClientTls tls) {
        return new Dialer(group, options, resolver, timeoutNanos, attemptDelayNanos, local, tls);
    }

    /**
     * Dials an address. Returns at once; called on an event loop of the group, the connection will live on that.
     *
     * @param remote an {@link InetSocketAddress}, whose name is looked up if it is unresolved, or a unix address
     * @param outcome told once how it ended, unless it is {@linkplain Dial#cancel cancelled}
     * @throws IllegalArgumentException if nobody can be dialed there: port 0, no path
     */
    public Dial dial(SocketAddress remote, Dial.Outcome outcome) {
        if (remote instanceof InetSocketAddress inet && inet.isUnresolved()) {
            return dial(inet.getHostString(), inet.getPort(), outcome);
        }
        return new Dial(this, outcome, Dialable.require(remote)).start();
    }

    /**
     * Dials a host by its name or IP literal; otherwise as {@link #dial(SocketAddress, Dial.Outcome)}.
     *
     * @param host {@code db.internal}, {@code 10.0.0.1}, {@code ::1}, {@code [::1]}, {@code fe80::1%eth0}; one with a port in it,
     *     such as {@code redis:6379}, fails without being looked up
     * @param port 1 to 65535
     */
    public Dial dial(String host, int port, Dial.Outcome outcome) {
        requireDialable(host, port);
        return new Dial(this, outcome, host, port).start();
    }

    /**
     * Throws an exception that says why, if nobody can be dialed at an address.
     *
     * @return the address; the JDK's unix address as Netpark's
     * @throws IllegalArgumentException its port is 0, it has no path, it is of a family that is not known
     */
    public static SocketAddress requireDialable(SocketAddress remote) {
        if (remote instanceof InetSocketAddress inet && inet.isUnresolved()) {
            requireDialable(inet.getHostString(), inet.getPort());
            return remote;
        }
        return Dialable.require(remote);
    }

    private static void requireDialable(String host, int port) {
        if (port < 1 || port > 65535) {
            throw new IllegalArgumentException("dial " + host + ": a port is a number from 1 to 65535, not " + port);
        }
        if (host.isEmpty()) {
            throw new IllegalArgumentException("dial port " + port + ": the host has no name");
        }
    }

    /** The event loops on which its connections live. */
    public EventLoopGroup group() {
        return group;
    }

    NetOptions options() {
        return options;
    }

    Resolver resolver() {
        return resolver;
    }

    /** {@link Due#FOREVER} for none, 0 or less to wait for nothing. */
    long timeoutNanos() {
        return timeoutNanos;
    }

    /** {@link Due#FOREVER} for one after another. */
    long attemptDelayNanos() {
        return attemptDelayNanos;
    }

    @Nullable ClientTls tls() {
        return tls;
    }

    @Nullable SocketAddress local() {
        return local;
    }
}
