package io.netpark.samples.consumer

import io.ktor.server.application.Application
import io.ktor.server.cio.CIO
import io.ktor.server.engine.EmbeddedServer
import io.ktor.server.engine.embeddedServer
import io.ktor.server.request.receiveText
import io.ktor.server.response.respondText
import io.ktor.server.routing.get
import io.ktor.server.routing.post
import io.ktor.server.routing.routing
import io.netpark.ktor.Netpark
import kotlinx.coroutines.runBlocking
import java.net.URI
import java.net.http.HttpClient
import java.net.http.HttpRequest
import java.net.http.HttpResponse.BodyHandlers

// A Ktor service as its users have it, on Ktor's own engine and, with one word changed, on Netpark. KtorProjectSpec runs both.

private fun Application.service() {
    routing {
        get("/") { call.respondText("Hello, World!") }
        post("/echo") { call.respondText(call.receiveText()) }
    }
}

internal object KtorServiceOnCio {
    @JvmStatic
    fun main(arguments: Array<String>): Unit = tryOut(embeddedServer(CIO, port = 0, host = "127.0.0.1") { service() })
}

internal object KtorServiceOnNetpark {
    @JvmStatic
    fun main(arguments: Array<String>): Unit = tryOut(embeddedServer(Netpark, port = 0, host = "127.0.0.1") { service() })
}

private fun tryOut(server: EmbeddedServer<*, *>) {
    server.start(wait = false)
    val at = "http://127.0.0.1:${runBlocking { server.engine.resolvedConnectors() }.single().port}"
    val client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build()
    println(client.send(HttpRequest.newBuilder(URI("$at/")).build(), BodyHandlers.ofString()).body())
    val post = HttpRequest.newBuilder(URI("$at/echo")).POST(HttpRequest.BodyPublishers.ofString("echoed")).build()
    println(client.send(post, BodyHandlers.ofString()).body())
    server.stop(gracePeriodMillis = 100, timeoutMillis = 1000)
    println(server.engine.javaClass.simpleName)
}
