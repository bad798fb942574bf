package io.netpark.ktor.readme

import io.ktor.server.engine.embeddedServer
import io.ktor.server.response.respondText
import io.ktor.server.routing.get
import io.ktor.server.routing.routing
import io.netpark.ktor.Netpark

fun main() {
    embeddedServer(Netpark, port = 8080) {
        routing {
            get("/") { call.respondText("Hello, World!") }
        }
    }.start(wait = true)
}
