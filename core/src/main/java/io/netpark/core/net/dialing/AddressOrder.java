package io.netpark.core.net.dialing;

import java.net.Inet6Address;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.List;

/** In which order the addresses of a host are tried. */
final class AddressOrder {

    private AddressOrder() {}

    /** RFC 8305, section 4: the families in turn, beginning with the first. */
    static List<InetAddress> interleaved(List<InetAddress> found) {
        boolean sixFirst = found.get(0) instanceof Inet6Address;
        List<InetAddress> first = new ArrayList<>();
        List<InetAddress> second = new ArrayList<>();
        for (InetAddress address : found) {
            (address instanceof Inet6Address == sixFirst ? first : second).add(address);
        }
        List<InetAddress> all = new ArrayList<>(found.size());
        for (int i = 0; i < Math.max(first.size(), second.size()); i++) {
            if (i < first.size()) {
                all.add(first.get(i));
            }
            if (i < second.size()) {
                all.add(second.get(i));
            }
        }
        return all;
    }
}
