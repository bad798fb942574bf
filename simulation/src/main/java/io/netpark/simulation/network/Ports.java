package io.netpark.simulation.network;

import io.netpark.core.sys.Clock;
import io.netpark.core.sys.Errno;
import io.netpark.simulation.description.Failure;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The ports of a host for one protocol, and who has them. Who may share one is in ip(7) and socket(7), and in the kernel's
 * inet_csk_bind_conflict.
 *
 * @param <T> the sockets of the protocol
 */
public final class Ports<T extends Tenant> {

    /** /proc/sys/net/ipv4/ip_local_port_range. */
    private static final int FIRST = 32_768;
    private static final int LAST = 60_999;

    private final Clock clock;
    private final Map<Integer, List<T>> tenants = new HashMap<>();

    Ports(Clock clock) {
        this.clock = clock;
    }

    /** A port that nobody has, drawn by lot; 0 if all are taken. */
    public int choose() {
        int count = LAST - FIRST + 1;
        int start = clock.draw(count);
        for (int i = 0; i < count; i++) {
            int port = FIRST + (start + i) % count;
            if (!tenants.containsKey(port)) {
                return port;
            }
        }
        return 0;
    }

    /** Lets a socket in where it is bound, or fails because somebody else is there. */
    public void bind(T tenant) {
        for (T other : at(tenant.local().getPort())) {
            boolean share = tenant.reusesAddress() && other.reusesAddress() && !other.isListening()
                    || tenant.reusesPort() && other.reusesPort();
            if (!share && overlap(tenant, other)) {
                throw new Failure(Errno.EADDRINUSE);
            }
        }
        add(tenant);
    }

    /** Fails if a socket may not listen, because another does already. */
    public void requireToListen(T tenant) {
        for (T other : at(tenant.local().getPort())) {
            if (other != tenant && other.isListening() && overlap(tenant, other) && !(tenant.reusesPort() && other.reusesPort())) {
                throw new Failure(Errno.EADDRINUSE);
            }
        }
    }

    /** Lets a socket in unasked: one that has been accepted. */
    public void add(T tenant) {
        tenants.computeIfAbsent(tenant.local().getPort(), port -> new ArrayList<>()).add(tenant);
    }

    /** Nothing if it is not there. */
    public void remove(T tenant) {
        int port = tenant.local().getPort();
        List<T> here = at(port);
        if (here.remove(tenant) && here.isEmpty()) {
            tenants.remove(port);
        }
    }

    private List<T> at(int port) {
        return tenants.getOrDefault(port, List.of());
    }

    private static boolean overlap(Tenant one, Tenant other) {
        return covers(one, other.local().getAddress()) || covers(other, one.local().getAddress())
                || one.takesBoth() && isWildcard(one) && isWildcard(other) || other.takesBoth() && isWildcard(one) && isWildcard(other);
    }

    private static boolean isWildcard(Tenant tenant) {
        return tenant.local().getAddress().isAnyLocalAddress();
    }

    /** Whether what is sent to an address may be for it. */
    private static boolean covers(Tenant tenant, InetAddress address) {
        InetAddress own = tenant.local().getAddress();
        return own.equals(address)
                || own.isAnyLocalAddress() && (own instanceof Inet6Address == address instanceof Inet6Address || tenant.takesBoth());
    }

    /** How well a socket suits a message; the best gets it. */
    @FunctionalInterface
    public interface Fitness<T> {
        /** Below 0 if it does not want it at all. */
        int of(T tenant);
    }

    /** The socket for what comes to an address: the one bound to just that, then one of the wildcard. Equals draw lots. */
    public @Nullable T find(InetSocketAddress to, Fitness<T> fitness) {
        List<T> best = new ArrayList<>();
        int score = 0;
        for (T tenant : at(to.getPort())) {
            int fit = fitness.of(tenant);
            if (fit < 0 || !covers(tenant, to.getAddress())) {
                continue;
            }
            int own = fit * 4 + (isWildcard(tenant) ? 0 : 2) + (tenant.takesBoth() ? 0 : 1);
            if (best.isEmpty() || own > score) {
                best.clear();
                score = own;
            }
            if (own == score) {
                best.add(tenant);
            }
        }
        return switch (best.size()) {
            case 0 -> null;
            case 1 -> best.get(0);
            default -> best.get(best.get(0).reusesPort() ? clock.draw(best.size()) : best.size() - 1);
        };
    }
}
