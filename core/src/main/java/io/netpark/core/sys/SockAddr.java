package io.netpark.core.sys;

import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * Layouts of {@code struct sockaddr_in} (16 bytes: family, port in network order, 4 address bytes, padding) and
 * {@code struct sockaddr_in6} (28 bytes: family, port, flow, 16 address bytes, scope).
 */
public final class SockAddr {

    /** Room for either. */
    public static final int MAX_SIZE = 28;

    private static final int IN_SIZE = 16;
    private static final int IN6_SIZE = 28;
    private static final int FAMILY = 0;
    private static final int PORT = 2;
    private static final int IN_ADDRESS = 4;
    private static final int IN6_ADDRESS = 8;
    private static final int IN6_SCOPE = 24;

    private SockAddr() {}

    /** {@link Linux#AF_INET} or {@link Linux#AF_INET6}, whichever the address is of. */
    public static int family(InetSocketAddress address) {
        return address.getAddress() instanceof Inet6Address ? Linux.AF_INET6 : Linux.AF_INET;
    }

    /**
     * Writes a resolved address and returns its length in bytes.
     *
     * @throws IllegalArgumentException if the address is not resolved
     */
    public static int write(ByteBuffer memory, int offset, InetSocketAddress socketAddress) {
        InetAddress address = socketAddress.getAddress();
        if (address == null) {
            throw new IllegalArgumentException("unresolved address: " + socketAddress);
        }
        for (int i = 0; i < MAX_SIZE; i++) {
            memory.put(offset + i, (byte) 0);
        }
        memory.putShort(offset + FAMILY, (short) family(socketAddress));
        memory.put(offset + PORT, (byte) (socketAddress.getPort() >>> 8));
        memory.put(offset + PORT + 1, (byte) socketAddress.getPort());
        byte[] bytes = address.getAddress();
        if (address instanceof Inet6Address inet6) {
            memory.put(offset + IN6_ADDRESS, bytes);
            memory.putInt(offset + IN6_SCOPE, inet6.getScopeId());
            return IN6_SIZE;
        }
        memory.put(offset + IN_ADDRESS, bytes);
        return IN_SIZE;
    }

    /** A copy of what the kernel wrote, as long as its family takes. */
    public static byte[] copy(ByteBuffer memory, int offset) {
        byte[] copy = new byte[memory.getShort(offset + FAMILY) == Linux.AF_INET6 ? IN6_SIZE : IN_SIZE];
        memory.get(offset, copy);
        return copy;
    }

    /** The address bytes of a copy, without the port; IPv4 in IPv6 form as IPv4, so that a host has one address. */
    public static byte[] addressBytes(byte[] copy) {
        if (copy.length == IN_SIZE) {
            return Arrays.copyOfRange(copy, IN_ADDRESS, IN_ADDRESS + 4);
        }
        int from = IN6_ADDRESS;
        boolean mapped = copy[from + 10] == -1 && copy[from + 11] == -1;
        for (int i = 0; i < 10; i++) {
            mapped &= copy[from + i] == 0;
        }
        return Arrays.copyOfRange(copy, mapped ? from + 12 : from, from + 16);
    }

    /** A hash of {@link #addressBytes}, without making them. */
    public static int addressHash(byte[] copy) {
        int from = copy.length == IN_SIZE ? IN_ADDRESS : IN6_ADDRESS;
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
     * @throws IllegalArgumentException if it is of neither family
     */
    public static InetSocketAddress read(ByteBuffer memory, int offset) {
        int port = (memory.get(offset + PORT) & 0xFF) << 8 | memory.get(offset + PORT + 1) & 0xFF;
        int family = memory.getShort(offset + FAMILY);
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
        throw new IllegalArgumentException("address family " + family + " is neither AF_INET nor AF_INET6");
    }
}
