package io.netpark.bench.ktor

import io.ktor.http.ContentType
import io.ktor.http.HttpHeaders
import io.ktor.http.toHttpDate
import io.ktor.server.application.Application
import io.ktor.server.application.ApplicationCall
import io.ktor.server.request.receive
import io.ktor.server.response.header
import io.ktor.server.response.respondFile
import io.ktor.server.response.respondText
import io.ktor.server.routing.get
import io.ktor.server.routing.post
import io.ktor.server.routing.routing
import io.ktor.util.date.GMTDate
import io.ktor.utils.io.ByteReadChannel
import io.ktor.utils.io.toByteArray
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive
import java.io.File

private const val GREETING = "Hello, World!"

/**
 * The application that every engine serves. It sets Server and Date itself, so that all answers have both, whatever an engine adds.
 * Compiled once and run with more than one version of Ktor: it calls what all of them have.
 *
 * @param file what `/file` is
 */
internal fun Application.measured(file: File) {
    val clock = Clock()
    routing {
        get("/plaintext") {
            call.sign(clock)
            call.respondText(GREETING, ContentType.Text.Plain)
        }
        get("/json") {
            val greeting = JsonObject(mapOf("message" to JsonPrimitive(GREETING)))
            call.sign(clock)
            call.respondText(Json.encodeToString(JsonObject.serializer(), greeting), ContentType.Application.Json)
        }
        get("/file") {
            call.sign(clock)
            call.respondFile(file)
        }
        post("/upload") {
            // Not receiveChannel: that is inlined, and calls a function that Ktor has since 3.6.
            val size = call.receive(ByteReadChannel::class).toByteArray().size
            call.sign(clock)
            call.respondText("$size", ContentType.Text.Plain)
        }
    }
}

private fun ApplicationCall.sign(clock: Clock) {
    response.header(HttpHeaders.Server, "ktor")
    response.header(HttpHeaders.Date, clock.date())
}

/** The time as HTTP writes it, made once a second. */
private class Clock {

    private class Second(val number: Long) {
        val text = GMTDate(number * 1000).toHttpDate()
    }

    @Volatile private var second = Second(0)

    fun date(): String {
        val now = System.currentTimeMillis() / 1000
        val last = second
        return if (last.number == now) last.text else Second(now).also { second = it }.text
    }
}
