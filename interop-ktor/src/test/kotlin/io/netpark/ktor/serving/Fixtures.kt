package io.netpark.ktor.serving

import io.ktor.events.Events
import io.ktor.server.application.Application
import io.ktor.server.application.serverConfig
import io.ktor.server.engine.EmbeddedServer
import io.ktor.server.engine.applicationEnvironment
import io.ktor.server.engine.connector
import io.ktor.server.engine.embeddedServer
import io.netpark.ktor.Netpark
import io.netpark.ktor.NetparkApplicationEngine
import io.netpark.ktor.behaviour.Peer
import io.netpark.ktor.behaviour.Scheme
import io.netpark.ktor.behaviour.Site
import kotlinx.coroutines.runBlocking
import org.slf4j.Logger
import org.slf4j.helpers.NOPLogger
import kotlin.coroutines.CoroutineContext
import kotlin.coroutines.EmptyCoroutineContext

typealias Server = EmbeddedServer<NetparkApplicationEngine, NetparkApplicationEngine.Configuration>

/** A server that is not started yet, on a port of the kernel's choice. */
fun serverOf(
    log: Logger = NOPLogger.NOP_LOGGER,
    parent: CoroutineContext = EmptyCoroutineContext,
    configure: NetparkApplicationEngine.Configuration.() -> Unit = {},
    module: Application.() -> Unit,
): Server = embeddedServer(
    Netpark,
    serverConfig(applicationEnvironment { this.log = log }) {
        parentCoroutineContext = parent
        developmentMode = false
        module(module)
    },
) {
    configure()
    if (connectors.isEmpty()) {
        connector {
            host = "127.0.0.1"
            port = 0
        }
    }
}

/** Runs [test] with a server that is started before and stopped afterwards. */
inline fun serving(server: Server, test: (Server) -> Unit) {
    server.start()
    try {
        test(server)
    } finally {
        server.stop(0, 1000)
    }
}

val Server.port: Int get() = runBlocking { engine.resolvedConnectors().first().port }

fun Server.connect(): Peer = Site(Scheme.HTTP, port).connect()

fun Server.on(monitor: Events.() -> Unit): Server = apply { this.monitor.monitor() }

fun get(path: String, vararg fields: String): String =
    "GET $path HTTP/1.1\r\nHost: localhost\r\n${fields.joinToString("") { "$it\r\n" }}\r\n"
