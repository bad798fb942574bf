package io.netpark.core.net.address;

import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.NetworkInterface;
import java.net.SocketException;
import java.net.UnknownHostException;
import org.jspecify.annotations.Nullable;

/**
 * IP addresses written as text: what can be read without asking anybody. Read here and not by the JDK, which asks the name
 * service, and blocks, for all that only looks like an address.
 */
public final class Literal {

    private static final int GROUPS = 8;

    private Literal() {}

    /**
     * The address, or null if it is a name. {@code 127.0.0.1}, {@code ::1}, {@code [::1]}, {@code ::ffff:10.0.0.1} (which is
     * IPv4), {@code fe80::1%eth0}, {@code fe80::1%2}.
     *
     * @throws UnknownHostException if it is an address of an interface that is not there
     */
    public static @Nullable InetAddress parse(String host) throws UnknownHostException {
        byte[] four = ipv4(host);
        if (four != null) {
            return InetAddress.getByAddress(four);
        }
        if (host.indexOf(':') < 0) {
            return null;
        }
        String text = host.startsWith("[") && host.endsWith("]") ? host.substring(1, host.length() - 1) : host;
        int percent = text.indexOf('%');
        byte[] sixteen = ipv6(percent < 0 ? text : text.substring(0, percent));
        if (sixteen == null || percent == text.length() - 1) {
            return null;
        }
        return percent < 0 ? InetAddress.getByAddress(sixteen) : scoped(sixteen, text.substring(percent + 1), host);
    }

    private static InetAddress scoped(byte[] sixteen, String scope, String host) throws UnknownHostException {
        if (scope.length() < 10 && scope.chars().allMatch(c -> c >= '0' && c <= '9')) {
            return Inet6Address.getByAddress(null, sixteen, Integer.parseInt(scope));
        }
        try {
            NetworkInterface found = NetworkInterface.getByName(scope);
            if (found != null) {
                return Inet6Address.getByAddress(null, sixteen, found);
            }
        } catch (SocketException e) {
            // As if there were none.
        }
        throw new UnknownHostException(host + ": there is no network interface " + scope);
    }

    /** Whether it is a host with a port behind it: {@code redis:6379}, {@code 10.0.0.1:80}, {@code [::1]:80}. */
    public static boolean hasPort(String host) {
        int colon = host.lastIndexOf(':');
        boolean alone = host.indexOf(':') == colon || host.startsWith("[") && host.charAt(colon - 1) == ']';
        return colon > 0 && alone && colon < host.length() - 1
                && host.chars().skip(colon + 1).allMatch(c -> c >= '0' && c <= '9');
    }

    /** What to do about it. */
    public static String separately(String host) {
        return "the host has a port in it: \"" + host + "\"; give host and port apart, as \""
                + host.substring(0, host.lastIndexOf(':')) + "\" and " + host.substring(host.lastIndexOf(':') + 1);
    }

    /** Four decimal numbers; the older forms, such as {@code 127.1} and octal ones, are left to the resolver. */
    private static byte @Nullable [] ipv4(String text) {
        byte[] bytes = new byte[4];
        int part = 0;
        int digits = 0;
        int value = 0;
        for (int i = 0; i <= text.length(); i++) {
            char c = i < text.length() ? text.charAt(i) : '.';
            if (c == '.') {
                if (digits == 0 || part == 4) {
                    return null;
                }
                bytes[part++] = (byte) value;
                digits = 0;
                value = 0;
            } else if (c >= '0' && c <= '9') {
                if (digits > 0 && value == 0) {
                    return null; // 08 may be octal
                }
                value = 10 * value + c - '0';
                digits++;
                if (value > 255) {
                    return null;
                }
            } else {
                return null;
            }
        }
        return part == 4 ? bytes : null;
    }

    /** RFC 4291, section 2.2: eight groups of up to four digits, zeros once as "::", the last two perhaps as IPv4. */
    private static byte @Nullable [] ipv6(String text) {
        int gap = text.indexOf("::");
        if (gap < 0) {
            byte[] all = groups(text);
            return all != null && all.length == 2 * GROUPS ? all : null;
        }
        byte[] front = groups(text.substring(0, gap));
        byte[] back = groups(text.substring(gap + 2));
        if (front == null || back == null || front.length + back.length > 2 * (GROUPS - 1)
                || text.lastIndexOf('.', gap) >= 0) { // an IPv4 part is the last
            return null;
        }
        byte[] all = new byte[2 * GROUPS];
        System.arraycopy(front, 0, all, 0, front.length);
        System.arraycopy(back, 0, all, all.length - back.length, back.length);
        return all;
    }

    private static byte @Nullable [] groups(String text) {
        if (text.isEmpty()) {
            return new byte[0];
        }
        String[] parts = text.split(":", -1);
        byte[] last = ipv4(parts[parts.length - 1]);
        int hex = last == null ? parts.length : parts.length - 1;
        if (hex > GROUPS) {
            return null;
        }
        byte[] bytes = new byte[2 * hex + (last == null ? 0 : 4)];
        for (int i = 0; i < hex; i++) {
            int value = group(parts[i]);
            if (value < 0) {
                return null;
            }
            bytes[2 * i] = (byte) (value >> 8);
            bytes[2 * i + 1] = (byte) value;
        }
        if (last != null) {
            System.arraycopy(last, 0, bytes, 2 * hex, 4);
        }
        return bytes;
    }

    private static int group(String text) {
        int value = 0;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            int digit = c < 128 ? Character.digit(c, 16) : -1;
            if (digit < 0) {
                return -1;
            }
            value = value << 4 | digit;
        }
        return text.isEmpty() || text.length() > 4 ? -1 : value;
    }
}
