package io.netpark.coroutines.simulation

import io.kotest.matchers.shouldBe
import io.netpark.core.net.streams.PeerState
import io.netpark.core.sys.NetparkException
import io.netpark.coroutines.Connection
import io.netpark.coroutines.Reactor
import io.netpark.simulation.schedule.Schedule
import java.net.SocketAddress
import java.nio.ByteBuffer
import kotlin.random.Random
import kotlin.time.AbstractLongTimeSource
import kotlin.time.Duration.Companion.microseconds
import kotlin.time.DurationUnit
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.delay
import kotlinx.coroutines.launch
import kotlinx.coroutines.withContext

/** What happens on the client's loops beside the connections of a program, with no trouble of its own: it has to come out as if alone. */
internal class Bystanders(private val random: Random) {

    suspend fun run(reactor: Reactor, address: SocketAddress, schedule: Schedule): Unit = coroutineScope {
        if (random.nextBoolean()) launch { hop(reactor, schedule, Random(random.nextLong())) }
        if (random.nextBoolean()) launch { succeed(reactor, schedule, Random(random.nextLong())) }
        if (random.nextBoolean()) talkToAndFro(reactor, address, schedule)
    }

    /** From loop to loop and back. Nobody waits meanwhile for anything but its turn, so no time passes. */
    private suspend fun hop(reactor: Reactor, schedule: Schedule, random: Random) = repeat(1 + random.nextInt(6)) {
        delay(random.nextInt(2000).microseconds)
        val begin = schedule.elapsed()
        repeat(4) { withContext(reactor.loopDispatchers.random(random)) { schedule.nanoTime() } }
        schedule.elapsed() shouldBe begin
    }

    /** A pair that is closed, and the next one right after it, which has nothing to do with what was said of the first. */
    private suspend fun succeed(reactor: Reactor, schedule: Schedule, random: Random) = repeat(1 + random.nextInt(6)) {
        delay(random.nextInt(2000).microseconds)
        val (one, other) = reactor.pair()
        other.close()
        repeat(random.nextInt(3)) { schedule.nanoTime() }
        one.close()
        reactor.pair().use { (successor, itsOther) ->
            repeat(random.nextInt(3)) { schedule.nanoTime() }
            for (end in listOf(successor, itsOther)) end.peerState shouldBe PeerState.PRESENT
        }
    }

    /** One question at a time, and deadlines that pass at about the moment of its answer: nothing comes behind an answer to help it. */
    private suspend fun talkToAndFro(reactor: Reactor, address: SocketAddress, schedule: Schedule) = coroutineScope {
        val clock = object : AbstractLongTimeSource(DurationUnit.NANOSECONDS) {
            override fun read() = schedule.nanoTime()
        }
        val listener = reactor.listen(address)
        val answering = launch { listener.serve { answer(it, Random(random.nextLong())) } }
        reactor.dial(address).use { connection ->
            repeat(1 + random.nextInt(6)) { round ->
                connection.write(byteArrayOf(round.toByte()))
                connection.readDeadline = clock.markNow() + random.nextInt(1000).microseconds
                val parks = random.nextBoolean()
                if (!parks) delay(random.nextInt(1000).microseconds)
                val heard = ByteBuffer.allocate(2)
                if (parks) {
                    try {
                        connection.read(heard)
                    } catch (_: NetparkException.TimedOut) {
                        heard.position() shouldBe 0
                    }
                }
                connection.readDeadline = null
                if (heard.position() == 0) connection.read(heard) shouldBe 1
                heard.get(0) shouldBe round.toByte()
            }
        }
        answering.cancel()
    }

    private suspend fun answer(connection: Connection, random: Random) {
        val heard = ByteBuffer.allocate(2)
        while (connection.read(heard.clear()) != Connection.END_OF_STREAM) {
            delay(random.nextInt(1000).microseconds)
            connection.write(heard.flip())
        }
    }
}
