package io.netpark.simulation.socket;

import io.netpark.core.linux.Linux;
import io.netpark.core.sys.Errno;
import io.netpark.simulation.description.Failure;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;

/**
 * The options of a socket that can be set, and their values. Most are only kept: those that do something are the sizes of the buffers,
 * SO_REUSEADDR, SO_REUSEPORT, SO_LINGER, SO_ZEROCOPY and IPV6_V6ONLY.
 */
final class SocketOptions {

    /** The kernel's SOCK_MIN_SNDBUF and SOCK_MIN_RCVBUF. */
    private static final int LEAST_SEND_BUFFER = 4608;
    private static final int LEAST_RECEIVE_BUFFER = 2304;
    /** net.core.wmem_max and rmem_max, whose default is also that of the buffers of all sockets but TCP's. */
    private static final int MOST_BUFFER = 212_992;
    /** The second values of net.ipv4.tcp_wmem and tcp_rmem. */
    private static final int TCP_SEND_BUFFER = 16_384;
    private static final int TCP_RECEIVE_BUFFER = 131_072;
    /** How far packets go unless they are told otherwise (ip(7), IP_TTL). */
    private static final int HOPS = 64;
    /** What auto-tuning makes of the buffer for sending as soon as there is a connection over loopback. */
    private static final int TUNED_SEND_BUFFER = 2_626_560;
    private static final Set<String> CONGESTION = Set.of("cubic", "reno");
    private static final int OFF = 0;
    private static final int ON = 1;

    /** What its level and number stand for, so that it is not another option. */
    private final Map<Long, byte[]> values = new HashMap<>();

    /** The program has said how large the buffer for sending is. */
    private boolean sendBufferSet;

    private SocketOptions() {}

    /** The options of a fresh socket, with the kernel's defaults. */
    static SocketOptions of(int domain, int type) {
        SocketOptions options = new SocketOptions();
        boolean tcp = domain != Linux.AF_UNIX && type == Linux.SOCK_STREAM;
        options.addSocket(tcp);
        if (tcp) {
            options.addTcp();
        }
        if (domain != Linux.AF_UNIX) {
            options.addIp();
        }
        if (domain == Linux.AF_INET6) {
            options.addIpv6();
        }
        return options;
    }

    private void addSocket(boolean tcp) {
        for (int flag : new int[] {Linux.SO_REUSEADDR, Linux.SO_BROADCAST, Linux.SO_KEEPALIVE, Linux.SO_PRIORITY, Linux.SO_REUSEPORT,
                Linux.SO_MARK, Linux.SO_BUSY_POLL, Linux.SO_ZEROCOPY}) {
            put(Linux.SOL_SOCKET, flag, OFF);
        }
        put(Linux.SOL_SOCKET, Linux.SO_INCOMING_CPU, -1);
        put(Linux.SOL_SOCKET, Linux.SO_LINGER, OFF, 0);
        put(Linux.SOL_SOCKET, Linux.SO_SNDBUF, tcp ? TCP_SEND_BUFFER : MOST_BUFFER);
        put(Linux.SOL_SOCKET, Linux.SO_RCVBUF, tcp ? TCP_RECEIVE_BUFFER : MOST_BUFFER);
    }

    private void addTcp() {
        for (int flag : new int[] {Linux.TCP_NODELAY, Linux.TCP_CORK, Linux.TCP_DEFER_ACCEPT, Linux.TCP_USER_TIMEOUT, Linux.TCP_FASTOPEN,
                Linux.TCP_NOTSENT_LOWAT, Linux.TCP_FASTOPEN_CONNECT}) {
            put(Linux.IPPROTO_TCP, flag, OFF);
        }
        put(Linux.IPPROTO_TCP, Linux.TCP_MAXSEG, 32_768);
        put(Linux.IPPROTO_TCP, Linux.TCP_KEEPIDLE, 7200);
        put(Linux.IPPROTO_TCP, Linux.TCP_KEEPINTVL, 75);
        put(Linux.IPPROTO_TCP, Linux.TCP_KEEPCNT, 9);
        put(Linux.IPPROTO_TCP, Linux.TCP_QUICKACK, ON);
        values.put(key(Linux.IPPROTO_TCP, Linux.TCP_CONGESTION), algorithm("cubic"));
    }

