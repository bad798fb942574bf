package io.netpark.core.net.options;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.function.Predicate;

/**
 * The options that a socket gets before it is bound or connected; buffer sizes, for one, take part in the handshake. Immutable: each
 * {@code with} returns a changed copy.
 *
 * <p>The options of a listener are also those of the connections that it accepts. For TCP the kernel sees to that, and it costs
 * nothing per connection: all options are inherited but {@link NetOption#QUICK_ACK}, {@link NetOption#DEFER_ACCEPT} and fast open,
 * which are about the beginning, and {@link NetOption#INCOMING_CPU}, which is about the listener. The kernel does not pass on
 * {@link NetOption#PRIORITY}, nor any option of a unix listener. Netpark then sets those of SOL_SOCKET on each accepted connection or
 * socket of sequenced packets, at the cost of a system call each. The defaults have no such option.
 *
 * <p>The defaults are Go's: no delay, and keepalive with 15 s to the first probe, 15 s between probes, and 9 probes. A socket ignores
 * options that its family does not have, such as TCP's options on a unix socket.
 */
public final class NetOptions {

    private static final Duration KEEPALIVE = Duration.ofSeconds(15);
    private static final int KEEPALIVE_PROBES = 9;

    /** The defaults. */
    public static final NetOptions DEFAULT = new NetOptions(Map.of())
            .with(NetOption.NO_DELAY, true)
            .withKeepAlive(true);

    private final Map<NetOption<?>, Object> values;

    private NetOptions(Map<NetOption<?>, Object> values) {
        this.values = values;
    }

    /** These options with one more, or with another value of one. */
    public <T> NetOptions with(NetOption<T> option, T value) {
        Map<NetOption<?>, Object> changed = new LinkedHashMap<>(values);
        changed.put(Objects.requireNonNull(option, "option"), Objects.requireNonNull(value, "value"));
        return new NetOptions(changed);
    }

    /** These options without one, whose value is then the kernel's. */
    public NetOptions without(NetOption<?> option) {
        Map<NetOption<?>, Object> changed = new LinkedHashMap<>(values);
        changed.remove(option);
        return new NetOptions(changed);
    }

    /** TCP_NODELAY: send small segments at once. On by default. */
    public NetOptions withNoDelay(boolean on) {
        return with(NetOption.NO_DELAY, on);
    }

    /** SO_KEEPALIVE: find out about a peer that has vanished. On by default. */
    public NetOptions withKeepAlive(boolean on) {
        return on
                ? withKeepAlive(KEEPALIVE, KEEPALIVE, KEEPALIVE_PROBES)
                : with(NetOption.KEEP_ALIVE, false).without(NetOption.KEEP_ALIVE_IDLE)
                        .without(NetOption.KEEP_ALIVE_INTERVAL).without(NetOption.KEEP_ALIVE_COUNT);
    }

    /**
     * SO_KEEPALIVE on, with the times that Linux has for it.
     *
     * @param idle silence before the first probe; in whole seconds, as is the next
     * @param interval between probes
     * @param count unanswered probes until the connection is given up
     */
    public NetOptions withKeepAlive(Duration idle, Duration interval, int count) {
        return with(NetOption.KEEP_ALIVE, true).with(NetOption.KEEP_ALIVE_IDLE, idle)
                .with(NetOption.KEEP_ALIVE_INTERVAL, interval).with(NetOption.KEEP_ALIVE_COUNT, count);
    }

    /** SO_SNDBUF in bytes, which the kernel doubles. 0, the default, leaves it to the kernel's auto-tuning. */
    public NetOptions withSendBuffer(int bytes) {
        return withBuffer(NetOption.SEND_BUFFER, bytes);
    }

    /** SO_RCVBUF in bytes, which the kernel doubles. 0, the default, leaves it to the kernel's auto-tuning. */
    public NetOptions withReceiveBuffer(int bytes) {
        return withBuffer(NetOption.RECEIVE_BUFFER, bytes);
    }

    private NetOptions withBuffer(NetOption<Integer> option, int bytes) {
        if (bytes < 0) {
            throw new IllegalArgumentException("a buffer size cannot be negative: " + bytes);
        }
        return bytes == 0 ? without(option) : with(option, bytes);
    }

    /** SO_REUSEPORT: several listeners on one port, among which the kernel spreads connections. Off by default. */
    public NetOptions withReusePort(boolean on) {
        return on ? with(NetOption.REUSE_PORT, true) : without(NetOption.REUSE_PORT);
    }

    /**
     * TCP fast open (RFC 7413): the first bytes of a client go with the SYN, if the server has given the client a cookie before.
     * Connecting then takes no time, and the first read or write fails if connecting does. A listener lets 256 such connections
     * wait. Needs the sysctl {@code net.ipv4.tcp_fastopen} (1 to dial, 2 to listen). Off by default.
     */
    public NetOptions withFastOpen(boolean on) {
        return on
                ? with(NetOption.FAST_OPEN_CONNECT, true)
                : without(NetOption.FAST_OPEN_CONNECT);
    }

    /** By option. */
    Map<NetOption<?>, Object> values() {
        return values;
    }

    /** A copy with those options only that pass a test. */
    NetOptions only(Predicate<NetOption<?>> kept) {
        Map<NetOption<?>, Object> some = new LinkedHashMap<>(values);
        some.keySet().removeIf(kept.negate());
        return new NetOptions(some);
    }

    @Override
    public String toString() {
        return values.toString();
    }
}
