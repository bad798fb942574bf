package io.netpark.samples.ktor

import io.netpark.samples.PATIENCE_SECONDS
import io.netpark.samples.RunningProgram
import java.net.URI
import java.net.http.HttpClient
import java.net.http.HttpRequest
import java.net.http.HttpResponse
import java.net.http.HttpResponse.BodyHandlers
import java.net.http.WebSocket
import java.time.Duration
import java.util.concurrent.CompletionStage
import java.util.concurrent.LinkedBlockingQueue
import java.util.concurrent.TimeUnit

/** The ktor sample, listening. */
internal class RunningKtor(engine: String, vararg options: String) : AutoCloseable {

    val program = RunningProgram("io.netpark.samples.ktor.KtorKt", "--port", "0", "--engine", engine, *options)
    private val firstLine = program.line()
    val port: Int = firstLine?.substringAfterLast(':')?.toIntOrNull()
        ?: error("it says $firstLine, and ${program.errorLines()}")

    private val client: HttpClient = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build()
    private val patience = Duration.ofSeconds(PATIENCE_SECONDS)

    fun url(path: String): String = "http://127.0.0.1:$port$path"

    private fun request(method: String, path: String, body: ByteArray?): HttpRequest {
        val publisher = if (body == null) HttpRequest.BodyPublishers.noBody() else HttpRequest.BodyPublishers.ofByteArray(body)
        return HttpRequest.newBuilder(URI(url(path))).timeout(patience).method(method, publisher).build()
    }

    fun ask(method: String, path: String, body: String? = null): HttpResponse<String> =
        client.send(request(method, path, body?.toByteArray()), BodyHandlers.ofString())

    fun upload(bytes: ByteArray): String = client.send(request("POST", "/upload", bytes), BodyHandlers.ofString()).body()

    /** Server-sent events, line by line and without comments, on a thread of the client's. */
    fun events(): LinkedBlockingQueue<String> {
        val lines = LinkedBlockingQueue<String>()
        val request = HttpRequest.newBuilder(URI(url("/events"))).header("Accept", "text/event-stream").build()
        client.sendAsync(request, BodyHandlers.ofLines())
            .thenAccept { answer -> answer.body().filter { it.isNotEmpty() && !it.startsWith(':') }.forEach(lines::add) }
        return lines
    }

    fun live(heard: LinkedBlockingQueue<String>): WebSocket = client.newWebSocketBuilder().connectTimeout(patience)
        .buildAsync(
            URI("ws://127.0.0.1:$port/live"),
            object : WebSocket.Listener {
                private val text = StringBuilder()

                override fun onText(socket: WebSocket, data: CharSequence, last: Boolean): CompletionStage<*>? {
                    text.append(data)
                    if (last) {
                        heard.add("$text")
                        text.clear()
                    }
                    socket.request(1)
                    return null
                }

                override fun onClose(socket: WebSocket, code: Int, reason: String): CompletionStage<*>? {
                    heard.add("closed $code")
                    return null
                }
            },
        ).get(PATIENCE_SECONDS, TimeUnit.SECONDS)

    override fun close(): Unit = program.close()
}

/** The next line of such a queue. */
internal fun LinkedBlockingQueue<String>.next(): String =
    checkNotNull(poll(PATIENCE_SECONDS, TimeUnit.SECONDS)) { "nothing in $PATIENCE_SECONDS s" }
