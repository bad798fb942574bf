package io.netpark.core.sys;

import io.netpark.core.linux.Linux;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * Layouts of {@code struct sockaddr_in} (16 bytes: family, port in network order, 4 address bytes, padding),
 * {@code struct sockaddr_in6} (28 bytes: family, port, flow, 16 address bytes, scope) and {@code struct sockaddr_un} (family,
 * up to 108 bytes of path or name).
 *
 * <p>For Netpark's own adapters.
 */
public final class SockAddr {

    /** Room for any, and a NUL behind a path. */
    public static final int MAX_SIZE = 112;

    private static final int IN_SIZE = 16;
    private static final int IN6_SIZE = 28;
    private static final int FAMILY = 0;
    private static final int PORT = 2;
    private static final int IN_ADDRESS = 4;
    private static final int IN6_ADDRESS = 8;
    private static final int IN6_SCOPE = 24;
    private static final int UN_PATH = 2;

    private SockAddr() {}

    /**
     * {@link Linux#AF_INET}, {@link Linux#AF_INET6} or {@link Linux#AF_UNIX}, whichever the address is of.
     *
     * @throws IllegalArgumentException if it is of none
     */
    public static int family(SocketAddress address) {
        if (address instanceof InetSocketAddress inet) {
            return inet.getAddress() instanceof Inet6Address ? Linux.AF_INET6 : Linux.AF_INET;
        }
        if (address instanceof UnixAddress) {
            return Linux.AF_UNIX;
        }
        throw new IllegalArgumentException("neither an InetSocketAddress nor a UnixAddress: " + address);
    }

    /**
     * Writes a resolved address and returns its length in bytes.
     *
     * @throws IllegalArgumentException if the address is not resolved, or of a family that is not known
     */
    public static int write(ByteBuffer memory, int offset, SocketAddress socketAddress) {
        int family = family(socketAddress);
        for (int i = 0; i < MAX_SIZE; i++) {
            memory.put(offset + i, (byte) 0);
        }
        memory.putShort(offset + FAMILY, (short) family);
        if (socketAddress instanceof UnixAddress unix) {
            byte[] name = unix.raw();
            memory.put(offset + UN_PATH, name);
            return UN_PATH + name.length + (unix.isUnnamed() || unix.isAbstract() ? 0 : 1);
        }
        InetSocketAddress inet = (InetSocketAddress) socketAddress;
        InetAddress address = inet.getAddress();
        if (address == null) {
            throw new IllegalArgumentException("unresolved address: " + AddressText.of(socketAddress));
        }
        memory.put(offset + PORT, (byte) (inet.getPort() >>> 8));
        memory.put(offset + PORT + 1, (byte) inet.getPort());
        byte[] bytes = address.getAddress();
        if (address instanceof Inet6Address inet6) {
            memory.put(offset + IN6_ADDRESS, bytes);
            memory.putInt(offset + IN6_SCOPE, inet6.getScopeId());
            return IN6_SIZE;
        }
        memory.put(offset + IN_ADDRESS, bytes);
        return IN_SIZE;
    }

    /**
     * Writes a resolved address for a socket of a family, and returns its length in bytes. An IPv4 address takes its IPv6 form
     * (::ffff:a.b.c.d) for a socket of IPv6.
     *
     * @throws IllegalArgumentException if a socket of this family cannot reach it, or it is not resolved
     */
    public static int write(ByteBuffer memory, int offset, SocketAddress address, int family) {
        return fit(memory, offset, write(memory, offset, address), family);
    }

    /** As the other, of an address that has been written already. */
    public static int fit(ByteBuffer memory, int offset, int length, int family) {
        int given = memory.getShort(offset + FAMILY);
        if (given == family) {
            return length;
        }
        if (given != Linux.AF_INET || family != Linux.AF_INET6) {
            throw new IllegalArgumentException("a socket of " + familyName(family) + " cannot reach an address of "
                    + familyName(given) + ": " + AddressText.of(read(memory, offset, length)));
        }
        int bytes = memory.getInt(offset + IN_ADDRESS);
        memory.putShort(offset + FAMILY, (short) family);
        memory.putInt(offset + IN_ADDRESS, 0); // the flow
        memory.putLong(offset + IN6_ADDRESS, 0);
        memory.putShort(offset + IN6_ADDRESS + 8, (short) 0);
        memory.putShort(offset + IN6_ADDRESS + 10, (short) -1);
        memory.putInt(offset + IN6_ADDRESS + 12, bytes);
        memory.putInt(offset + IN6_SCOPE, 0);
        return IN6_SIZE;
    }

    private static String familyName(int family) {
        return switch (family) {
            case Linux.AF_INET -> "IPv4";
            case Linux.AF_INET6 -> "IPv6";
            case Linux.AF_UNIX -> "unix";
            default -> "family " + family;
        };
    }

