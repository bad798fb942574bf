package io.netpark.simulation.network;

import io.netpark.core.sys.Clock;
import java.net.InetAddress;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Which hosts there are, and the link between each two of them. With the lock of the timeline.
 *
 * @param <T> sockets of TCP
 * @param <U> sockets of UDP
 */
public final class Topology<T extends Tenant, U extends Tenant> {

    private final Clock clock;
    private final Map<InetAddress, Host<T, U>> hosts = new LinkedHashMap<>();
    /** By the pair of their numbers, the smaller one first. */
    private final Map<Long, Link> links = new HashMap<>();
    /** How many connections there have been between hosts. */
    private int connections;
    /** Of connections to come, by their numbers. */
    private final Map<Integer, Allowance> allowances = new HashMap<>();

    public Topology(Clock clock) {
        this.clock = clock;
    }

    void add(Host<T, U> host, InetAddress address) {
        hosts.put(address, host);
    }

    /** The number of the next host, from 1 on. */
    int nextNumber() {
        return hosts.size() + 1;
    }

    /** The host that has an address; null if there is none. */
    @Nullable Host<T, U> find(InetAddress address) {
        return hosts.get(address);
    }

    /** The link between two hosts, in whichever order. */
    public Link link(Host<T, U> one, Host<T, U> other) {
        long first = Math.min(one.number(), other.number());
        long second = Math.max(one.number(), other.number());
        return links.computeIfAbsent(first << Integer.SIZE | second, pair -> new Link(clock));
    }

    /**
     * Limits a connection between hosts that is still to be made.
     *
     * @param ordinal 1 for the next one
     */
    public void allow(int ordinal, long bytes) {
        allowances.put(connections + ordinal, new Allowance(bytes));
    }

    /** A connection has been made. Returns what it may move; null for no limit. */
    @Nullable Allowance connected() {
        return allowances.remove(++connections);
    }

    /** The way from one host to another. */
    Lane lane(Host<T, U> from, Host<T, U> to) {
        return new Lane(link(from, to), from.number() < to.number() ? 0 : 1);
    }
}
