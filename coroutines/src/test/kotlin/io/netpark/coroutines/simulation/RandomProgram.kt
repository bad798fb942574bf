package io.netpark.coroutines.simulation

import io.kotest.matchers.collections.shouldBeEmpty
import io.kotest.matchers.shouldBe
import io.netpark.core.buffer.SegmentPool
import io.netpark.core.net.listening.Admission
import io.netpark.core.net.options.NetOptions
import io.netpark.core.net.serving.Shutdown
import io.netpark.core.net.streams.PeerState
import io.netpark.core.sys.NetparkException
import io.netpark.coroutines.Buffering
import io.netpark.coroutines.Connection
import io.netpark.coroutines.Listener
import io.netpark.coroutines.Reactor
import io.netpark.coroutines.transfer.Relayed
import io.netpark.coroutines.transfer.relay
import io.netpark.simulation.kernel.SimulatedKernel
import io.netpark.simulation.link.LinkConditions
import java.nio.ByteBuffer
import java.time.Duration
import java.util.concurrent.ConcurrentLinkedQueue
import kotlin.coroutines.EmptyCoroutineContext
import kotlin.random.Random
import kotlin.time.Duration.Companion.seconds
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Job
import kotlinx.coroutines.awaitAll
import kotlinx.coroutines.delay
import kotlinx.coroutines.joinAll
import kotlinx.coroutines.launch
import kotlinx.coroutines.withContext
import kotlinx.coroutines.withTimeoutOrNull

/** Of simulated time. More than the slowest link needs; who tries again and again takes as long. */
private val LIMIT = 30.seconds

/** How many system calls a program has made, how often it was decided whose turn it is, and how often something was made to go wrong. */
internal data class Tally(val calls: Long, val decisions: Long, val faults: Long)

/** A program that is made of a seed: connections between a client and a server, some of them by way of a relay, and one kind of trouble. */
internal class RandomProgram(private val seed: Long) {
    private val random = Random(seed)
    private val trouble = Trouble.entries.random(random)
    private val isRelayed = random.nextInt(4) == 0
    private val clients = List(1 + random.nextInt(4)) { client ->
        List(1 + random.nextInt(3)) { Plan(random, client * 3 + it, trouble, isRelayed) }
    }
    private val plans = clients.flatten().associateBy { it.number }
    private val served = plans.mapValues { CompletableDeferred<Unit>() }
    private val exchanges = Exchanges(random)
    private val admission = if (random.nextBoolean()) null else Admission.of(1 + random.nextInt(3), Admission.Excess.WAIT)
    private val bystanders = Bystanders(Random(random.nextLong()))
    private val pool = SegmentPool.builder().build()
    private val reports = ConcurrentLinkedQueue<String>()
    private val relayed = ConcurrentLinkedQueue<Relayed>()
    private val kernels = mutableListOf<SimulatedKernel>()
    private val options = NetOptions.DEFAULT.withSendBuffer(2048 + random.nextInt(8192)).withReceiveBuffer(2048 + random.nextInt(8192))
    private val conditions = LinkConditions.IDEAL
        .withLatency(Duration.ofNanos(random.nextLong(5_000_000)))
        .withJitter(Duration.ofNanos(random.nextLong(5_000_000)))
        .withBytesPerSecond(listOf(Long.MAX_VALUE, 100_000, 5_000_000).random(random))

    fun run(): Tally {
        var tally = Tally(0, 0, 0)
        runNetworkTest(seed) {
            withTimeoutOrNull(LIMIT) { runClients(this) } ?: error("it is not over after $LIMIT")
            if (!trouble.breaks) relayed.sumOf { it.toOther + it.fromOther } shouldBe if (isRelayed) plans.values.sumOf { it.length } else 0
            schedule.trace().last(Int.MAX_VALUE).filter { " = -9 at " in it }.shouldBeEmpty() // EBADF
            tally = Tally(schedule.trace().count(), schedule.decisions(), faults())
        }
        kernels.flatMap { it.descriptors() }.shouldBeEmpty()
        reports.shouldBeEmpty()
        pool.statistics().lentSegments shouldBe 0
        (admission?.open() ?: 0) shouldBe 0
        pool.close()
        return tally
    }

