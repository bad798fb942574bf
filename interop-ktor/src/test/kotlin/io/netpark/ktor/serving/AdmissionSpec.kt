package io.netpark.ktor.serving

import io.kotest.matchers.collections.shouldHaveSize
import io.kotest.matchers.shouldBe
import io.ktor.server.engine.connector
import io.ktor.server.response.respondText
import io.ktor.server.routing.get
import io.ktor.server.routing.routing
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.eventually
import io.netpark.ktor.NetparkApplicationEngine
import io.netpark.ktor.behaviour.Peer
import io.netpark.ktor.behaviour.Scheme
import io.netpark.ktor.behaviour.Site
import kotlinx.coroutines.runBlocking
import java.net.SocketException
import java.nio.file.Files
import java.nio.file.Path
import java.util.concurrent.ConcurrentHashMap

/** Which connections a server takes, and on which loops. */
class AdmissionSpec : NetparkSpec(body = {

    val asked = ConcurrentHashMap.newKeySet<String>()
    val threads = ConcurrentHashMap.newKeySet<String>()

    beforeTest {
        asked.clear()
        threads.clear()
    }

    fun server(configure: NetparkApplicationEngine.Configuration.() -> Unit) = serverOf(configure = {
        loops = { metrics(true) }
        configure()
    }) {
        routing {
            get("/{name}") {
                asked += call.parameters["name"]!!
                threads += Thread.currentThread().name
                call.respondText("Hello")
            }
        }
    }

    fun Peer.ask(name: String) {
        send(get("/$name"))
        answer().text shouldBe "Hello"
    }

    fun Server.connections() = engine.group!!.snapshot().total.connections

    test("connections beyond the most of all wait in the backlog until one of the others ends") {
        serving(server { maxConnections = 2; eventLoops = 1 }) { server ->
            val first = server.connect()
            val second = server.connect()
            first.ask("first")
            second.ask("second")
            server.connect().use { third ->
                third.send(get("/third"))
                repeat(3) { second.ask("second") } // the loop has turned since
                server.connections() shouldBe 2
                asked shouldBe setOf("first", "second")
                first.close()
                third.answer().text shouldBe "Hello"
                eventually { server.connections() shouldBe 2 }
            }
            second.close()
            repeat(5) { server.connect().use { it.ask("later") } }
        }
    }

    test("the most of all counts for all connectors together") {
        val configure: NetparkApplicationEngine.Configuration.() -> Unit = {
            maxConnections = 1
            eventLoops = 1
            repeat(2) {
                connector {
                    host = "127.0.0.1"
                    port = 0
                }
            }
        }
        serving(server(configure)) { server ->
            val sites = runBlocking { server.engine.resolvedConnectors() }.map { Site(Scheme.HTTP, it.port) }
            val first = sites[0].connect()
            first.ask("first")
            sites[1].connect().use { second ->
                second.send(get("/second"))
                repeat(3) { first.ask("first") }
                server.connections() shouldBe 1
                asked shouldBe setOf("first")
                first.close()
                second.answer().text shouldBe "Hello"
            }
        }
    }

    test("a connection beyond the most of one address is reset, and the others go on") {
        serving(server { maxConnectionsPerAddress = 2 }) { server ->
            val first = server.connect()
            server.connect().use { second ->
                first.ask("first")
                second.ask("second")
                server.turnsAway() shouldBe true
                first.ask("first")
                second.ask("second")
            }
            first.close()
            eventually { server.connect().use { it.ask("third") } } // the engine learns of the end a little later
        }
    }

    test("with both limits, who is beyond that of its address is reset, and nobody waits for it") {
        serving(server { maxConnections = 3; maxConnectionsPerAddress = 1 }) { server ->
            server.connect().use { first ->
                first.ask("first")
                repeat(5) { server.turnsAway() shouldBe true }
                first.ask("first")
                eventually { server.connections() shouldBe 1 }
            }
        }
    }

    test("a listening socket for each event loop: each of them takes connections") {
        serving(server { listenOnEachLoop = true; eventLoops = 2 }) { server ->
            listeningSockets(server.port) shouldBe 2
            val peers = (1..64).map { server.connect() }
            try {
                for (peer in peers) peer.ask("each")
                threads shouldHaveSize 2
            } finally {
                peers.forEach { it.close() }
            }
        }
    }

    test("one listening socket for all event loops: each of them has connections") {
        serving(server { eventLoops = 2 }) { server ->
            listeningSockets(server.port) shouldBe 1
            val peers = (1..64).map { server.connect() }
            try {
                for (peer in peers) peer.ask("all")
                threads shouldHaveSize 2
            } finally {
                peers.forEach { it.close() }
            }
        }
    }

    test("limits that make no sense are refused at the start, and nothing is left running") {
        for (configure in listOf<NetparkApplicationEngine.Configuration.() -> Unit>(
            { maxConnections = 0 }, { maxConnectionsPerAddress = 0 }, { maxPipelinedCalls = 0 }, { eventLoops = 0 },
            { maxRequestLine = 0 }, { maxBodySize = -1 },
        )) {
            val server = server(configure)
            val failure = runCatching { server.start() }.exceptionOrNull()
            check(failure is IllegalArgumentException) { "$failure" }
            server.engine.group shouldBe null
            server.stop(0, 0)
        }
    }
})

/** Whether a connection is reset: soon after it is there, or before the client has seen that. */
private fun Server.turnsAway(): Boolean = try {
    connect().use { it.isEnded() }
} catch (e: SocketException) {
    e.message.orEmpty().startsWith("Connection reset")
}

/** How many sockets of this machine listen at a port of IPv4, as the kernel tells (proc(5)). */
private fun listeningSockets(port: Int): Int = Files.readAllLines(Path.of("/proc/net/tcp")).drop(1).count { line ->
    val columns = line.trim().split(Regex(" +"))
    columns[1].endsWith(":%04X".format(port)) && columns[3] == "0A"
}
