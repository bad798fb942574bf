@file:Suppress("unused")

package io.netpark.ktor

import io.ktor.server.application.Application
import io.ktor.server.engine.EmbeddedServer
import io.ktor.server.engine.connector
import io.ktor.server.engine.embeddedServer
import io.ktor.server.engine.sslConnector
import io.ktor.server.response.respondText
import io.ktor.server.routing.get
import io.ktor.server.routing.routing
import io.micrometer.core.instrument.MeterRegistry
import io.netpark.core.micrometer.NetparkMeters
import java.security.KeyStore
import kotlin.time.Duration.Companion.seconds
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.withContext

// The examples of docs/ktor.md and of the module's README, as they stand there.

fun main() {
    embeddedServer(Netpark, port = 8080) {
        routing {
            get("/") { call.respondText("Hello, World!") }
        }
    }.start(wait = true)
}

fun tuned() = embeddedServer(Netpark, configure = {
    connector { port = 8080 }
    eventLoops = 4
    maxHeadSize = 32 * 1024
    maxBodySize = 10L * 1024 * 1024
    idleTimeout = 30.seconds
    shutdownGracePeriod = 2_000
    shutdownTimeout = 10_000
}) {
    routing {
        get("/") { call.respondText("Hello, World!") }
    }
}

/** Something that blocks. */
class Database {
    fun names(): List<String> = listOf("Ada", "Grace")
}

fun Application.reports(database: Database) {
    routing {
        get("/report") {
            val names = withContext(Dispatchers.IO) { database.names() } // blocks a thread that is there for it
            call.respondText(names.joinToString("\n"))
        }
    }
}

fun blocking(module: Application.() -> Unit) = embeddedServer(Netpark, configure = {
    connector { port = 8080 }
    callDispatcher = Dispatchers.IO
}, module = module)

fun secure(keys: KeyStore, password: CharArray) = embeddedServer(Netpark, configure = {
    sslConnector(keys, "server", { password }, { password }) {
        port = 8443
    }
}) {
    routing {
        get("/") { call.respondText("Hello, World!") }
    }
}

fun local() = embeddedServer(Netpark, configure = { unixConnector("/run/service.sock") }) {
    routing {
        get("/") { call.respondText("Hello, World!") }
    }
}

fun EmbeddedServer<NetparkApplicationEngine, *>.meter(registry: MeterRegistry) {
    val group = checkNotNull(engine.group) { "not started" }
    NetparkMeters(group, "api").bindTo(registry)
}
