package io.netpark.core.net.options;

import io.netpark.core.linux.Linux;
import io.netpark.core.sys.AddressText;
import io.netpark.core.sys.Errno;
import io.netpark.core.sys.LibC;
import io.netpark.core.sys.NetparkException;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.NetworkInterface;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.jspecify.annotations.Nullable;

/**
 * Membership in multicast groups, by {@code struct ip_mreqn} (ip(7): group, address, interface index) and
 * {@code struct ipv6_mreq} (ipv6(7): group, interface index).
 *
 * <p>For Netpark's own sockets.
 */
public final class Multicast {

    private static final int MREQN = 12;
    private static final int MREQ6 = 20;

    private static final NetOption<byte[]> JOIN =
            NetOption.ofBytes("IP_ADD_MEMBERSHIP", Linux.IPPROTO_IP, Linux.IP_ADD_MEMBERSHIP, MREQN);
    private static final NetOption<byte[]> LEAVE =
            NetOption.ofBytes("IP_DROP_MEMBERSHIP", Linux.IPPROTO_IP, Linux.IP_DROP_MEMBERSHIP, MREQN);
    private static final NetOption<byte[]> JOIN_6 =
            NetOption.ofBytes("IPV6_ADD_MEMBERSHIP", Linux.IPPROTO_IPV6, Linux.IPV6_ADD_MEMBERSHIP, MREQ6);
    private static final NetOption<byte[]> LEAVE_6 =
            NetOption.ofBytes("IPV6_DROP_MEMBERSHIP", Linux.IPPROTO_IPV6, Linux.IPV6_DROP_MEMBERSHIP, MREQ6);
    private static final NetOption<byte[]> INTERFACE =
            NetOption.ofBytes("IP_MULTICAST_IF", Linux.IPPROTO_IP, Linux.IP_MULTICAST_IF, MREQN);
    private static final NetOption<Integer> INTERFACE_6 =
            NetOption.ofInt("IPV6_MULTICAST_IF", Linux.IPPROTO_IPV6, Linux.IPV6_MULTICAST_IF);

    private Multicast() {}

    public static void join(LibC libc, int fd, InetAddress group, @Nullable NetworkInterface on) throws NetparkException {
        change(libc, fd, group, on, group instanceof Inet6Address ? JOIN_6 : JOIN, "join " + text(group, on));
    }

    public static void leave(LibC libc, int fd, InetAddress group, @Nullable NetworkInterface on) throws NetparkException {
        change(libc, fd, group, on, group instanceof Inet6Address ? LEAVE_6 : LEAVE, "leave " + text(group, on));
    }

    private static void change(LibC libc, int fd, InetAddress group, @Nullable NetworkInterface on,
            NetOption<byte[]> option, String operation) throws NetparkException {
        if (!group.isMulticastAddress()) {
            throw new IllegalArgumentException(operation + ": not a multicast address (224.0.0.0/4, ff00::/8)");
        }
        int index = on == null ? scope(group) : on.getIndex();
        ByteBuffer struct = ByteBuffer.allocate(option.size()).order(ByteOrder.nativeOrder());
        struct.put(group.getAddress());
        struct.putInt(option.size() - Integer.BYTES, index); // of ip_mreqn too: an interface is named by index or by address
        try {
            OptionCalls.set(libc, fd, option, struct.array());
        } catch (NetparkException.SystemError e) {
            throw NetparkException.like(e, operation + ": " + Errno.describe(e.errno()) + wayOut(e.errno()));
        }
    }

    private static int scope(InetAddress group) {
        return group instanceof Inet6Address inet6 ? inet6.getScopeId() : 0;
    }

    public static void sendThrough(LibC libc, int fd, int family, NetworkInterface on) throws NetparkException {
        if (family == Linux.AF_INET6) {
            OptionCalls.set(libc, fd, INTERFACE_6, on.getIndex());
        }
        if (family == Linux.AF_INET || !OptionCalls.get(libc, fd, NetOption.V6_ONLY)) {
            ByteBuffer struct = ByteBuffer.allocate(MREQN).order(ByteOrder.nativeOrder());
            OptionCalls.set(libc, fd, INTERFACE, struct.putInt(MREQN - Integer.BYTES, on.getIndex()).array());
        }
    }

    private static String text(InetAddress group, @Nullable NetworkInterface on) {
        return AddressText.of(group) + (on == null ? "" : " on " + on.getName());
    }

    private static String wayOut(int errno) {
        return switch (errno) {
            case Errno.EADDRINUSE -> "; the socket is a member already";
            case Errno.EADDRNOTAVAIL -> "; the socket is not a member there";
            case Errno.ENODEV -> "; the machine has no route to the group, so name an interface";
            case Errno.ENOBUFS -> "; raise sysctl net.ipv4.igmp_max_memberships";
            default -> "";
        };
    }
}
