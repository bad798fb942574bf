package io.netpark.coroutines.simulation

import io.netpark.core.net.serving.Shutdown
import io.netpark.core.sys.NetparkException
import io.netpark.coroutines.Connection
import io.netpark.coroutines.Reactor
import io.netpark.simulation.link.LinkConditions
import java.net.SocketAddress
import kotlin.time.Duration
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.seconds
import kotlin.time.toJavaDuration
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.async
import kotlinx.coroutines.delay
import kotlinx.coroutines.launch

// The examples of docs/simulation.md, as they are there; SimulationPageSpec compares and runs them.

/** Dials until somebody answers, after longer and longer pauses. */
suspend fun dialPatiently(reactor: Reactor, address: SocketAddress): Connection {
    var pause = 100.milliseconds
    while (true) {
        try {
            return reactor.dial(address, timeout = 2.seconds)
        } catch (e: NetparkException) {
            delay(pause)
            pause = minOf(pause * 2, 10.seconds)
        }
    }
}

fun clientRetries() = runNetworkTest(seeds = 1L..20L) {
    val server = host("server")
    val client = host("client")
    val listener = server.reactor.listen(server.address(7000))
    network.isolate("server")
    launch {
        advanceTimeBy(30.seconds)
        network.rejoin("server")
    }
    dialPatiently(client.reactor, server.address(7000)).close()
    check(elapsed in 30.seconds..45.seconds)
    listener.close()
}

/** Answers pings, and gives a peer up that has been silent for 30 seconds. */
suspend fun answerPings(connection: Connection) {
    connection.readTimeout = 30.seconds
    while (connection.reader.awaitLine() != null) connection.write("pong\n".toByteArray())
}

fun silentPeerIsGivenUp() = runNetworkTest(seeds = 1L..20L) {
    val server = host("server")
    val client = host("client")
    network.between("server", "client", LinkConditions.IDEAL.withLatency(80.milliseconds.toJavaDuration()))
    val listener = server.reactor.listen(server.address(7000))
    val givenUp = CompletableDeferred<Duration>()
    launch {
        listener.serve { connection ->
            try {
                answerPings(connection)
            } finally {
                givenUp.complete(elapsed)
            }
        }
    }
    client.reactor.dial(server.address(7000)).use { connection ->
        repeat(10) {
            connection.write("ping\n".toByteArray())
            check(connection.reader.awaitLine() == "pong")
            delay(20.seconds)
        }
        network.cut("server", "client")
        check(givenUp.await() in 210.seconds..213.seconds) // 30 seconds after the last ping
    }
}

/** Needs three seconds for an answer. */
suspend fun answerSlowly(connection: Connection) {
    while (connection.reader.awaitLine() != null) {
        delay(3.seconds)
        connection.write("answer\n".toByteArray())
    }
}

fun serverDrains() = runNetworkTest(seeds = 1L..20L) {
    val server = host("server")
    val client = host("client")
    val listener = server.reactor.listen(server.address(7000))
    launch { listener.serve { answerSlowly(it) } }
    val answer = async {
        client.reactor.dial(server.address(7000)).use { connection ->
            connection.write("question\n".toByteArray())
            connection.reader.awaitLine()
        }
    }
    advanceTimeBy(1.seconds)
    val report = listener.shutdown(Shutdown.within(10.seconds.toJavaDuration()))
    check(answer.await() == "answer")
    check(report.cut() == 0)
    check(elapsed < 5.seconds)
}
