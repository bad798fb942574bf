package io.netpark.callback.simulation;

import io.netpark.callback.CallbackClient;
import io.netpark.callback.CallbackServer;
import io.netpark.core.loop.EventLoopGroup;
import io.netpark.core.net.dialing.Dialer;
import io.netpark.core.sys.NetparkException;
import io.netpark.simulation.kernel.Network;
import io.netpark.simulation.kernel.SimulatedKernel;
import io.netpark.simulation.scene.SceneHost;
import java.net.InetSocketAddress;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** A host of a {@link NetworkTest}. */
public final class TestHost {

    private final SceneHost host;
    private final Network network;
    private @Nullable EventLoopGroup loops;

    TestHost(SceneHost host, Network network) {
        this.host = host;
        this.network = network;
    }

    /** Its name, by which the other hosts find it. */
    public String name() {
        return host.name();
    }

    /** Its kernel, for its limits and what is open on it. */
    public SimulatedKernel kernel() {
        return host.kernel();
    }

    /** Where it can be reached. */
    public InetSocketAddress address(int port) {
        return host.address(port);
    }

    /**
     * An event loop, for all that takes a group: {@code BlockingListener.listen(host.loops(), host.address(7000))}. It is started when
     * it is first asked for, and closed when the test is over.
     *
     * @throws NetparkException if the limits of the kernel do not allow it
     */
    public synchronized EventLoopGroup loops() throws NetparkException {
        if (loops == null) {
            loops = loops(1, more -> {});
        }
        return loops;
    }

    /**
     * Starts another group of event loops. It is closed when the test is over, if the test has not closed it.
     *
     * @param count how many event loops
     * @param configure further choices, such as a reporter, or metrics
     * @throws NetparkException if the limits of the kernel do not allow it
     */
    public EventLoopGroup loops(int count, Consumer<? super EventLoopGroup.Builder> configure) throws NetparkException {
        EventLoopGroup.Builder builder = EventLoopGroup.builder().loops(count);
        host.prepare(builder);
        configure.accept(builder);
        EventLoopGroup group = builder.open();
        host.opened(group);
        return group;
    }

    /**
     * A server on this host, on {@link #loops()}: {@code host.server().onRequest(…).listen(host.address(7000))}. Other loops are
     * {@code .group(host.loops(2, …))}.
     *
     * @throws NetparkException if the limits of the kernel do not allow it
     */
    public CallbackServer.Builder server() throws NetparkException {
        return CallbackServer.builder().group(loops());
    }

    /**
     * A client on this host, on {@link #loops()}. It dials, and so do its pools, by the names of hosts; with another
     * {@link CallbackClient.Builder#dialer dialer} only if that has {@code network().resolver()}.
     *
     * @throws NetparkException if the limits of the kernel do not allow it
     */
    public CallbackClient.Builder client() throws NetparkException {
        return CallbackClient.builder().group(loops()).dialer(dialer -> dialer.withResolver(network.resolver()));
    }

    /**
     * Dials by the names of hosts, for the blocking API: {@code new BlockingPool(host.dialer(), PoolOptions.DEFAULT)}.
     *
     * @throws NetparkException if the limits of the kernel do not allow it
     */
    public Dialer dialer() throws NetparkException {
        return Dialer.of(loops()).withResolver(network.resolver());
    }

    @Override
    public String toString() {
        return name();
    }
}
