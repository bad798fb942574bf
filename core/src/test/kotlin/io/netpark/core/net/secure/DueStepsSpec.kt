package io.netpark.core.net.secure

import io.kotest.matchers.collections.shouldContain
import io.kotest.matchers.collections.shouldContainExactly
import io.kotest.matchers.ints.shouldBeGreaterThan
import io.kotest.matchers.shouldBe
import io.netpark.core.loop.EventLoop
import io.netpark.core.testing.BlockingConnection
import io.netpark.core.testing.HandMovedClock
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.TestReactor
import io.netpark.core.testing.eventually
import io.netpark.core.testing.tls.ScriptedEngine
import io.netpark.core.testing.tls.awaitTls
import io.netpark.core.testing.tls.beginTls
import io.netpark.core.testing.tls.tcpPair
import java.util.Queue
import java.util.concurrent.ConcurrentLinkedQueue
import java.util.concurrent.atomic.AtomicInteger
import javax.net.ssl.SSLEngineResult.HandshakeStatus
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.nanoseconds
import org.jctools.queues.atomic.MpmcAtomicArrayQueue

private const val TURN = "turn"
private const val STEP = "step"

/** The queue of a loop as long as there is no memory for tasks that go on with steps; whatever else is put into it finds room. */
private class NoRoomForTurns(private val real: Queue<Runnable>) : Queue<Runnable> by real {
    val refused = AtomicInteger()

    override fun add(element: Runnable): Boolean {
        if (element is DueSteps) {
            refused.incrementAndGet()
            throw OutOfMemoryError("injected")
        }
        return real.add(element)
    }
}

/** Nor is there room beside the queue. */
private class NoSpareRoom : MpmcAtomicArrayQueue<Runnable>(2) {
    override fun offer(element: Runnable) = false
}

private fun TestReactor.withoutRoomForTurns(body: () -> Unit) {
    val tasks = EventLoop::class.java.getDeclaredField("tasks").apply { isAccessible = true }
    val spare = EventLoop::class.java.getDeclaredField("spare").apply { isAccessible = true }
    val before = onLoop { tasks.get(loop) to spare.get(loop) }
    @Suppress("UNCHECKED_CAST")
    val without = NoRoomForTurns(before.first as Queue<Runnable>)
    onLoop {
        tasks.set(loop, without)
        spare.set(loop, NoSpareRoom())
    }
    try {
        body()
        without.refused.get() shouldBeGreaterThan 0
    } finally {
        onLoop {
            tasks.set(loop, before.first)
            spare.set(loop, before.second)
        }
    }
}

/** Handshakes that compute for long, and that are all due at once. */
class DueStepsSpec : NetparkSpec(body = {

    /** What happens on the loop, in its order. */
    val order = ConcurrentLinkedQueue<String>()
    val clock = HandMovedClock()
    val budget = DueSteps.NANOS_A_TURN.nanoseconds

    /** Its handshake is one step, in which so much time passes. */
    fun TestReactor.slowEngine(step: () -> Unit = {}) = ScriptedEngine().apply {
        status = HandshakeStatus.NEED_WRAP
        wrapping = { record ->
            wrapping = null
            order += STEP
            clock.move(2.milliseconds, group)
            step()
            status = HandshakeStatus.NOT_HANDSHAKING
            record.put(ScriptedEngine.record(byteArrayOf(1)))
            result(produced = 6)
        }
    }

    fun withConnections(count: Int, body: (TestReactor, List<BlockingConnection>) -> Unit) {
        TestReactor(loops = 1) { clock(clock) }.use { reactor ->
            val pairs = List(count) { reactor.tcpPair() }
            order.clear()
            body(reactor, pairs.map { it.first })
            pairs.forEach {
                it.first.close()
                it.second.close()
            }
        }
    }

    /** Notes each turn of the loop, as long as [goesOn]. */
    fun TestReactor.noteTurns(goesOn: () -> Boolean) {
        loop.execute(object : Runnable {
            override fun run() {
                order += TURN
                if (goesOn()) loop.execute(this)
            }
        })
    }

    test("a turn of the loop goes on with them until its time is over, and the rest wait until others have had a turn") {
        withConnections(10) { reactor, connections ->
            val engines = connections.map { reactor.slowEngine() }
            reactor.onLoop { // so that all are due at once
                reactor.noteTurns { engines.any { it.status == HandshakeStatus.NEED_WRAP } }
                connections.zip(engines).forEach { (connection, engine) -> connection.beginTls(engine.server()) }
            }
            connections.forEach { it.awaitTls() }
            val aTurn = ((budget - 1.nanoseconds) / 2.milliseconds).toInt() + 1
            val steps = order.joinToString(" ").split(TURN).map { it.trim().split(" ").count { word -> word == STEP } }
            steps.filter { it > 0 } shouldContainExactly listOf(aTurn, aTurn, aTurn, 10 - 3 * aTurn)
        }
    }

    test("a connection that is closed while its step waits is passed over, and gives its engine back") {
        withConnections(10) { reactor, connections ->
            val engines = connections.indices.map { i -> reactor.slowEngine { if (i == 0) connections[9].close() } }
            reactor.onLoop { connections.zip(engines).forEach { (connection, engine) -> connection.beginTls(engine.server()) } }
            connections.dropLast(1).forEach { it.awaitTls() }
            eventually { engines[9].released.get() shouldBe 1 }
            order.count { it == STEP } shouldBe 9
        }
    }

    test("they run though there is no memory for a task that goes on with them, and though one of them throws") {
        withConnections(10) { reactor, connections ->
            val engines = connections.indices.map { i -> reactor.slowEngine { if (i == 4) throw OutOfMemoryError("injected") } }
            reactor.withoutRoomForTurns {
                connections.zip(engines).forEach { (connection, engine) -> connection.beginTls(engine.server()) }
                connections.forEachIndexed { i, connection -> if (i != 4) connection.awaitTls() }
                eventually { engines[4].released.get() shouldBe 1 }
            }
            order.count { it == STEP } shouldBe 10
        }
    }

    test("a loop that closes in the midst of them ends them all") {
        withConnections(10) { reactor, connections ->
            val engines = connections.indices.map { i -> reactor.slowEngine { if (i == 2) reactor.loop.shutdown() } }
            reactor.onLoop { connections.zip(engines).forEach { (connection, engine) -> connection.beginTls(engine.server()) } }
            eventually { order shouldContain STEP } // what closes it from elsewhere may come first
            reactor.group.close()
            engines.map { it.released.get() } shouldBe List(10) { 1 }
        }
    }
})
