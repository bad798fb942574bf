package io.netpark.core.net.options;

import io.netpark.core.linux.Linux;
import io.netpark.core.net.scratch.Scratch;
import io.netpark.core.sys.Due;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Objects;
import java.util.function.BiConsumer;
import java.util.function.Function;

/**
 * A socket option: its level and number, and how its value lies in memory. An option is read and set on an open
 * {@linkplain io.netpark.core.net.socket.SocketDescriptor socket}, or set before a socket is bound or connected, by
 * {@link NetOptions#with}. What each option does is in socket(7), ip(7), ipv6(7), tcp(7) and udp(7), under its name.
 *
 * <p>An option that is missing here can be made by {@link #ofInt}, {@link #ofFlag} or {@link #ofBytes}.
 *
 * @param <T> the type of its value
 */
public final class NetOption<T> {

    /** MAX_TCP_KEEPIDLE and MAX_TCP_KEEPINTVL of the kernel. */
    private static final int MOST_KEEP_ALIVE_SECONDS = 32_767;

    // Of any socket

    /** A listener may start on a port where connections of an earlier listener linger. On for listeners by default. */
    public static final NetOption<Boolean> REUSE_ADDRESS = ofFlag("SO_REUSEADDR", Linux.SOL_SOCKET, Linux.SO_REUSEADDR);
    /** Several sockets on one port, among which the kernel spreads connections or datagrams. */
    public static final NetOption<Boolean> REUSE_PORT = ofFlag("SO_REUSEPORT", Linux.SOL_SOCKET, Linux.SO_REUSEPORT);
    /** In bytes. The kernel doubles what is set, and turns auto-tuning off. */
    public static final NetOption<Integer> SEND_BUFFER = ofInt("SO_SNDBUF", Linux.SOL_SOCKET, Linux.SO_SNDBUF);
    /** In bytes. The kernel doubles what is set, and turns auto-tuning off. */
    public static final NetOption<Integer> RECEIVE_BUFFER = ofInt("SO_RCVBUF", Linux.SOL_SOCKET, Linux.SO_RCVBUF);
    /** For how many microseconds a read that finds no bytes polls the network card. Raising it needs CAP_NET_ADMIN. */
    public static final NetOption<Integer> BUSY_POLL = ofInt("SO_BUSY_POLL", Linux.SOL_SOCKET, Linux.SO_BUSY_POLL);
    /** The processor that handled the last packet. A listener on which it is set gets the connections of that processor. */
    public static final NetOption<Integer> INCOMING_CPU =
            ofInt("SO_INCOMING_CPU", Linux.SOL_SOCKET, Linux.SO_INCOMING_CPU);
    /** The priority of packets; 0 to 6 without privilege. */
    public static final NetOption<Integer> PRIORITY = ofInt("SO_PRIORITY", Linux.SOL_SOCKET, Linux.SO_PRIORITY);
    /** The mark of the socket's packets, for routing and filters. Needs CAP_NET_ADMIN. */
    public static final NetOption<Integer> MARK = ofInt("SO_MARK", Linux.SOL_SOCKET, Linux.SO_MARK);

    /**
     * How long close(2) tries to send unsent bytes. It does so in the background, as the socket is non-blocking. The kernel counts in
     * seconds, so the time is rounded up. Zero sends a reset instead. A negative time, the default, leaves the time to the kernel.
     */
    public static final NetOption<Duration> LINGER =
            new NetOption<>("SO_LINGER", Linux.SOL_SOCKET, Linux.SO_LINGER, 2 * Integer.BYTES,
                    (memory, time) -> memory.putInt(time.isNegative() ? 0 : 1)
                            .putInt(Math.max(0, Due.kernelSeconds(time))),
                    memory -> memory.getInt() == 0 ? Duration.ofSeconds(-1) : Duration.ofSeconds(memory.getInt()));

    // Of TCP

