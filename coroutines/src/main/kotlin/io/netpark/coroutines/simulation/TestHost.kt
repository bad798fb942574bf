package io.netpark.coroutines.simulation

import io.netpark.core.loop.EventLoopGroup
import io.netpark.core.net.dialing.Dialer
import io.netpark.coroutines.Buffering
import io.netpark.coroutines.Reactor
import io.netpark.simulation.kernel.Network
import io.netpark.simulation.kernel.SimulatedKernel
import io.netpark.simulation.scene.SceneHost
import java.net.InetSocketAddress

/** A host of a [NetworkTest]. */
public class TestHost internal constructor(
    private val host: SceneHost,
    private val network: Network,
) {
    /** Its name, by which the other hosts find it. */
    public val name: String get() = host.name()

    /** Its kernel, for its limits and what is open on it. */
    public val kernel: SimulatedKernel get() = host.kernel()

    /** A reactor with one loop. It is started when it is first asked for. */
    public val reactor: Reactor by lazy { reactor(loops = 1) }

    /**
     * Dials by the names of hosts, which [Reactor.dial] does not know: `client.reactor.dial(client.dialer, "server", 7000)`.
     */
    public val dialer: Dialer get() = reactor.dialer.withResolver(network.resolver())

    /**
     * Starts another reactor. It is closed when the test is over, if the test has not closed it.
     *
     * @param loops how many event loops
     * @param buffering how much its connections may hold, and from which pool: with one of the test's own, the test can see that nothing
     *   stays lent
     */
    public fun reactor(
        loops: Int,
        buffering: Buffering = Buffering(),
        configure: EventLoopGroup.Builder.() -> Unit = {},
    ): Reactor = host.openReactor(loops, buffering, configure)

    /** Where it can be reached. */
    public fun address(port: Int): InetSocketAddress = host.address(port)

    override fun toString(): String = name
}
