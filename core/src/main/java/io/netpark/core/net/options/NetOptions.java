package io.netpark.core.net.options;

import io.netpark.core.linux.Linux;
import io.netpark.core.net.scratch.Scratch;
import io.netpark.core.sys.Errno;
import io.netpark.core.sys.LibC;
import io.netpark.core.sys.NetparkException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What a socket's options are to be before it is bound or connected: buffer sizes take part in the handshake. Immutable: each
 * {@code with} returns a changed copy.
 *
 * <p>Those of a listener are what the connections have that it accepts. Of TCP the kernel sees to that, so they cost nothing per
 * connection: all are inherited but {@link NetOption#QUICK_ACK}, {@link NetOption#DEFER_ACCEPT} and fast open, which are
 * about the beginning, and {@link NetOption#INCOMING_CPU}, which is about the listener. The kernel does not pass on
 * {@link NetOption#PRIORITY}, and of a unix listener it passes on none: those of SOL_SOCKET are then set on each connection, or
 * socket of sequenced packets, when it is accepted, at the cost of a system call each. With the defaults there are none.
 *
 * <p>The defaults are Go's: no delay, keepalive with 15 s to the first probe, 15 s between probes, 9 of them. An option that
 * sockets of a family do not have is left out for them: TCP's, of a unix socket.
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

    /** With one more option, or another value of one. */
    public <T> NetOptions with(NetOption<T> option, T value) {
        Map<NetOption<?>, Object> changed = new LinkedHashMap<>(values);
        changed.put(Objects.requireNonNull(option, "option"), Objects.requireNonNull(value, "value"));
        return new NetOptions(changed);
    }

    /** As the kernel has it. */
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
     * TCP fast open (RFC 7413): what a client writes first goes with the SYN, where the server has given it a cookie before;
     * then connecting takes no time, and it is the first read or write that tells of a failure. A listener lets 256 such
     * connections wait. Needs the sysctl {@code net.ipv4.tcp_fastopen} (1 to dial, 2 to listen). Off by default.
     */
    public NetOptions withFastOpen(boolean on) {
        return on
                ? with(NetOption.FAST_OPEN_CONNECT, true)
                : without(NetOption.FAST_OPEN_CONNECT);
    }

    private static final int FAST_OPEN_BACKLOG = 256;
    /** Of SOL_SOCKET, and of no use to a connection of unix. */
    private static final Set<NetOption<?>> ABOUT_TCP = Set.of(
            NetOption.KEEP_ALIVE, NetOption.REUSE_ADDRESS, NetOption.REUSE_PORT, NetOption.INCOMING_CPU);

    /** What a connection that is there already cannot be given, or does not need. */
    private static final Set<NetOption<?>> ABOUT_LISTENING = Set.of(NetOption.FAST_OPEN, NetOption.FAST_OPEN_CONNECT,
            NetOption.V6_ONLY, NetOption.REUSE_ADDRESS, NetOption.REUSE_PORT);

    /** Sets them on a fresh socket that will be connected. */
    public void apply(LibC libc, int fd, int family) throws NetparkException {
        for (Map.Entry<NetOption<?>, Object> option : values.entrySet()) {
            apply(libc, fd, family, false, option.getKey(), option.getValue());
        }
    }

    /**
     * Sets them on a fresh socket that will listen.
     *
     * @param takesBoth whether it is one of IPv6 that takes IPv4 as well: it has the options of both
     */
    public void applyToListener(LibC libc, int fd, int family, boolean takesBoth) throws NetparkException {
        for (Map.Entry<NetOption<?>, Object> option : values.entrySet()) {
            if (option.getKey() != NetOption.FAST_OPEN_CONNECT) {
                apply(libc, fd, family, takesBoth, option.getKey(), option.getValue());
            } else if (!values.containsKey(NetOption.FAST_OPEN)) {
                apply(libc, fd, family, false, NetOption.FAST_OPEN, FAST_OPEN_BACKLOG);
            }
        }
    }

    /**
     * Those that a listener of a family must set on what it accepts, as the kernel does not pass them on.
     *
     * @return null for none
     */
    public @Nullable NetOptions notInherited(int family) {
        Map<NetOption<?>, Object> missing = new LinkedHashMap<>(values);
        if (family == Linux.AF_UNIX) {
            missing.keySet().removeIf(option -> option.level() != Linux.SOL_SOCKET || ABOUT_TCP.contains(option));
        } else {
            missing.keySet().removeIf(option -> option != NetOption.PRIORITY);
        }
        return missing.isEmpty() ? null : new NetOptions(missing);
    }

    /** Those that a connection inherits from the TCP listener that it comes by. */
    public NetOptions inherited() {
        Map<NetOption<?>, Object> inherited = new LinkedHashMap<>(values);
        inherited.keySet().removeAll(ABOUT_LISTENING);
        return new NetOptions(inherited);
    }

    /** Sets those on a fresh socket for datagrams that such a socket has: none of TCP's. Otherwise as for a listener. */
    public void applyToDatagrams(LibC libc, int fd, int family, boolean takesBoth) throws NetparkException {
        for (Map.Entry<NetOption<?>, Object> option : values.entrySet()) {
            boolean streams = option.getKey().level() == Linux.IPPROTO_TCP || option.getKey() == NetOption.KEEP_ALIVE;
            if (!streams) {
                apply(libc, fd, family, takesBoth, option.getKey(), option.getValue());
            }
        }
    }

    @SuppressWarnings("unchecked") // with() has put a value in that fits
    private static void apply(LibC libc, int fd, int family, boolean takesBoth, NetOption<?> option, Object value)
            throws NetparkException {
        if (option.isOf(family) || takesBoth && option.isOf(Linux.AF_INET)) {
            set(libc, fd, (NetOption<Object>) option, value);
        }
    }

    public static <T> void set(LibC libc, int fd, NetOption<T> option, T value) throws NetparkException {
        Scratch scratch = Scratch.take();
        int result;
        try {
            ByteBuffer memory = scratch.value(option.size());
            option.write(memory, value);
            do {
                result = libc.setsockopt(
                        fd, option.level(), option.number(), scratch.address(Scratch.VALUE), memory.position());
            } while (result == -Errno.EINTR);
        } finally {
            scratch.giveBack();
        }
        if (result < 0) {
            throw NetparkException.of(-result, "set " + option + " to " + value);
        }
    }

    public static <T> T get(LibC libc, int fd, NetOption<T> option) throws NetparkException {
        Scratch scratch = Scratch.take();
        try {
            ByteBuffer memory = scratch.value(option.size());
            scratch.memory().putInt(Scratch.LENGTH, option.size());
            int result;
            do {
                result = libc.getsockopt(fd, option.level(), option.number(),
                        scratch.address(Scratch.VALUE), scratch.address(Scratch.LENGTH));
            } while (result == -Errno.EINTR);
            if (result < 0) {
                throw NetparkException.of(-result, "get " + option);
            }
            memory.limit(Math.min(memory.capacity(), scratch.memory().getInt(Scratch.LENGTH)));
            return option.read(memory);
        } finally {
            scratch.giveBack();
        }
    }

    @Override
    public String toString() {
        return values.toString();
    }
}