    /** Small segments are sent at once. On by default. */
    public static final NetOption<Boolean> NO_DELAY = ofFlag("TCP_NODELAY", Linux.IPPROTO_TCP, Linux.TCP_NODELAY);
    /** Only full segments are sent while this is on, for 200 ms at most. */
    public static final NetOption<Boolean> CORK = ofFlag("TCP_CORK", Linux.IPPROTO_TCP, Linux.TCP_CORK);
    /** Acknowledgements are sent at once. The kernel turns this off again by itself. */
    public static final NetOption<Boolean> QUICK_ACK = ofFlag("TCP_QUICKACK", Linux.IPPROTO_TCP, Linux.TCP_QUICKACK);
    /** How long sent bytes may stay unacknowledged before the connection is given up; rounded up to milliseconds. */
    public static final NetOption<Duration> USER_TIMEOUT =
            ofMillis("TCP_USER_TIMEOUT", Linux.IPPROTO_TCP, Linux.TCP_USER_TIMEOUT);
    /** How long a listener waits for the first byte before it reports a connection; rounded up to seconds. */
    public static final NetOption<Duration> DEFER_ACCEPT =
            ofSeconds("TCP_DEFER_ACCEPT", Linux.IPPROTO_TCP, Linux.TCP_DEFER_ACCEPT, Integer.MAX_VALUE);
    /** Set on a listener: how many connections may wait whose first bytes came with the SYN (RFC 7413). */
    public static final NetOption<Integer> FAST_OPEN = ofInt("TCP_FASTOPEN", Linux.IPPROTO_TCP, Linux.TCP_FASTOPEN);
    /** Set before connecting: the first bytes go with the SYN, if the server has given a cookie before (RFC 7413). */
    public static final NetOption<Boolean> FAST_OPEN_CONNECT =
            ofFlag("TCP_FASTOPEN_CONNECT", Linux.IPPROTO_TCP, Linux.TCP_FASTOPEN_CONNECT);
    /** How many unsent bytes the kernel takes. */
    public static final NetOption<Integer> NOT_SENT_LOW_WATER =
            ofInt("TCP_NOTSENT_LOWAT", Linux.IPPROTO_TCP, Linux.TCP_NOTSENT_LOWAT);
    /** The size of the largest segment, in bytes. */
    public static final NetOption<Integer> MAX_SEGMENT = ofInt("TCP_MAXSEG", Linux.IPPROTO_TCP, Linux.TCP_MAXSEG);
    /** The name of the congestion control: {@code cubic}, {@code bbr}. */
    public static final NetOption<String> CONGESTION =
            new NetOption<>("TCP_CONGESTION", Linux.IPPROTO_TCP, Linux.TCP_CONGESTION, 16,
                    (memory, name) -> memory.put(name.getBytes(StandardCharsets.US_ASCII)), NetOption::text);

    /** Probes of a peer that is silent. On by default. */
    public static final NetOption<Boolean> KEEP_ALIVE = ofFlag("SO_KEEPALIVE", Linux.SOL_SOCKET, Linux.SO_KEEPALIVE);
    /** The silence before the first probe; rounded up to seconds, at most 32 767 of them. 15 s by default. */
    public static final NetOption<Duration> KEEP_ALIVE_IDLE =
            ofSeconds("TCP_KEEPIDLE", Linux.IPPROTO_TCP, Linux.TCP_KEEPIDLE, MOST_KEEP_ALIVE_SECONDS);
    /** The time between probes; rounded up to seconds, at most 32 767 of them. 15 s by default. */
    public static final NetOption<Duration> KEEP_ALIVE_INTERVAL =
            ofSeconds("TCP_KEEPINTVL", Linux.IPPROTO_TCP, Linux.TCP_KEEPINTVL, MOST_KEEP_ALIVE_SECONDS);
    /** After how many unanswered probes the connection is given up. 9 by default. */
    public static final NetOption<Integer> KEEP_ALIVE_COUNT =
            ofInt("TCP_KEEPCNT", Linux.IPPROTO_TCP, Linux.TCP_KEEPCNT);

    // Of IP

    /** The byte with the DSCP, in IPv4. */
    public static final NetOption<Integer> TYPE_OF_SERVICE = ofInt("IP_TOS", Linux.IPPROTO_IP, Linux.IP_TOS);
    /** The byte with the DSCP, in IPv6. */
    public static final NetOption<Integer> TRAFFIC_CLASS = ofInt("IPV6_TCLASS", Linux.IPPROTO_IPV6, Linux.IPV6_TCLASS);
    /** How many routers an IPv4 packet may pass. */
    public static final NetOption<Integer> TIME_TO_LIVE = ofInt("IP_TTL", Linux.IPPROTO_IP, Linux.IP_TTL);
    /** How many routers an IPv6 packet may pass. */
    public static final NetOption<Integer> HOP_LIMIT =
            ofInt("IPV6_UNICAST_HOPS", Linux.IPPROTO_IPV6, Linux.IPV6_UNICAST_HOPS);
    /** An IPv6 socket takes no IPv4. */
    public static final NetOption<Boolean> V6_ONLY = ofFlag("IPV6_V6ONLY", Linux.IPPROTO_IPV6, Linux.IPV6_V6ONLY);

    // Of UDP