    private fun faults(): Long = when {
        trouble == Trouble.NONE -> 0
        trouble.interrupts -> plans.values.sumOf { it.interrupted.get() }
        trouble == Trouble.CLOSE -> plans.size.toLong()
        else -> 1
    }

    private fun NetworkTest.open(name: String): Pair<TestHost, Reactor> {
        val host = host(name)
        kernels += host.kernel
        val reactor = host.reactor(1 + random.nextInt(3), Buffering(pool)) { reporter { what, cause -> reports += "$what: $cause" } }
        return host to reactor
    }

    private suspend fun NetworkTest.runClients(scope: CoroutineScope) {
        val (server, serving) = open("server")
        val (client, dialing) = open("client")
        network.between("server", "client", conditions)
        val listener = serving.listen(server.address(7000), options, admission)
        val answering = serving.listen(server.address(7001))
        launch { listener.serve { serve(it, server) } }
        launch { answering.serve { exchanges.answer(it) } }
        var destination = server.address(7000)
        if (isRelayed) {
            val (middle, relaying) = open("middle")
            destination = middle.address(7000)
            val relays = relaying.listen(destination, options)
            launch {
                relays.serve { one ->
                    fairly {
                        relaying.dial(server.address(7000), options = options).use { other ->
                            relay(one, other, Relayed().also { relayed += it })
                        }
                    }
                }
            }
        }
        if (trouble == Trouble.RESET) network.resetConnection(1 + random.nextInt(plans.size), 1L + random.nextInt(20_000))
        val asking = scope.launch { exchanges.ask(dialing, server.address(7001)) }
        val beside = scope.launch { bystanders.run(dialing, client.address(7002), schedule) }
        val talks = clients.map { rounds ->
            val context = (dialing.loopDispatchers + EmptyCoroutineContext).random(random)
            val closer = (dialing.loopDispatchers + EmptyCoroutineContext).random(random)
            scope.launch {
                withContext(context) {
                    for (plan in rounds) fairly {
                        dialing.dial(destination, options = options).use { connection ->
                            connection.write(byteArrayOf(plan.number.toByte()))
                            if (trouble == Trouble.CLOSE) {
                                if (!isRelayed && !plan.speech(DOWN).isOver) connection.peerState shouldBe PeerState.PRESENT
                                if (plan.closesAt == null) scope.launch { delay(plan.moment).also { connection.close() } }
                            }
                            Talk(connection, plan, UP, client.kernel, schedule) { scope.launch(closer) { connection.close() } }.run()
                        }
                    }
                }
            }
        }
        if (trouble == Trouble.END_OF_SERVER || trouble == Trouble.SHUTDOWN) endServer(asking, serving, listener)
        talks.joinAll()
        asking.join()
        beside.join()
        served.values.filter { it.isCompleted || !trouble.breaks }.awaitAll()
    }

    private suspend fun NetworkTest.endServer(asking: Job, serving: Reactor, listener: Listener) {
        delay(plans.values.first().moment)
        if (trouble == Trouble.SHUTDOWN) {
            listener.shutdown(Shutdown.within(Duration.ofMillis(random.nextLong(20))))
        } else {
            asking.cancel()
            serving.close()
        }
    }

    private suspend fun NetworkTest.serve(connection: Connection, server: TestHost) {
        val number = ByteBuffer.allocate(1)
        fairly { connection.read(number) }
        if (number.position() == 0) return // it has broken before
        val plan = plans.getValue(number.get(0).toInt())
        val failure = runCatching { Talk(connection, plan, DOWN, server.kernel, schedule).run() }.exceptionOrNull()
        val isFair = failure == null || trouble.breaks && failure is NetparkException || failure is CancellationException
        if (isFair) served.getValue(plan.number).complete(Unit) else served.getValue(plan.number).completeExceptionally(failure)
    }

    /** Connections may break if they have the trouble for it. */
    private suspend fun fairly(body: suspend () -> Unit) {
        try {
            body()
        } catch (e: NetparkException) {
            if (!trouble.breaks) throw e
        }
    }
}
