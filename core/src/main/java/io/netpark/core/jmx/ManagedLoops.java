package io.netpark.core.jmx;

import io.netpark.core.loop.EventLoopGroup;
import io.netpark.core.report.GroupHealth.ListenerHealth;
import io.netpark.core.report.GroupHealth.LoopHealth;
import io.netpark.core.sys.AddressText;
import java.lang.management.ManagementFactory;
import java.util.concurrent.atomic.AtomicBoolean;
import javax.management.InstanceAlreadyExistsException;
import javax.management.InstanceNotFoundException;
import javax.management.JMException;
import javax.management.ObjectName;

/** The registration of a group as an MBean of the platform's server. Needs the module {@code java.management}. */
public final class ManagedLoops implements AutoCloseable {

    private final ObjectName name;
    /** Another group may have the name by the time that this is closed again. */
    private final AtomicBoolean closed = new AtomicBoolean();

    private ManagedLoops(ObjectName name) {
        this.name = name;
    }

    /**
     * Registers a group as {@code io.netpark:type=EventLoops,name="…"}, an {@link EventLoopsMXBean}. Netpark registers no group by itself:
     * whoever can speak JMX to this process sees the addresses of its peers from then on, and with Ktor the paths and queries of their
     * requests.
     *
     * @param group whose loops they are
     * @param name of the group, any text
     * @return ends the registration, which keeps the group reachable, when it is closed
     * @throws IllegalStateException if a group is registered by that name
     */
    public static ManagedLoops register(EventLoopGroup group, String name) {
        try {
            ObjectName full = new ObjectName("io.netpark:type=EventLoops,name=" + ObjectName.quote(name));
            ManagementFactory.getPlatformMBeanServer().registerMBean(new Loops(group), full);
            return new ManagedLoops(full);
        } catch (InstanceAlreadyExistsException e) {
            throw new IllegalStateException("event loops are registered as \"" + name + "\" already; give these another name", e);
        } catch (JMException e) {
            throw new IllegalStateException("register event loops as \"" + name + "\"", e);
        }
    }

    /** The name of the MBean. */
    public ObjectName objectName() {
        return name;
    }

    /** Ends the registration. Calling it again has no effect. */
    @Override
    public void close() {
        if (!closed.compareAndSet(false, true)) {
            return;
        }
        try {
            ManagementFactory.getPlatformMBeanServer().unregisterMBean(name);
        } catch (InstanceNotFoundException e) {
            // It has ended.
        } catch (JMException e) {
            throw new IllegalStateException("end the registration of " + name, e);
        }
    }

    private record Loops(EventLoopGroup group) implements EventLoopsMXBean {

        @Override
        public boolean isWell() {
            return group.health().isWell();
        }

        @Override
        public String[] getSilentLoops() {
            return group.health().loops().stream().filter(loop -> !loop.answers()).map(LoopHealth::name).toArray(String[]::new);
        }

        @Override
        public String[] getPausedListeners() {
            return group.health().listeners().stream().filter(listener -> listener.state() == ListenerHealth.State.PAUSED)
                    .map(listener -> AddressText.of(listener.address())).toArray(String[]::new);
        }

        @Override
        public long getDescriptorsLeft() {
            return group.health().descriptorsLeft();
        }

        @Override
        public String dump() {
            return group.dump();
        }
    }
}