    /** A copy of the {@code length} bytes that the kernel wrote. */
    public static byte[] copy(ByteBuffer memory, int offset, int length) {
        byte[] copy = new byte[Math.min(Math.max(length, UN_PATH), MAX_SIZE)];
        memory.get(offset, copy);
        if (length < UN_PATH) { // socketpair(2), datagrams of sockets that are not bound: the kernel says nothing
            copy[FAMILY] = Linux.AF_UNIX;
            copy[FAMILY + 1] = 0;
        }
        return copy;
    }

    /** The address in a {@link #copy}. */
    public static SocketAddress of(byte[] copy) {
        return read(ByteBuffer.wrap(copy).order(ByteOrder.nativeOrder()), 0, copy.length);
    }

    private static boolean isIp(byte[] copy) {
        return copy.length == IN_SIZE && copy[FAMILY] == Linux.AF_INET || copy.length == IN6_SIZE && copy[FAMILY] == Linux.AF_INET6;
    }

    /**
     * The address bytes of a copy, without the port; IPv4 in IPv6 form as IPv4, so that a host has one address. None of a unix
     * socket: this machine is one.
     */
    public static byte[] addressBytes(byte[] copy) {
        if (!isIp(copy)) {
            return new byte[0];
        }
        if (copy.length == IN_SIZE) {
            return Arrays.copyOfRange(copy, IN_ADDRESS, IN_ADDRESS + 4);
        }
        return Arrays.copyOfRange(copy, isMapped(copy) ? IN6_ADDRESS + 12 : IN6_ADDRESS, IN6_ADDRESS + 16);
    }

    /** Whether a copy of an IPv6 address is one of IPv4 in IPv6 form. */
    private static boolean isMapped(byte[] copy) {
        boolean mapped = copy[IN6_ADDRESS + 10] == -1 && copy[IN6_ADDRESS + 11] == -1;
        for (int i = 0; i < 10; i++) {
            mapped &= copy[IN6_ADDRESS + i] == 0;
        }
        return mapped;
    }

    /** A hash of {@link #addressBytes}, without making them. */
    public static int addressHash(byte[] copy) {
        if (!isIp(copy)) {
            return 0;
        }
        int from = copy.length == IN_SIZE ? IN_ADDRESS : isMapped(copy) ? IN6_ADDRESS + 12 : IN6_ADDRESS;
        int to = copy.length == IN_SIZE ? IN_ADDRESS + 4 : IN6_ADDRESS + 16;
        int hash = 0;
        for (int i = from; i < to; i++) {
            hash = 31 * hash + copy[i];
        }
        hash *= 0x9E3779B9; // neighbours differ in the lowest bits only
        return hash ^ hash >>> 16;
    }

    /**
     * Reads what the kernel wrote. An IPv4 address in IPv6 form (::ffff:a.b.c.d) comes back as IPv4.
     *
     * @param length how many bytes it wrote
     * @throws IllegalArgumentException if it is of no family that is known
     */
    public static SocketAddress read(ByteBuffer memory, int offset, int length) {
        int family = length < UN_PATH ? Linux.AF_UNIX : memory.getShort(offset + FAMILY);
        if (family == Linux.AF_UNIX) {
            return UnixAddress.raw(unixName(memory, offset, length));
        }
        int port = (memory.get(offset + PORT) & 0xFF) << 8 | memory.get(offset + PORT + 1) & 0xFF;
        try {
            if (family == Linux.AF_INET) {
                byte[] bytes = new byte[4];
                memory.get(offset + IN_ADDRESS, bytes);
                return new InetSocketAddress(InetAddress.getByAddress(bytes), port);
            }
            if (family == Linux.AF_INET6) {
                byte[] bytes = new byte[16];
                memory.get(offset + IN6_ADDRESS, bytes);
                InetAddress address = InetAddress.getByAddress(bytes);
                int scope = memory.getInt(offset + IN6_SCOPE);
                if (scope != 0 && address instanceof Inet6Address) {
                    address = Inet6Address.getByAddress(null, bytes, scope);
                }
                return new InetSocketAddress(address, port);
            }
        } catch (UnknownHostException impossible) {
            throw new AssertionError(impossible); // thrown only for arrays of other lengths
        }
        throw new IllegalArgumentException("address family " + family + " is none of AF_INET, AF_INET6 and AF_UNIX");
    }

    /** An abstract name has the length that it has; a path ends before its NUL (unix(7), "BUGS"). */
    private static byte[] unixName(ByteBuffer memory, int offset, int length) {
        int end = Math.min(length, MAX_SIZE);
        if (end > UN_PATH && memory.get(offset + UN_PATH) != 0) {
            int at = UN_PATH;
            while (at < end && memory.get(offset + at) != 0) {
                at++;
            }
            end = at;
        }
        byte[] name = new byte[Math.max(0, end - UN_PATH)];
        memory.get(offset + UN_PATH, name);
        return name;
    }
}
