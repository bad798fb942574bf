package io.netpark.ktor.behaviour

import io.kotest.matchers.shouldBe
import io.ktor.http.ContentType
import io.ktor.server.application.install
import io.ktor.server.request.receiveText
import io.ktor.server.response.respondText
import io.ktor.server.routing.get
import io.ktor.server.routing.post
import io.ktor.server.routing.routing
import io.ktor.server.sse.SSE
import io.ktor.server.sse.sse
import io.ktor.server.websocket.WebSockets
import io.ktor.server.websocket.webSocket
import io.ktor.sse.ServerSentEvent
import io.ktor.websocket.Frame
import io.ktor.websocket.readText
import io.ktor.websocket.send
import io.netpark.core.testing.needs
import java.nio.file.Files
import java.util.concurrent.LinkedBlockingQueue
import java.util.concurrent.TimeUnit

private val told = LinkedBlockingQueue<String>()

/** It opens a WebSocket, then follows events over the end of their stream, and tells what it has seen. */
private const val PAGE = """<!DOCTYPE html><title>browser</title><script>
const seen = [];
const socket = new WebSocket(location.href.replace(/^http/, 'ws') + 'socket');
socket.onopen = () => { socket.send('hello'); socket.send('x'.repeat(200000)); };
socket.onmessage = e => {
    seen.push(e.data.length > 100 ? 'long ' + e.data.length : e.data);
    if (seen.length == 2) socket.close(1000);
};
socket.onclose = e => {
    seen.push('closed ' + e.code + ' ' + e.wasClean);
    const events = new EventSource('/events');
    events.onmessage = e => {
        seen.push('event ' + e.data);
        if (e.data == '4') {
            events.close();
            fetch('/seen', { method: 'POST', body: seen.join(', ') });
        }
    };
};
</script>"""

/** Chromium: WebSocket, and an EventSource that comes back by itself. */
class BrowserSpec : BehaviourSpec(
    application = {
        install(WebSockets)
        install(SSE)
        routing {
            get("/") { call.respondText(PAGE, ContentType.Text.Html) }
            webSocket("/socket") { for (frame in incoming) if (frame is Frame.Text) send(frame.readText()) }
            sse("/events") {
                // Two events, then the end of the stream: the browser has to ask for the rest.
                val last = call.request.headers["Last-Event-ID"]?.toInt() ?: 0
                for (id in last + 1..last + 2) send(ServerSentEvent(data = "$id", id = "$id", retry = 50))
            }
            post("/seen") {
                told += call.receiveText()
                call.respondText("thanks")
            }
        }
    },
    body = {
        behaviour("WebSocket and events, over the end of their stream", needs("chromium", "--version")) { site ->
            told.clear()
            val profile = Files.createTempDirectory("chromium")
            val browser = ProcessBuilder(
                "chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
                "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
                "--ignore-certificate-errors", "--remote-debugging-port=0", "--user-data-dir=$profile", "${site.uri("/")}",
            ).redirectErrorStream(true).redirectOutput(ProcessBuilder.Redirect.DISCARD).start()
            try {
                told.poll(100, TimeUnit.SECONDS) shouldBe "hello, long 200000, closed 1000 true, event 1, event 2, event 3, event 4"
            } finally {
                browser.descendants().forEach { it.destroyForcibly() }
                browser.destroyForcibly().waitFor()
                profile.toFile().deleteRecursively()
            }
        }
    },
)