    /** TCP_CA_NAME_MAX bytes. */
    private static byte[] algorithm(String name) {
        if (!CONGESTION.contains(name)) {
            throw new Failure(Errno.ENOENT);
        }
        return Arrays.copyOf(name.getBytes(StandardCharsets.US_ASCII), 16);
    }

    private void addIp() {
        for (int flag : new int[] {Linux.IP_TOS, Linux.IP_RECVERR, Linux.IP_BIND_ADDRESS_NO_PORT}) {
            put(Linux.IPPROTO_IP, flag, OFF);
        }
        put(Linux.IPPROTO_IP, Linux.IP_TTL, HOPS);
        put(Linux.IPPROTO_IP, Linux.IP_MULTICAST_TTL, 1);
        put(Linux.IPPROTO_IP, Linux.IP_MULTICAST_LOOP, ON);
    }

    private void addIpv6() {
        for (int flag : new int[] {Linux.IPV6_V6ONLY, Linux.IPV6_TCLASS, Linux.IPV6_RECVERR}) {
            put(Linux.IPPROTO_IPV6, flag, OFF);
        }
        put(Linux.IPPROTO_IPV6, Linux.IPV6_UNICAST_HOPS, HOPS);
        put(Linux.IPPROTO_IPV6, Linux.IPV6_MULTICAST_HOPS, 1);
        put(Linux.IPPROTO_IPV6, Linux.IPV6_MULTICAST_LOOP, ON);
    }

    private static long key(int level, int name) {
        return (long) level << 32 | name;
    }

    private void put(int level, int name, int... value) {
        values.put(key(level, name), bytes(value));
    }

    /** Numbers as they lie in memory. */
    static byte[] bytes(int... numbers) {
        ByteBuffer bytes = ByteBuffer.allocate(numbers.length * Integer.BYTES).order(ByteOrder.nativeOrder());
        for (int number : numbers) {
            bytes.putInt(number);
        }
        return bytes.array();
    }

    private static int number(byte[] bytes, int index) {
        return ByteBuffer.wrap(bytes).order(ByteOrder.nativeOrder()).getInt(index * Integer.BYTES);
    }

    /** The options that an accepted connection begins with: those of the listener. */
    SocketOptions inherited() {
        SocketOptions copy = new SocketOptions();
        copy.values.putAll(values);
        copy.sendBufferSet = sendBufferSet;
        return copy;
    }

    /** A connection of TCP is there. */
    void tune() {
        if (!sendBufferSet) {
            put(Linux.SOL_SOCKET, Linux.SO_SNDBUF, TUNED_SEND_BUFFER);
        }
    }

    byte[] get(int level, int name) {
        byte[] value = values.get(key(level, name));
        if (value == null) {
            throw new Failure(missing(level));
        }
        return value.clone();
    }

    /** A unix socket has no levels but its own. */
    private int missing(int level) {
        return isUnix() && level != Linux.SOL_SOCKET ? Errno.EOPNOTSUPP : Errno.ENOPROTOOPT;
    }

    private boolean isUnix() {
        return !values.containsKey(key(Linux.IPPROTO_IP, Linux.IP_TTL));
    }

    void set(int level, int name, byte[] value) {
        byte[] old = values.get(key(level, name));
        if (old == null) {
            throw new Failure(missing(level));
        }
        if (level == Linux.IPPROTO_TCP && name == Linux.TCP_CONGESTION) {
            values.put(key(level, name), algorithm(new String(value, StandardCharsets.US_ASCII).split("\0", 2)[0]));
            return;
        }
        if (value.length < old.length) {
            throw new Failure(Errno.EINVAL);
        }
        int given = number(value, 0);
        int number = given == -1 && isHopLimit(level, name) ? HOPS : given; // which means the default
        requireInRange(level, name, number);
        if (level == Linux.SOL_SOCKET) {
            setOfSocket(name, number, value);
        } else {
            put(level, name, isFlag(level, name) ? Math.min(1, Math.abs(number)) : number);
        }
    }