    /** Datagrams may go to a broadcast address. */
    public static final NetOption<Boolean> BROADCAST = ofFlag("SO_BROADCAST", Linux.SOL_SOCKET, Linux.SO_BROADCAST);
    /** How many routers an IPv4 multicast may pass; 1 by default. */
    public static final NetOption<Integer> MULTICAST_TTL =
            ofInt("IP_MULTICAST_TTL", Linux.IPPROTO_IP, Linux.IP_MULTICAST_TTL);
    /** Members on this machine receive what the socket sends to an IPv4 group; on by default. */
    public static final NetOption<Boolean> MULTICAST_LOOP =
            ofFlag("IP_MULTICAST_LOOP", Linux.IPPROTO_IP, Linux.IP_MULTICAST_LOOP);
    /** How many routers an IPv6 multicast may pass; 1 by default. */
    public static final NetOption<Integer> MULTICAST_HOPS =
            ofInt("IPV6_MULTICAST_HOPS", Linux.IPPROTO_IPV6, Linux.IPV6_MULTICAST_HOPS);
    /** Members on this machine receive what the socket sends to an IPv6 group; on by default. */
    public static final NetOption<Boolean> MULTICAST_LOOP_6 =
            ofFlag("IPV6_MULTICAST_LOOP", Linux.IPPROTO_IPV6, Linux.IPV6_MULTICAST_LOOP);

    private final String name;
    private final int level;
    private final int number;
    private final int size;
    private final BiConsumer<ByteBuffer, T> write;
    private final Function<ByteBuffer, T> read;

    private NetOption(String name, int level, int number, int size, BiConsumer<ByteBuffer, T> write,
            Function<ByteBuffer, T> read) {
        if (size < 1 || size > Scratch.VALUE_SIZE) {
            throw new IllegalArgumentException("a value has 1 to " + Scratch.VALUE_SIZE + " bytes, not " + size);
        }
        this.name = Objects.requireNonNull(name, "name");
        this.level = level;
        this.number = number;
        this.size = size;
        this.write = write;
        this.read = read;
    }

    /** An option that is an int. {@code name} is for messages. */
    public static NetOption<Integer> ofInt(String name, int level, int number) {
        return new NetOption<>(name, level, number, Integer.BYTES, ByteBuffer::putInt, ByteBuffer::getInt);
    }

    /** An option that is an int, 0 for false. {@code name} is for messages. */
    public static NetOption<Boolean> ofFlag(String name, int level, int number) {
        return new NetOption<>(name, level, number, Integer.BYTES,
                (memory, on) -> memory.putInt(on ? 1 : 0), memory -> memory.getInt() != 0);
    }

    /** An option that is anything, of at most {@code size} bytes (up to 312). {@code name} is for messages. */
    public static NetOption<byte[]> ofBytes(String name, int level, int number, int size) {
        return new NetOption<>(name, level, number, size, ByteBuffer::put, memory -> {
            byte[] bytes = new byte[memory.remaining()];
            memory.get(bytes);
            return bytes;
        });
    }

    /** An option that can only be read, from all of its struct: what the kernel does not fill in is 0. */
    static <T> NetOption<T> ofStruct(String name, int level, int number, int size, Function<ByteBuffer, T> read) {
        return new NetOption<>(name, level, number, size,
                (memory, value) -> {
                    throw new IllegalArgumentException(name + " can only be read");
                },
                memory -> read.apply(memory.clear()));
    }

    /** @param most the kernel refuses more */
    private static NetOption<Duration> ofSeconds(String name, int level, int number, int most) {
        return new NetOption<>(name, level, number, Integer.BYTES,
                (memory, time) -> memory.putInt(Math.min(most, Due.kernelSeconds(time))),
                memory -> Duration.ofSeconds(memory.getInt()));
    }

    private static NetOption<Duration> ofMillis(String name, int level, int number) {
        return new NetOption<>(name, level, number, Integer.BYTES,
                (memory, time) -> memory.putInt(Due.kernelMillis(time)),
                memory -> Duration.ofMillis(memory.getInt()));
    }

    private static String text(ByteBuffer memory) {
        StringBuilder text = new StringBuilder();
        for (byte b; memory.hasRemaining() && (b = memory.get()) != 0; ) {
            text.append((char) b);
        }
        return text.toString();
    }

    int level() {
        return level;
    }

    int number() {
        return number;
    }

    /** Room for its value. */
    int size() {
        return size;
    }

    void write(ByteBuffer memory, T value) {
        write.accept(memory, value);
    }

    T read(ByteBuffer memory) {
        return read.apply(memory);
    }

    /** Whether sockets of this address family have it. */
    boolean isOf(int family) {
        return switch (level) {
            case Linux.IPPROTO_TCP, Linux.IPPROTO_UDP -> family != Linux.AF_UNIX;
            case Linux.IPPROTO_IP -> family == Linux.AF_INET;
            case Linux.IPPROTO_IPV6 -> family == Linux.AF_INET6;
            default -> true;
        };
    }

    /** Its name in the headers of Linux, such as {@code TCP_NODELAY}. */
    @Override
    public String toString() {
        return name;
    }
}
