package io.netpark.core.tls;

import java.net.IDN;
import java.util.List;
import java.util.Locale;
import javax.net.ssl.SNIHostName;
import javax.net.ssl.SNIServerName;

/** Names of hosts, as people, certificates and SNI write them. */
final class HostName {

    private HostName() {}

    /** Lower case, without the dot of the root. */
    static String plain(String name) {
        String lower = name.toLowerCase(Locale.ROOT);
        return lower.endsWith(".") ? lower.substring(0, lower.length() - 1) : lower;
    }

    /**
     * The form that is compared and sent: a name in ASCII (RFC 3490), an address without brackets and zone.
     *
     * @throws IllegalArgumentException if it is no name and no address
     */
    static String wire(String host) {
        String bare = host.startsWith("[") && host.endsWith("]") ? host.substring(1, host.length() - 1) : host;
        if (bare.indexOf(':') >= 0) {
            int zone = bare.indexOf('%');
            return zone < 0 ? bare : bare.substring(0, zone);
        }
        return plain(IDN.toASCII(bare));
    }

    /** Whether it is an address and no name: of such nothing is sent by SNI (RFC 6066). */
    static boolean isAddress(String host) {
        if (host.indexOf(':') >= 0) {
            return true;
        }
        for (int i = 0; i < host.length(); i++) {
            char c = host.charAt(i);
            if (c != '.' && (c < '0' || c > '9')) {
                return false;
            }
        }
        return true;
    }

    /**
     * What is sent by SNI for a name. Nothing for those that no host may have, such as with underscores: servers of the JDK
     * break off if they are sent one.
     */
    static List<SNIServerName> asked(String name) {
        try {
            return List.of(new SNIHostName(name));
        } catch (IllegalArgumentException e) {
            return List.of();
        }
    }

    /** What a wildcard that covers the name looks like: the first label is a star, and stands for one label (RFC 9525). */
    static String wildcardOf(String name) {
        int dot = name.indexOf('.');
        return dot < 0 ? "*" : "*" + name.substring(dot);
    }
}
