package io.netpark.core.sys;

import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;

/**
 * Addresses as every message of Netpark has them. The JDK's own texts differ with how an address was made
 * ({@code localhost/127.0.0.1:80}, {@code /127.0.0.1:80}, {@code nowhere/<unresolved>:80}).
 */
public final class AddressText {

    private static final int GROUPS = 8;

    private AddressText() {}

    /**
     * {@code 127.0.0.1:80}, {@code [::1]:80}; {@code name:80} where the name has not been looked up; {@code unix:/run/a.sock},
     * {@code unix:@name} and {@code unix:unnamed}.
     */
    public static String of(SocketAddress address) {
        if (address instanceof InetSocketAddress inet) {
            return (inet.isUnresolved() ? inet.getHostString() : of(inet.getAddress())) + ":" + inet.getPort();
        }
        if (address instanceof UnixDomainSocketAddress unix) {
            return "unix:" + (unix.getPath().toString().isEmpty() ? "unnamed" : unix.getPath());
        }
        return address.toString();
    }

    /** {@code 127.0.0.1}; {@code [::1]} and {@code [fe80::1%eth0]}, shortened as RFC 5952 has it. */
    public static String of(InetAddress address) {
        return address instanceof Inet6Address inet6 ? "[" + text(inet6) + "]" : address.getHostAddress();
    }

    private static String text(Inet6Address address) {
        byte[] bytes = address.getAddress();
        int[] groups = new int[GROUPS];
        for (int i = 0; i < GROUPS; i++) {
            groups[i] = (bytes[2 * i] & 0xFF) << 8 | bytes[2 * i + 1] & 0xFF;
        }
        int start = -1; // of the first of the longest runs of zeros, which is left out if it has more than one
        int length = 1;
        for (int i = 0; i < GROUPS; i++) {
            int end = i;
            while (end < GROUPS && groups[end] == 0) {
                end++;
            }
            if (end - i > length) {
                start = i;
                length = end - i;
            }
            i = Math.max(i, end - 1);
        }
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < GROUPS; i++) {
            if (i == start) {
                text.append("::");
                i += length - 1;
            } else {
                text.append(i == 0 || start >= 0 && i == start + length ? "" : ":").append(Integer.toHexString(groups[i]));
            }
        }
        String host = address.getHostAddress();
        int scope = host.indexOf('%');
        return scope < 0 ? text.toString() : text.append(host, scope, host.length()).toString();
    }
}
