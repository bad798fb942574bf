package io.netpark.coroutines.simulation

import io.kotest.matchers.collections.shouldBeEmpty
import io.kotest.matchers.shouldBe
import io.netpark.core.buffer.SegmentPool
import io.netpark.core.net.listening.Admission
import io.netpark.core.net.options.NetOptions
import io.netpark.core.net.serving.Shutdown
import io.netpark.core.net.streams.PeerState
import io.netpark.core.sys.NetparkException
import io.netpark.core.sys.UnixAddress
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
import kotlin.time.Duration.Companion.microseconds
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

/**
 * A program that is made of a seed: connections between a client and a server, some of them by way of a relay, over TLS or by a path, and
 * troubles. Most are small, so that there are many in an hour.
 */
internal class RandomProgram(private val seed: Long) {
    private val random = Random(seed)
    private val troubles = Troubles.draw(random)
    private val isRelayed = random.nextInt(4) == 0
    /** The clients are on the host of what they dial. The network knows nothing of such a connection, and so cannot reset it. */
    private val isLocal = random.nextInt(5) == 0 && Trouble.RESET !in troubles
    private val tls = if (!isLocal && random.nextInt(8) == 0) ProgramTls() else null
    private val isLarge = random.nextInt(4) == 0
    private val clients = List(1 + random.nextInt(if (isLarge) 4 else 2)) { client ->
        List(1 + random.nextInt(if (isLarge) 3 else 2)) { Plan(random, client * 3 + it, troubles, isRelayed) }
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
    private val reactors = mutableListOf<Reactor>()
    private val options = NetOptions.DEFAULT.withSendBuffer(2048 + random.nextInt(8192)).withReceiveBuffer(2048 + random.nextInt(8192))
    private val conditions = LinkConditions.IDEAL
        .withLatency(Duration.ofNanos(random.nextLong(5_000_000)))
        .withJitter(Duration.ofNanos(random.nextLong(5_000_000)))
        .withBytesPerSecond(listOf(Long.MAX_VALUE, 100_000, 5_000_000).random(random))

    fun run(): Tally = try {
        runOnce()
    } catch (e: Throwable) {
        throw AssertionError("$this: $e", e)
    }

    override fun toString(): String =
        "$troubles" + (if (isRelayed) ", relayed" else "") + (if (isLocal) ", by a path" else "") + (if (tls != null) ", over TLS" else "")

    private fun runOnce(): Tally {
        var tally = Tally(0, 0, 0)
        runNetworkTest(seed) {
            withTimeoutOrNull(LIMIT) { runClients(this) } ?: error("it is not over after $LIMIT")
            if (!troubles.breaks) {
                relayed.sumOf { it.toOther + it.fromOther } shouldBe if (isRelayed) plans.values.sumOf { it.length } else 0
            }
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

    private fun faults(): Long = plans.values.sumOf { it.interrupted.get() } +
        (if (Trouble.CLOSE in troubles) plans.size else 0) +
        listOf(Trouble.RESET, Trouble.END_OF_SERVER, Trouble.SHUTDOWN, Trouble.RESIZE).count { it in troubles }

    private fun NetworkTest.open(name: String): Pair<TestHost, Reactor> {
        val host = host(name)
        kernels += host.kernel
        val reactor = host.reactor(1 + random.nextInt(3), Buffering(pool)) {
            reporter { what, cause -> if (!isOfBrokenHandshake(what)) reports += "$what: $cause" }
        }
        reactors += reactor
        return host to reactor
    }

    /** A client that goes in the midst of a handshake is reported, as nobody else would hear of it. */
    private fun isOfBrokenHandshake(what: String) = tls != null && troubles.breaks && "A client was turned away" in what

    private suspend fun NetworkTest.runClients(scope: CoroutineScope) {
        val (server, serving) = open("server")
        val (front, relaying) = if (isRelayed) open("middle") else server to serving
        val (client, dialing) = open(if (isLocal) front.name else "client")
        for (host in setOf(server, front) - client) network.between(host.name, client.name, conditions)
        val destination = if (isLocal) UnixAddress.path("/run/program.sock") else front.address(7000)
        val listener = serving.listen(if (isRelayed) server.address(7000) else destination, options, admission, tls?.server("server"))
        val answering = serving.listen(server.address(7001))
        launch { listener.serve { serve(it, server) } }
        launch { answering.serve { exchanges.answer(it) } }
        if (isRelayed) {
            val relays = relaying.listen(destination, options, tls = tls?.server(front.name))
            launch {
                relays.serve { one ->
                    fairly {
                        relaying.dial(server.address(7000), options = options, tls = tls?.client).use { other ->
                            relay(one, other, Relayed().also { relayed += it })
                        }
                    }
                }
            }
        }
        if (Trouble.RESET in troubles) network.resetConnection(1 + random.nextInt(plans.size), 1L + random.nextInt(20_000))
        val asking = scope.launch { exchanges.ask(dialing, server.address(7001)) }
        // Who lives on a loop that is given up, and has no connection there, is cancelled when the loop ends.
        val lasting = if (Trouble.RESIZE in troubles) dialing.loopDispatchers.take(1) else dialing.loopDispatchers
        val beside = scope.launch { bystanders.run(dialing, lasting, client.address(7002), schedule) }
        val resizing = scope.launch { if (Trouble.RESIZE in troubles) resize(Random(random.nextLong())) }
        val talks = clients.map { rounds ->
            val context = (lasting + EmptyCoroutineContext).random(random)
            val closer = (lasting + EmptyCoroutineContext).random(random)
            scope.launch {
                withContext(context) {
                    for (plan in rounds) fairly {
                        dialing.dial(destination, options = options, tls = tls?.client).use { connection ->
                            connection.write(byteArrayOf(plan.number.toByte()))
                            if (Trouble.CLOSE in troubles) {
                                val isWhole = !isRelayed && !troubles.breaksUnasked && !plan.speech(DOWN).isOver
                                if (isWhole) connection.peerState shouldBe PeerState.PRESENT
                                if (plan.closesAt == null) scope.launch { delay(plan.moment).also { connection.close() } }
                            }
                            Talk(connection, plan, UP, client.kernel, schedule) { scope.launch(closer) { connection.close() } }.run()
                        }
                    }
                }
            }
        }
        endServer(asking, serving, listener)
        talks.joinAll()
        resizing.join()
        asking.join()
        beside.join()
        served.values.filter { it.isCompleted || !troubles.breaks }.awaitAll()
    }

    private suspend fun NetworkTest.endServer(asking: Job, serving: Reactor, listener: Listener) {
        if (Trouble.SHUTDOWN in troubles) {
            delay(plans.values.first().moment)
            listener.shutdown(Shutdown.within(Duration.ofMillis(random.nextLong(20))))
        }
        if (Trouble.END_OF_SERVER in troubles) {
            delay(plans.values.last().moment)
            asking.cancel()
            serving.close()
        }
    }

    private suspend fun resize(random: Random) = repeat(1 + random.nextInt(4)) {
        delay(random.nextInt(15_000).microseconds)
        val group = reactors.random(random).group
        if (!group.isClosed) group.resize(1 + random.nextInt(4)) // on the loop that closes it, if that is a trouble, too
    }

    private suspend fun NetworkTest.serve(connection: Connection, server: TestHost) {
        val number = ByteBuffer.allocate(1)
        fairly { connection.read(number) }
        if (number.position() == 0) return // it has broken before
        val plan = plans.getValue(number.get(0).toInt())
        val failure = runCatching { Talk(connection, plan, DOWN, server.kernel, schedule).run() }.exceptionOrNull()
        val isFair = failure == null || troubles.breaks && failure is NetparkException || failure is CancellationException
        if (isFair) served.getValue(plan.number).complete(Unit) else served.getValue(plan.number).completeExceptionally(failure)
    }

    /** Connections may break if they have the trouble for it. */
    private suspend fun fairly(body: suspend () -> Unit) {
        try {
            body()
        } catch (e: NetparkException) {
            if (!troubles.breaks) throw e
        }
    }
}
