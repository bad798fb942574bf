package io.netpark.simulation.network;

import io.netpark.core.sys.Errno;
import io.netpark.simulation.description.Failure;
import io.netpark.simulation.schedule.Timeline;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import org.jspecify.annotations.Nullable;

/**
 * A machine on the network, as far as its kernel's sockets need one: its addresses and its ports.
 *
 * @param <T> sockets of TCP
 * @param <U> sockets of UDP
 */
public final class Host<T extends Tenant, U extends Tenant> {

    private final Timeline timeline;
    private final Ports<T> tcp;
    private final Ports<U> udp;
    private final @Nullable Topology<T, U> topology;
    /** Its own, apart from loopback; null if it has none. */
    private final @Nullable InetAddress address;
    private final int number;

    /** A host that has nothing but loopback. */
    public Host(Timeline timeline) {
        this(timeline, null, null);
    }

    /** A host among others. */
    public Host(Timeline timeline, @Nullable Topology<T, U> topology, @Nullable InetAddress address) {
        this.timeline = timeline;
        this.topology = topology;
        this.address = address;
        this.number = topology == null ? 0 : topology.nextNumber();
        if (topology != null && address != null) {
            topology.add(this, address);
        }
        this.tcp = new Ports<>(timeline.clock());
        this.udp = new Ports<>(timeline.clock());
    }

    public Timeline timeline() {
        return timeline;
    }

    /** Among the hosts of its network. */
    int number() {
        return number;
    }

    public Ports<T> tcp() {
        return tcp;
    }

    public Ports<U> udp() {
        return udp;
    }

    /** Whether it is an address of this host. */
    public boolean isLocal(InetAddress address) {
        return address.isLoopbackAddress() || address.equals(this.address);
    }

    /** Whether a socket can be bound to it. */
    public boolean canBind(InetAddress address) {
        return address.isAnyLocalAddress() || isLocal(address);
    }

    /** Where a packet to an address goes; the wildcard means this host. */
    public InetSocketAddress route(InetSocketAddress to) {
        if (to.getAddress().isAnyLocalAddress()) {
            return new InetSocketAddress(loopback(to.getAddress()), to.getPort());
        }
        if (at(to.getAddress()) == null) {
            throw new Failure(Errno.ENETUNREACH);
        }
        return to;
    }

    /** The host that has an address, as seen from here; null if there is none. */
    public @Nullable Host<T, U> at(InetAddress address) {
        return isLocal(address) ? this : topology == null ? null : topology.find(address);
    }

    /** A connection to another host has been made. Returns what it may move; null for no limit. */
    public @Nullable Allowance connected() {
        return topology == null ? null : topology.connected();
    }

    /** The way to another host; null if that is this one. */
    public @Nullable Lane laneTo(Host<T, U> other) {
        return other == this || topology == null ? null : topology.lane(this, other);
    }

    /** Where a packet to an address comes from, if its socket does not say. */
    public InetAddress sourceFor(InetAddress to) {
        return address == null || to.isLoopbackAddress() ? loopback(to) : address;
    }

    private static InetAddress loopback(InetAddress ofFamily) {
        byte[] bytes = new byte[ofFamily instanceof Inet6Address ? 16 : 4];
        bytes[bytes.length - 1] = 1;
        if (bytes.length == 4) {
            bytes[0] = 127;
        }
        try {
            return InetAddress.getByAddress(bytes);
        } catch (UnknownHostException impossible) {
            throw new AssertionError(impossible); // thrown only for arrays of other lengths
        }
    }
}
