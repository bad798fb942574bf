package io.netpark.simulation.kernel;

import io.netpark.core.net.dialing.Resolver;
import io.netpark.core.sys.Clock;
import io.netpark.simulation.link.LinkConditions;
import io.netpark.simulation.network.Host;
import io.netpark.simulation.network.Link;
import io.netpark.simulation.network.Topology;
import io.netpark.simulation.schedule.Timeline;
import io.netpark.simulation.socket.TcpSocket;
import io.netpark.simulation.socket.UdpSocket;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;

/**
 * Hosts that reach each other, each with a kernel of its own. Between each two of them is a link, on which nothing takes time until
 * that is changed.
 *
 * <pre>{@code
 * Network network = new Network(schedule);
 * SimulatedKernel server = network.host("server");
 * SimulatedKernel client = network.host("client");
 * network.between("server", "client", LinkConditions.IDEAL.withLatency(Duration.ofMillis(20)));
 * }</pre>
 *
 * <p>Any thread may use it, at any time. What is under way when a link changes arrives when it would have arrived, unless the link is cut
 * then.
 */
public final class Network {

    private record Place(Host<TcpSocket, UdpSocket> host, SimulatedKernel kernel, InetAddress address) {}

    private static final int MOST = 250;

    private final Timeline timeline;
    private final Topology<TcpSocket, UdpSocket> topology;
    /** With the timeline's lock. */
    private final Map<String, Place> places = new LinkedHashMap<>();

    /** @param clock also that of the event loops that run on its hosts */
    public Network(Clock clock) {
        this.timeline = new Timeline(clock);
        this.topology = new Topology<>(clock);
    }

    /** The clock of all hosts. */
    public Clock clock() {
        return timeline.clock();
    }

    /**
     * Makes a host. It has loopback, and an address that the others reach: 10.0.0.1 the first, 10.0.0.2 the second.
     *
     * @return its kernel
     * @throws IllegalArgumentException if the name is taken
     * @throws IllegalStateException if there are 250 hosts
     */
    public SimulatedKernel host(String name) {
        return timeline.look(() -> {
            if (places.containsKey(name)) {
                throw new IllegalArgumentException("there is a host \"" + name + "\" already");
            }
            if (places.size() == MOST) {
                throw new IllegalStateException("a network has no more than " + MOST + " hosts");
            }
            InetAddress address = addressOf(name, places.size() + 1);
            Host<TcpSocket, UdpSocket> host = new Host<>(timeline, topology, address);
            SimulatedKernel kernel = new SimulatedKernel(host);
            places.put(name, new Place(host, kernel, address));
            return kernel;
        });
    }

    private static InetAddress addressOf(String name, int number) {
        try {
            return InetAddress.getByAddress(name, new byte[] {10, 0, 0, (byte) number});
        } catch (UnknownHostException impossible) {
            throw new AssertionError(impossible); // thrown only for arrays of other lengths
        }
    }

    /**
     * The address of a host.
     *
     * @throws IllegalArgumentException if there is no such host
     */
    public InetAddress address(String host) {
        return timeline.look(() -> place(host).address);
    }

    private Place place(String name) {
        Place place = places.get(name);
        if (place == null) {
            throw new IllegalArgumentException("there is no host \"" + name + "\" among " + places.keySet());
        }
        return place;
    }

    /** Finds the address of a host by its name, at once; any other name has none. */
    public Resolver resolver() {
        return name -> timeline.look(() -> {
            Place place = places.get(name);
            return place == null ? CompletableFuture.failedFuture(new UnknownHostException(name))
                    : CompletableFuture.completedFuture(List.of(place.address));
        });
    }

    // Links

    /** Sets what the link between two hosts is like. */
    public void between(String one, String other, LinkConditions conditions) {
        link(one, other, link -> link.setConditions(conditions));
    }

    /**
     * Has the link between two hosts lose everything. What was sent is sent again and again, and its connection ends with ETIMEDOUT
     * after a quarter of an hour, or after two minutes if it is being made. An end that has nothing under way is not told.
     */
    public void cut(String one, String other) {
        link(one, other, link -> link.cut(true));
    }

    /** Ends a {@link #cut}. */
    public void heal(String one, String other) {
        link(one, other, link -> link.cut(false));
    }

    /** Has the next SYNs between two hosts get lost: a dial takes a second longer for one, three seconds for two, and so on. */
    public void dropSyns(String one, String other, int count) {
        link(one, other, link -> link.dropSyns(count));
    }

    /**
     * Has a connection between two hosts reset, as something on the way would do it: both ends find out when the reset arrives.
     *
     * @param ordinal of the connections that are made from now on; 1 for the next
     * @param bytes so many still arrive, of both directions together
     * @throws IllegalArgumentException if the ordinal or the number of bytes is not positive
     */
    public void resetConnection(int ordinal, long bytes) {
        if (ordinal < 1 || bytes < 1) {
            throw new IllegalArgumentException("reset connection " + ordinal + " after " + bytes + " bytes: both are at least 1");
        }
        timeline.look(() -> {
            topology.allow(ordinal, bytes);
            return true;
        });
    }

    /** Cuts the links between the hosts that are named and all others: the network falls into two. */
    public void isolate(String... hosts) {
        betweenSides(hosts, link -> link.cut(true));
    }

    /** Ends an {@link #isolate}, or several {@link #cut}s. */
    public void rejoin(String... hosts) {
        betweenSides(hosts, link -> link.cut(false));
    }

    private void betweenSides(String[] hosts, Consumer<Link> change) {
        timeline.look(() -> {
            List<Place> inside = new ArrayList<>();
            Arrays.asList(hosts).forEach(name -> inside.add(place(name)));
            for (Place other : places.values()) {
                if (!inside.contains(other)) {
                    inside.forEach(each -> change.accept(topology.link(each.host, other.host)));
                }
            }
            return true;
        });
    }

    private void link(String one, String other, Consumer<Link> change) {
        timeline.look(() -> {
            if (one.equals(other)) {
                throw new IllegalArgumentException("a host has no link to itself: " + one);
            }
            change.accept(topology.link(place(one).host, place(other).host));
            return true;
        });
    }

    @Override
    public String toString() {
        return "a network of " + timeline.look(() -> List.copyOf(places.keySet()));
    }
}
