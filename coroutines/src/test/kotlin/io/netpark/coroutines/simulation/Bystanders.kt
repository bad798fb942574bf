package io.netpark.coroutines.simulation

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.shouldBe
import io.netpark.core.net.messages.Envelope
import io.netpark.core.net.streams.PeerState
import io.netpark.core.sys.NetparkException
import io.netpark.core.sys.UnixAddress
import io.netpark.coroutines.Connection
import io.netpark.coroutines.Reactor
import io.netpark.coroutines.loops.LoopDispatcher
import io.netpark.coroutines.messages.MessageSocket
import io.netpark.simulation.schedule.Schedule
import java.net.InetSocketAddress
import java.net.SocketAddress
import java.nio.ByteBuffer
import kotlin.random.Random
import kotlin.time.AbstractLongTimeSource
import kotlin.time.Duration
import kotlin.time.Duration.Companion.microseconds
import kotlin.time.DurationUnit
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.delay
import kotlinx.coroutines.launch
import kotlinx.coroutines.withContext
import kotlinx.coroutines.withTimeoutOrNull

/** What happens on the client's loops beside the connections of a program, with no trouble of its own: it has to come out as if alone. */
internal class Bystanders(private val random: Random) {

    /** @param lasting dispatchers of the reactor whose loops stay */
    suspend fun run(
        reactor: Reactor,
        lasting: List<LoopDispatcher>,
        address: InetSocketAddress,
        schedule: Schedule,
    ): Unit = coroutineScope {
        if (random.nextBoolean()) launch { hop(lasting, schedule, Random(random.nextLong())) }
        if (random.nextBoolean()) launch { succeed(reactor, schedule, Random(random.nextLong())) }
        if (random.nextBoolean()) launch { exchangeMessages(reactor, address, schedule, Random(random.nextLong())) }
        if (random.nextBoolean()) talkToAndFro(reactor, address, schedule)
    }

    /** From loop to loop and back. Nobody waits meanwhile for anything but its turn, so no time passes. */
    private suspend fun hop(lasting: List<LoopDispatcher>, schedule: Schedule, random: Random) = repeat(1 + random.nextInt(6)) {
        delay(random.nextInt(2000).microseconds)
        val begin = schedule.elapsed()
        repeat(4) { withContext(lasting.random(random)) { schedule.nanoTime() } }
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
        val clock = clockOf(schedule)
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

    /** Datagrams of UDP or of unix names. On one host, and one at a time, none is lost, also if a receive is given up as it comes. */
    private suspend fun exchangeMessages(reactor: Reactor, host: InetSocketAddress, schedule: Schedule, random: Random) = coroutineScope {
        val isUnix = random.nextBoolean()
        val (asking, answering) = listOf("asks", "answers").map {
            reactor.bindDatagrams(if (isUnix) UnixAddress.abstractName(it) else InetSocketAddress(host.address, 0))
        }
        val answers = launch {
            shouldThrow<NetparkException.Closed> { sendBack(answering, Random(random.nextLong())) }
        }
        repeat(1 + random.nextInt(6)) {
            val message = random.nextBytes(1 + random.nextInt(2000))
            asking.send(ByteBuffer.wrap(message), answering.localAddress)
            val heard = ByteBuffer.allocate(2001)
            val patience = (1 + random.nextInt(1000)).microseconds
            when (random.nextInt(4)) {
                0 -> withTimeoutOrNull(patience) { asking.receive(heard) }
                1 -> {
                    asking.receiveDeadline = clockOf(schedule).markNow() + patience
                    receiveUnlessTimedOut(asking, heard)
                    asking.receiveDeadline = null
                }
                2 -> {
                    asking.receiveTimeout = patience
                    receiveUnlessTimedOut(asking, heard)
                    asking.receiveTimeout = Duration.INFINITE
                }
            }
            if (heard.position() == 0) asking.receive(heard) shouldBe message.size
            heard.array().copyOf(heard.position()).contentEquals(message) shouldBe true
        }
        answering.close()
        answers.join()
        asking.close()
    }

    private suspend fun receiveUnlessTimedOut(socket: MessageSocket, target: ByteBuffer) {
        try {
            socket.receive(target)
        } catch (_: NetparkException.TimedOut) {
            target.position() shouldBe 0
        }
    }

    private suspend fun sendBack(socket: MessageSocket, random: Random) {
        val heard = ByteBuffer.allocate(2000)
        val envelope = Envelope()
        while (true) {
            socket.receive(heard.clear(), envelope)
            delay(random.nextInt(1000).microseconds)
            socket.send(heard.flip(), envelope.sender())
        }
    }

    private fun clockOf(schedule: Schedule) = object : AbstractLongTimeSource(DurationUnit.NANOSECONDS) {
        override fun read() = schedule.nanoTime()
    }

    private suspend fun answer(connection: Connection, random: Random) {
        val heard = ByteBuffer.allocate(2)
        while (connection.read(heard.clear()) != Connection.END_OF_STREAM) {
            delay(random.nextInt(1000).microseconds)
            connection.write(heard.flip())
        }
    }
}