    private static boolean isHopLimit(int level, int name) {
        return level == Linux.IPPROTO_IP && name == Linux.IP_TTL || level == Linux.IPPROTO_IPV6 && name == Linux.IPV6_UNICAST_HOPS;
    }

    private static void requireInRange(int level, int name, int number) {
        boolean isRight = switch (level) {
            case Linux.SOL_SOCKET -> name != Linux.SO_ZEROCOPY || number >= 0 && number <= 1;
            case Linux.IPPROTO_TCP -> switch (name) {
                case Linux.TCP_KEEPIDLE, Linux.TCP_KEEPINTVL -> number >= 1 && number <= 32_767;
                case Linux.TCP_KEEPCNT -> number >= 1 && number <= 127;
                case Linux.TCP_USER_TIMEOUT -> number >= 0;
                default -> true;
            };
            case Linux.IPPROTO_IP -> name != Linux.IP_TTL || number >= 1 && number <= 255;
            case Linux.IPPROTO_IPV6 -> name != Linux.IPV6_UNICAST_HOPS || number >= 0 && number <= 255;
            default -> true;
        };
        if (!isRight) {
            throw new Failure(Errno.EINVAL);
        }
    }

    private void setOfSocket(int name, int number, byte[] value) {
        switch (name) {
            case Linux.SO_LINGER -> put(Linux.SOL_SOCKET, name, number != 0 ? ON : OFF, number(value, 1));
            case Linux.SO_SNDBUF -> {
                put(Linux.SOL_SOCKET, name, Math.max(LEAST_SEND_BUFFER, 2 * size(number)));
                sendBufferSet = true;
            }
            case Linux.SO_RCVBUF -> put(Linux.SOL_SOCKET, name, Math.max(LEAST_RECEIVE_BUFFER, 2 * size(number)));
            case Linux.SO_PRIORITY, Linux.SO_MARK, Linux.SO_BUSY_POLL, Linux.SO_INCOMING_CPU -> put(Linux.SOL_SOCKET, name, number);
            default -> {
                if (isUnix() && number != 0 && (name == Linux.SO_REUSEPORT || name == Linux.SO_ZEROCOPY)) {
                    throw new Failure(Errno.EOPNOTSUPP);
                }
                put(Linux.SOL_SOCKET, name, number != 0 ? ON : OFF);
            }
        }
    }

    private static int size(int number) {
        return number < 0 ? MOST_BUFFER : Math.min(number, MOST_BUFFER); // compared as unsigned
    }

    private static boolean isFlag(int level, int name) {
        return level == Linux.IPPROTO_TCP && (name == Linux.TCP_NODELAY || name == Linux.TCP_CORK || name == Linux.TCP_QUICKACK)
                || level == Linux.IPPROTO_IPV6 && name == Linux.IPV6_V6ONLY
                || level == Linux.IPPROTO_IP && name == Linux.IP_RECVERR;
    }

    private boolean isOn(int level, int name) {
        byte[] value = values.get(key(level, name));
        return value != null && number(value, 0) != 0;
    }

    boolean reusesAddress() {
        return isOn(Linux.SOL_SOCKET, Linux.SO_REUSEADDR);
    }

    boolean reusesPort() {
        return isOn(Linux.SOL_SOCKET, Linux.SO_REUSEPORT);
    }

    boolean takesOnlyIpv6() {
        return isOn(Linux.IPPROTO_IPV6, Linux.IPV6_V6ONLY);
    }

    boolean lendsMemory() {
        return isOn(Linux.SOL_SOCKET, Linux.SO_ZEROCOPY);
    }

    /** SO_LINGER with no time at all: a close resets. */
    boolean resetsOnClose() {
        byte[] linger = get(Linux.SOL_SOCKET, Linux.SO_LINGER);
        return number(linger, 0) != 0 && number(linger, 1) == 0;
    }

    int sendBuffer() {
        return number(get(Linux.SOL_SOCKET, Linux.SO_SNDBUF), 0);
    }

    int receiveBuffer() {
        return number(get(Linux.SOL_SOCKET, Linux.SO_RCVBUF), 0);
    }
}
