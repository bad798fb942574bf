package io.netpark.coroutines

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.ints.shouldBeGreaterThan
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.kotest.matchers.types.shouldBeInstanceOf
import io.netpark.core.sys.NetparkException
import io.netpark.core.sys.UnixAddress
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.RecordingReporter
import io.netpark.core.testing.loopback
import io.netpark.core.testing.openDescriptors
import io.netpark.core.testing.tls.Wire
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.delay
import kotlinx.coroutines.launch
import kotlinx.coroutines.withContext
import kotlinx.coroutines.withTimeout
import java.util.UUID
import kotlin.random.Random
import kotlin.time.Duration
import kotlin.time.Duration.Companion.microseconds
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.seconds

/** Accepting within a time limit, of connections and of packet sockets. */
class AcceptSpec : NetparkSpec(body = {

    val isInOrders = Wire.ofThisRun == Wire.PLAIN && delaysAreOfLoops

    /** What the two kinds of listeners have in common. */
    class Accepts(
        val listener: AutoCloseable,
        val accept: suspend (Duration?) -> AutoCloseable,
        val dial: suspend () -> AutoCloseable,
    ) {
        /** A client may know that it is connected before the last of the handshake has come to the listener. */
        suspend fun awaitArrived(clients: List<AutoCloseable>) = clients.filterIsInstance<Connection>().forEach { client ->
            client.write("x")
            soon { client.tcpInfo().unacknowledged() shouldBe 0 } // bytes are acknowledged by what waits to be accepted
        }
    }

    fun ofConnections(reactor: Reactor): Accepts {
        val listener = reactor.listen(loopback())
        return Accepts(
            listener,
            { limit -> if (limit == null) listener.accept() else listener.accept(limit) },
            { reactor.dial(listener.localAddress) },
        )
    }

    fun ofPackets(reactor: Reactor): Accepts {
        val listener = reactor.listenPackets(UnixAddress.abstractName("netpark-${UUID.randomUUID()}"))
        return Accepts(
            listener,
            { limit -> if (limit == null) listener.accept() else listener.accept(limit) },
            { reactor.dialPackets(listener.localAddress) },
        )
    }

    for ((kind, make) in listOf("connections" to ::ofConnections, "packets" to ::ofPackets)) {
        fun withListener(isOrdered: Boolean, body: suspend CoroutineScope.(Reactor, Accepts) -> Unit) {
            val listening: suspend CoroutineScope.(Reactor, RecordingReporter) -> Unit = { reactor, _ ->
                val accepts = make(reactor)
                accepts.listener.use { body(reactor, accepts) }
            }
            if (isOrdered) inOrders(body = listening) else onReactor(body = listening)
        }

        fun contract(behaviour: String, body: suspend CoroutineScope.(Reactor, Accepts) -> Unit) {
            test("$kind: $behaviour") { withListener(false, body) }
            if (isInOrders) test("$kind, in several orders: $behaviour") { withListener(true, body) }
        }

        contract("an accept that nobody comes to ends in its time, says so, and the next is as ever") { _, it ->
            for (limit in listOf(20.milliseconds, Duration.ZERO, -1.seconds)) {
                val late = shouldThrow<NetparkException.TimedOut> { it.accept(limit) }
                late.timeout() shouldBe NetparkException.Timeout.ACCEPT
                late.message!! shouldContain "$limit"
            }
            it.dial().use { _ -> it.accept(null).close() }
        }

        contract("no time at all takes those that wait, and infinite time is no limit") { reactor, it ->
            val dialed = List(3) { _ -> it.dial() }
            it.awaitArrived(dialed)
            withContext(reactor.loopDispatchers.single()) { // where the poller cannot say meanwhile that there are more
                repeat(3) { _ -> it.accept(Duration.ZERO).close() }
                shouldThrow<NetparkException.TimedOut> { it.accept(Duration.ZERO) }
            }
            val waiting = async { it.accept(Duration.INFINITE).close() }
            reactor.awaitParked(1)
            it.dial().close()
            waiting.await()
            dialed.forEach { it.close() }
        }

        contract("waiting for one's turn is a part of the time, and leaves the turn to others") { reactor, it ->
            val first = async { it.accept(null) }
            reactor.awaitParked(1)
            for (limit in listOf(10.milliseconds, Duration.ZERO)) shouldThrow<NetparkException.TimedOut> { it.accept(limit) }
            val third = async { it.accept(10.seconds) }
            val clients = List(2) { _ -> it.dial() }
            first.await().close()
            third.await().close()
            clients.forEach { it.close() }
        }

        test("$kind: accepts whose time is over at the moment when somebody comes lose nobody") {
            withListener(false) { _, it ->
                val before = openDescriptors()
                val count = 500
                val dialing = launch(Dispatchers.Default) { repeat(count) { _ -> it.dial().close() } }
                var accepted = 0
                withContext(Dispatchers.Default) { // where the time and the accepting are on different threads
                    while (accepted < count) {
                        try {
                            it.accept(Random.nextInt(1500).microseconds).close()
                            accepted++
                        } catch (_: NetparkException.TimedOut) {
                        }
                    }
                }
                dialing.join()
                soon { openDescriptors() shouldBe before }
            }
        }

        if (isInOrders) test("$kind, in several orders: accepts whose time is over at the moment when somebody comes lose nobody") {
            withListener(true) { _, it ->
                val random = Random(1)
                val count = 60
                var late = 0
                withTimeout(20.seconds) {
                    val dialing = launch {
                        repeat(count) { _ ->
                            delay(random.nextInt(4).milliseconds)
                            it.dial().close()
                        }
                    }
                    var accepted = 0
                    while (accepted < count) {
                        try {
                            it.accept(random.nextInt(1, 4).milliseconds).close()
                            accepted++
                        } catch (_: NetparkException.TimedOut) {
                            late++
                        }
                    }
                    dialing.join()
                }
                late shouldBeGreaterThan 0
            }
        }

        contract("closing the listener and cancelling the caller end an accept with a limit as any other") { reactor, it ->
            val cancelled = launch { it.accept(60.seconds) }
            reactor.awaitParked(1)
            cancelled.cancelAndJoin()
            val waiting = async { runCatching { it.accept(60.seconds) } }
            reactor.awaitParked(1)
            it.listener.close()
            waiting.await().exceptionOrNull().shouldBeInstanceOf<NetparkException.Closed>()
            shouldThrow<NetparkException.Closed> { it.accept(Duration.ZERO) }
        }
    }
})
