package io.netpark.core.net;

import java.net.InetAddress;
import java.net.UnknownHostException;
import org.jspecify.annotations.Nullable;

/** IP addresses written as text: what can be read without asking anybody. */
final class Literal {

    private Literal() {}

    /** The address, or null if it is a name. {@code 127.0.0.1}, {@code ::1}, {@code [::1]}, {@code fe80::1%eth0}. */
    static @Nullable InetAddress parse(String host) throws UnknownHostException {
        boolean bracketed = host.startsWith("[") && host.endsWith("]");
        if (bracketed || host.indexOf(':') >= 0) {
            return InetAddress.getByName(host); // with a colon the JDK never asks anybody
        }
        byte[] bytes = ipv4(host);
        return bytes == null ? null : InetAddress.getByAddress(bytes);
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
}
