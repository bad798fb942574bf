package io.netpark.simulation.scene;

import io.netpark.core.loop.EventLoopGroup;
import io.netpark.simulation.kernel.Network;
import io.netpark.simulation.kernel.SimulatedKernel;
import io.netpark.simulation.schedule.Schedule;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A test on a simulated network, whichever API it is about: its hosts by their names, and the groups of event loops that it has opened on
 * them, which are closed with it. A report of who is stuck has what those groups say of their connections.
 *
 * <p>Any thread may use it.
 */
public final class Scene implements AutoCloseable {

    /** What a test does. */
    @FunctionalInterface
    public interface Body {

        /**
         * Runs in the schedule of the scene.
         *
         * @throws Exception if the test fails
         */
        void run(Scene scene) throws Exception;
    }

    private final Schedule schedule;
    private final Network network;
    /** With the monitor of this, as the two below. */
    private final Map<String, SceneHost> hosts = new LinkedHashMap<>();
    private final List<SceneHost> apart = new ArrayList<>();
    /** The newest last. */
    private final List<EventLoopGroup> groups = new ArrayList<>();

    private Scene(Schedule schedule) {
        this.schedule = schedule;
        this.network = new Network(schedule);
    }

    /**
     * Runs a test in the order of a seed. All that it has opened is closed afterwards.
     *
     * @throws AssertionError if the test has succeeded, and a descriptor is open that no event loop has closed
     * @throws Exception what the test throws, with the seed and the last system calls as a suppressed exception
     */
    public static void run(long seed, Body body) throws Exception {
        Schedule schedule = new Schedule(seed);
        schedule.run(() -> {
            Scene scene = new Scene(schedule);
            schedule.onStuck(scene::dump);
            try (scene) {
                body.run(scene);
            }
            scene.requireNothingOpen();
            return null;
        });
    }

    /** The time and the order of the test. */
    public Schedule schedule() {
        return schedule;
    }

    /** The hosts, and the links between them. */
    public Network network() {
        return network;
    }

    /** The host with this name. It is made when it is first asked for. */
    public synchronized SceneHost host(String name) {
        SceneHost host = hosts.get(name);
        if (host == null) {
            host = new SceneHost(this, name, network.host(name));
            hosts.put(name, host);
        }
        return host;
    }

    /** A host that is not on the network, for what the test needs itself. */
    public synchronized SceneHost apart(String name) {
        SceneHost host = new SceneHost(this, name, new SimulatedKernel(schedule));
        apart.add(host);
        return host;
    }

    synchronized void add(EventLoopGroup group) {
        groups.add(group);
    }

    /** The newest first: what the test itself runs on is the last. What is closed already stays so. */
    @Override
    public void close() {
        for (EventLoopGroup group = newest(); group != null; group = newest()) {
            group.close();
        }
    }

    private synchronized @Nullable EventLoopGroup newest() {
        return groups.isEmpty() ? null : groups.remove(groups.size() - 1);
    }

    /** What is left is not of an event loop: a connection that was detached, or a number that was passed. */
    private void requireNothingOpen() {
        // Whoever the test has not waited for ends what it is at: time goes on when nobody else can, and a descriptor is closed behind its
        // last call.
        schedule.sleep(Duration.ofNanos(1));
        for (SceneHost host : allHosts()) {
            if (!host.kernel().descriptors().isEmpty()) {
                throw new AssertionError("left open on " + host + ": the descriptors " + host.kernel().descriptors());
            }
        }
    }

    private synchronized List<SceneHost> allHosts() {
        List<SceneHost> all = new ArrayList<>(hosts.values());
        all.addAll(apart);
        return all;
    }

    /** Who is parked on which connection, of all groups that are open. */
    private String dump() {
        StringBuilder text = new StringBuilder();
        for (EventLoopGroup group : openGroups()) {
            text.append(text.length() == 0 ? "" : "\n").append(group.dump());
        }
        return text.toString();
    }

    private synchronized List<EventLoopGroup> openGroups() {
        return groups.stream().filter(group -> !group.isClosed()).toList();
    }

    @Override
    public String toString() {
        return "a scene on " + network;
    }
}
