package io.netpark.ktor.serving

import io.ktor.server.application.Application
import io.ktor.server.response.respondText
import io.ktor.server.routing.get
import io.ktor.server.routing.routing
import java.util.concurrent.atomic.AtomicInteger

/** Begins at 0 whenever this class is loaded. */
private val requests = AtomicInteger()

/** A module that Ktor loads again when it has changed. */
fun Application.reloadable() {
    routing { get("/") { call.respondText("${requests.incrementAndGet()}") } }
}
