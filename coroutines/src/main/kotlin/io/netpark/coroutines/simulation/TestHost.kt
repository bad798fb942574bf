package io.netpark.coroutines.simulation

import io.netpark.core.loop.EventLoopGroup
import io.netpark.core.net.dialing.Dialer
import io.netpark.coroutines.Buffering
import io.netpark.coroutines.Reactor
import io.netpark.simulation.kernel.SimulatedKernel
import java.net.InetSocketAddress

/** A host of a [NetworkTest]. */
public class TestHost internal constructor(
    /** Its name, by which the other hosts find it. */
    public val name: String,
    /** Its kernel, for its limits and what is open on it. */
    public val kernel: SimulatedKernel,
    private val run: NetworkRun,
) {
    private var reactors = 0

    /** A reactor with one loop. It is started when it is first asked for. */
    public val reactor: Reactor by lazy(LazyThreadSafetyMode.NONE) { reactor(loops = 1) }

    /**
     * Dials by the names of hosts, which [Reactor.dial] does not know: `client.reactor.dial(client.dialer, "server", 7000)`.
     */
    public val dialer: Dialer get() = reactor.dialer.withResolver(run.network.resolver())

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
    ): Reactor = run.open(if (reactors++ == 0) name else "$name-$reactors", kernel, loops, buffering, configure)

    /** Where it can be reached. */
    public fun address(port: Int): InetSocketAddress = InetSocketAddress(run.network.address(name), port)

    override fun toString(): String = name
}
