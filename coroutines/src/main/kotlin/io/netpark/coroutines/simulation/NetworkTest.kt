package io.netpark.coroutines.simulation

import io.netpark.core.loop.EventLoopGroup
import io.netpark.coroutines.Buffering
import io.netpark.coroutines.Reactor
import io.netpark.coroutines.loops.LoopDispatcher
import io.netpark.simulation.kernel.Network
import io.netpark.simulation.scene.Scene
import io.netpark.simulation.scene.SceneHost
import io.netpark.simulation.schedule.Schedule
import kotlin.time.Duration
import kotlin.time.toKotlinDuration
import kotlinx.coroutines.CoroutineDispatcher
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.asCoroutineDispatcher
import kotlinx.coroutines.cancelChildren
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.delay
import kotlinx.coroutines.launch

/**
 * Runs a test on a simulated network: hosts that are in memory, a time that passes when nobody has anything to do, and threads that run one
 * at a time in an order that the seed draws. The same seed does the same again.
 *
 * ```
 * runNetworkTest(seed = 1) {
 *     val server = host("server")
 *     val client = host("client")
 *     val listener = server.reactor.listen(server.address(7000))
 *     launch { listener.serve { greeter(it) } }
 *     client.reactor.dial(server.address(7000)).use { connection ->
 *         connection.write("ann\n".toByteArray())
 *         check(connection.reader.awaitLine() == "hello ann")
 *     }
 * }
 * ```
 *
 * The test is a coroutine on a loop of its own, so `delay` and `withTimeout` in it are of the simulated time. When it returns, the
 * coroutines that it has launched are cancelled and the reactors of its hosts are closed. The calling thread waits meanwhile.
 *
 * What other dispatchers run, such as that of `withContext(Dispatchers.IO)`, has no part in the order, and the time does not wait for it.
 * [NetworkTest.dispatcher] makes one that has.
 *
 * @throws io.netpark.simulation.schedule.StuckException if nothing can happen any more before the test is over; it says which thread waits
 *   where, and which coroutine is parked on which connection, at which line
 * @throws AssertionError if a descriptor is still open when all reactors are closed
 * @throws Throwable what the test throws, with the seed and the last system calls as a suppressed exception
 */
public fun runNetworkTest(seed: Long, test: suspend NetworkTest.() -> Unit) {
    Scene.run(seed) { NetworkRun(it).run(test) }
}

/** Runs a test as the other does, once for each of [seeds], up to the first that fails. */
public fun runNetworkTest(seeds: LongRange, test: suspend NetworkTest.() -> Unit) {
    seeds.forEach { runNetworkTest(it, test) }
}

/** A test on a simulated network, as [runNetworkTest] runs it. Its coroutines end with it. */
public class NetworkTest internal constructor(
    scope: CoroutineScope,
    private val run: NetworkRun,
) : CoroutineScope by scope {

    /** The hosts, and the links between them, which can be slow, lossy or cut. */
    public val network: Network get() = run.network

    /** The time and the order of the test. */
    public val schedule: Schedule get() = run.schedule

    /** How much simulated time has passed. */
    public val elapsed: Duration get() = schedule.elapsed().toKotlinDuration()

    /** The host with this name. It is made when it is first asked for. */
    public fun host(name: String): TestHost = run.host(name)

    /** Lets the others go on for this time. The same as `delay`. */
    public suspend fun advanceTimeBy(time: Duration): Unit = delay(time)

    /**
     * A dispatcher of threads that take part in the order of the test: give it to what would run on [Dispatchers.IO] or
     * [Dispatchers.Default] otherwise. The time stands still while such a thread has something to do,
     * and `delay` and `withTimeout` are of that time. A coroutine there may call what waits by the [schedule], such as the blocking API.
     *
     * @param parallelism how many coroutines may run there at a time, at least 1
     */
    public fun dispatcher(parallelism: Int): CoroutineDispatcher = run.threads.limitedParallelism(parallelism)
}

/** The test itself, on a loop of its own. */
internal class NetworkRun(private val scene: Scene) {

    val schedule: Schedule get() = scene.schedule()
    val network: Network get() = scene.network()
    private val hosts = LinkedHashMap<String, TestHost>()
    private val dispatcher: LoopDispatcher = scene.apart("test").openReactor(1, Buffering()) {}.loopDispatchers.single()

    /** Threads that are no event loops: each task has one, so the executor that the schedule is given runs nothing. */
    val threads: CoroutineDispatcher by lazy {
        TestThreads(dispatcher.loop, schedule.overShared { it.run() }).asCoroutineDispatcher()
    }

    fun host(name: String): TestHost = synchronized(hosts) { hosts.getOrPut(name) { TestHost(scene.host(name), network) } }

    fun run(test: suspend NetworkTest.() -> Unit) {
        var outcome: Result<Unit>? = null
        val job = CoroutineScope(dispatcher).launch {
            outcome = runCatching {
                coroutineScope {
                    NetworkTest(this, this@NetworkRun).test()
                    coroutineContext.cancelChildren()
                }
            }
        }
        try {
            schedule.await { outcome != null }
        } finally {
            job.cancel()
        }
        outcome?.getOrThrow()
    }
}

/** Starts a reactor that is closed with the test. */
internal fun SceneHost.openReactor(loops: Int, buffering: Buffering, configure: EventLoopGroup.Builder.() -> Unit): Reactor =
    Reactor(loops, buffering) {
        prepare(this)
        configure()
    }.also { opened(it.group) }
