package io.netpark.core.net.options;

import io.netpark.core.linux.Linux;
import io.netpark.core.net.scratch.Scratch;
import io.netpark.core.sys.Errno;
import io.netpark.core.sys.LibC;
import io.netpark.core.sys.NetparkException;
import java.nio.ByteBuffer;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The system calls of options, getsockopt(2) and setsockopt(2), and which options are set on which socket before it is used.
 *
 * <p>For Netpark's own sockets.
 */
public final class OptionCalls {

    /** {@code struct tcp_info} as far as delivery_rate. An older kernel tells less; the rest is 0. */
    public static final NetOption<TcpInfo> TCP_INFO = NetOption.ofStruct(
            "TCP_INFO", Linux.IPPROTO_TCP, Linux.TCP_INFO, TcpInfo.SIZE, TcpInfo::read);
    /** {@code struct ucred}. */
    public static final NetOption<PeerCredentials> PEER_CREDENTIALS = NetOption.ofStruct(
            "SO_PEERCRED", Linux.SOL_SOCKET, Linux.SO_PEERCRED, PeerCredentials.SIZE, PeerCredentials::read);

    private static final int FAST_OPEN_BACKLOG = 256;
    /** Options of SOL_SOCKET that are of no use to a connection of unix. */
    private static final Set<NetOption<?>> ABOUT_TCP = Set.of(
            NetOption.KEEP_ALIVE, NetOption.REUSE_ADDRESS, NetOption.REUSE_PORT, NetOption.INCOMING_CPU);

    /** What a connection that is there already cannot be given, or does not need. */
    private static final Set<NetOption<?>> ABOUT_LISTENING = Set.of(NetOption.FAST_OPEN, NetOption.FAST_OPEN_CONNECT,
            NetOption.V6_ONLY, NetOption.REUSE_ADDRESS, NetOption.REUSE_PORT);

    private OptionCalls() {}

    // One option

    /**
     * setsockopt(2).
     *
     * @throws NetparkException naming the option and the value, if the kernel refuses it
     */
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

    /**
     * getsockopt(2).
     *
     * @throws NetparkException naming the option, if a socket of this kind does not have it
     */
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

    /** Whether reading the option takes the socket's pending error away (SO_ERROR), so that it has to be noted. */
    public static boolean takesError(NetOption<?> option) {
        return option.level() == Linux.SOL_SOCKET && option.number() == Linux.SO_ERROR;
    }

    // The options of a fresh socket

    /** Sets the options on a socket that will be connected, or has been accepted. */
    public static void apply(NetOptions options, LibC libc, int fd, int family) throws NetparkException {
        for (Map.Entry<NetOption<?>, Object> option : options.values().entrySet()) {
            apply(libc, fd, family, false, option.getKey(), option.getValue());
        }
    }

    /**
     * Sets the options on a socket that will listen.
     *
     * @param takesBoth whether it is a socket of IPv6 that takes IPv4 as well: it has the options of both
     */
    public static void applyToListener(NetOptions options, LibC libc, int fd, int family, boolean takesBoth) throws NetparkException {
        for (Map.Entry<NetOption<?>, Object> option : options.values().entrySet()) {
            if (option.getKey() != NetOption.FAST_OPEN_CONNECT) {
                apply(libc, fd, family, takesBoth, option.getKey(), option.getValue());
            } else if (!options.values().containsKey(NetOption.FAST_OPEN)) {
                apply(libc, fd, family, false, NetOption.FAST_OPEN, FAST_OPEN_BACKLOG);
            }
        }
    }

    /** Sets the options on a socket for datagrams, but for those of TCP. Otherwise as for a listener. */
    public static void applyToDatagrams(NetOptions options, LibC libc, int fd, int family, boolean takesBoth) throws NetparkException {
        for (Map.Entry<NetOption<?>, Object> option : options.values().entrySet()) {
            boolean streams = option.getKey().level() == Linux.IPPROTO_TCP || option.getKey() == NetOption.KEEP_ALIVE;
            if (!streams) {
                apply(libc, fd, family, takesBoth, option.getKey(), option.getValue());
            }
        }
    }

    @SuppressWarnings("unchecked") // NetOptions.with() has put a value in that fits
    private static void apply(LibC libc, int fd, int family, boolean takesBoth, NetOption<?> option, Object value)
            throws NetparkException {
        if (option.isOf(family) || takesBoth && option.isOf(Linux.AF_INET)) {
            set(libc, fd, (NetOption<Object>) option, value);
        }
    }

    // What a listener's sockets inherit

    /**
     * The options that a listener of a family must set on each socket that it accepts, as the kernel does not pass them on.
     *
     * @return null for none
     */
    public static @Nullable NetOptions notInherited(NetOptions options, int family) {
        NetOptions missing = options.only(family == Linux.AF_UNIX
                ? option -> option.level() == Linux.SOL_SOCKET && !ABOUT_TCP.contains(option)
                : option -> option == NetOption.PRIORITY);
        return missing.values().isEmpty() ? null : missing;
    }

    /** The options that a connection inherits from the TCP listener that it comes by. */
    public static NetOptions inherited(NetOptions options) {
        return options.only(option -> !ABOUT_LISTENING.contains(option));
    }
}
