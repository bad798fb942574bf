package io.netpark.samples.ktor

import io.ktor.http.ContentType
import io.ktor.http.HttpHeaders
import io.ktor.http.HttpStatusCode
import io.ktor.server.application.Application
import io.ktor.server.application.ApplicationCall
import io.ktor.server.application.install
import io.ktor.server.http.content.staticFiles
import io.ktor.server.request.receiveChannel
import io.ktor.server.request.receiveText
import io.ktor.server.response.header
import io.ktor.server.response.respond
import io.ktor.server.response.respondText
import io.ktor.server.routing.delete
import io.ktor.server.routing.get
import io.ktor.server.routing.post
import io.ktor.server.routing.route
import io.ktor.server.routing.routing
import io.ktor.server.sse.SSE
import io.ktor.server.sse.heartbeat
import io.ktor.server.sse.sse
import io.ktor.server.websocket.WebSockets
import io.ktor.server.websocket.pingPeriod
import io.ktor.server.websocket.webSocket
import io.ktor.utils.io.readAvailable
import io.ktor.websocket.Frame
import io.ktor.websocket.readText
import io.ktor.websocket.send
import kotlinx.coroutines.flow.onSubscription
import kotlinx.coroutines.launch
import kotlinx.serialization.json.JsonArray
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.buildJsonObject
import kotlinx.serialization.json.put
import java.nio.file.Path
import java.security.MessageDigest
import java.util.HexFormat
import kotlin.time.Duration.Companion.seconds

private const val CHUNK = 64 * 1024
private const val LARGEST_FRAME = 64 * 1024L
private val ALIVE = 15.seconds

/**
 * The service. Nothing in it knows which engine runs it. On Netpark its handlers run on the event loops, and wait without
 * blocking them.
 *
 * @param root the folder whose files are served, if any
 */
internal fun Application.notes(notes: Notes, root: Path?) {
    install(SSE)
    install(WebSockets) {
        pingPeriod = ALIVE
        maxFrameSize = LARGEST_FRAME
    }
    routing {
        get("/") { call.respondText("Hello, World!\n") }
        route("/notes") {
            get { call.respondJson(JsonArray(notes.all().map(Note::toJson))) }
            post {
                val text = Note.textOf(call.receiveText())
                if (text == null) {
                    call.refuse("a note is an object with a text of at most 2000 characters")
                } else {
                    val note = notes.add(text)
                    call.response.header(HttpHeaders.Location, "/notes/${note.id}")
                    call.respondJson(note.toJson(), HttpStatusCode.Created)
                }
            }
            get("/{id}") {
                val note = call.id()?.let(notes::get)
                if (note == null) call.respond(HttpStatusCode.NotFound) else call.respondJson(note.toJson())
            }
            delete("/{id}") {
                val note = call.id()?.let(notes::remove)
                call.respond(if (note == null) HttpStatusCode.NotFound else HttpStatusCode.NoContent)
            }
        }
        sse("/events") {
            heartbeat { period = ALIVE }
            notes.changes.onSubscription { send(event = "hello") }.collect {
                send(data = it.note.toJson().toString(), event = it.change.name.lowercase(), id = it.note.id.toString())
            }
        }
        webSocket("/live") {
            val telling = launch {
                notes.changes.onSubscription { send("hello") }.collect { send("${it.change.name.lowercase()} ${it.note.toJson()}") }
            }
            for (frame in incoming) {
                val text = (frame as? Frame.Text)?.readText() ?: continue
                if (Note.isText(text)) notes.add(text) else send("refused")
            }
            telling.cancel()
        }
        post("/upload") { call.respondJson(call.digest()) }
        if (root != null) staticFiles("/files", root.toFile())
    }
}

private fun ApplicationCall.id(): Long? = parameters["id"]?.toLongOrNull()

private suspend fun ApplicationCall.respondJson(json: JsonElement, status: HttpStatusCode = HttpStatusCode.OK) =
    respondText(json.toString(), ContentType.Application.Json, status)

private suspend fun ApplicationCall.refuse(why: String) =
    respondJson(buildJsonObject { put("error", why) }, HttpStatusCode.BadRequest)

/** How long the body is, and its digest. It is never in memory as a whole. */
private suspend fun ApplicationCall.digest(): JsonElement {
    val body = receiveChannel()
    val sha256 = MessageDigest.getInstance("SHA-256")
    val chunk = ByteArray(CHUNK)
    var length = 0L
    while (true) {
        val count = body.readAvailable(chunk)
        if (count < 0) break
        sha256.update(chunk, 0, count)
        length += count
    }
    return buildJsonObject {
        put("length", length)
        put("sha256", HexFormat.of().formatHex(sha256.digest()))
    }
}
