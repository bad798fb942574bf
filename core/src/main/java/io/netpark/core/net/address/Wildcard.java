package io.netpark.core.net.address;

import io.netpark.core.linux.Linux;
import io.netpark.core.sys.Errno;
import java.io.BufferedReader;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.UnknownHostException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * The address that means all addresses of this machine. {@code new InetSocketAddress(port)} names no family, though the JDK makes
 * it of IPv4; like the JDK's own sockets, ours take both then, by a socket of IPv6 that takes IPv4 as well. An address that is
 * written {@code 0.0.0.0} is IPv4's alone. So is everything with {@code -Djava.net.preferIPv4Stack=true}.
 */
public final class Wildcard {

    /** One object in the JDK, for all socket addresses that are made without an address; what is written is another. */
    private static final InetAddress WITHOUT_FAMILY = new InetSocketAddress(0).getAddress();
    private static final boolean IPV4_ONLY = Boolean.getBoolean("java.net.preferIPv4Stack");
    private static final InetAddress IPV6 = ipv6();
    /** Addresses of IPv6 that interfaces have. */
    private static final Path INTERFACES = Path.of("/proc/net/if_inet6");

    private Wildcard() {}

    private static InetAddress ipv6() {
        try {
            return InetAddress.getByAddress(new byte[16]);
        } catch (UnknownHostException impossible) {
            throw new AssertionError(impossible); // thrown only for arrays of other lengths
        }
    }

    /** The address for a socket of both families, if one is meant and this machine has IPv6; otherwise the same address. */
    public static SocketAddress widened(SocketAddress address) {
        return !IPV4_ONLY && address instanceof InetSocketAddress inet && inet.getAddress() == WITHOUT_FAMILY && hasIpv6()
                ? new InetSocketAddress(IPV6, inet.getPort()) : address;
    }

    /** The address for a socket of one family, if no family is meant; otherwise the same address. */
    public static SocketAddress ofFamily(SocketAddress address, int family) {
        return family == Linux.AF_INET6 && address instanceof InetSocketAddress inet && inet.getAddress() == WITHOUT_FAMILY
                ? new InetSocketAddress(IPV6, inet.getPort()) : address;
    }

    /** As the JDK finds out: an interface has an address of IPv6. Where /proc is hidden, the socket will tell. */
    private static boolean hasIpv6() {
        try (BufferedReader reader = Files.newBufferedReader(INTERFACES)) {
            return reader.readLine() != null;
        } catch (IOException e) {
            return true;
        }
    }

    /** Whether an error says that there is no IPv6 here. */
    public static boolean saysNoIpv6(int errno) {
        return errno == Errno.EAFNOSUPPORT || errno == Errno.EADDRNOTAVAIL;
    }
}
