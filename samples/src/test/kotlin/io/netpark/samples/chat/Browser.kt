package io.netpark.samples.chat

import io.netpark.samples.PATIENCE_SECONDS
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonArray
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonNull
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonObjectBuilder
import kotlinx.serialization.json.JsonPrimitive
import kotlinx.serialization.json.buildJsonObject
import kotlinx.serialization.json.jsonObject
import kotlinx.serialization.json.jsonPrimitive
import kotlinx.serialization.json.put
import java.net.URI
import java.net.http.HttpClient
import java.net.http.WebSocket
import java.nio.file.Files
import java.nio.file.Path
import java.util.Base64
import java.util.concurrent.CompletableFuture
import java.util.concurrent.CompletionStage
import java.util.concurrent.ConcurrentHashMap
import java.util.concurrent.ConcurrentLinkedQueue
import java.util.concurrent.TimeUnit
import java.util.concurrent.atomic.AtomicInteger
import kotlin.concurrent.thread

/**
 * Chromium without a window, driven over its DevTools protocol by the JDK's own WebSocket client.
 *
 * @param options others of its command line
 */
class Browser(vararg options: String) : AutoCloseable {

    private val profile: Path = Files.createTempDirectory("chromium")
    private val process: Process = ProcessBuilder(
        NAME, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
        "--remote-debugging-port=0", "--user-data-dir=$profile", *options, "about:blank",
    ).redirectOutput(ProcessBuilder.Redirect.DISCARD).start()

    private val answers = ConcurrentHashMap<Int, CompletableFuture<JsonObject>>()
    private val lastId = AtomicInteger()
    private val socket: WebSocket
    private val tabs = ConcurrentHashMap<String, Tab>() // by session

    init {
        val errors = process.errorReader()
        val address = generateSequence { errors.readLine() }.firstNotNullOfOrNull { line ->
            line.substringAfter("DevTools listening on ", "").ifEmpty { null }
        } ?: error("$NAME has ended without a DevTools address")
        thread(isDaemon = true) { runCatching { errors.forEachLine { } } } // it must not wait for a full pipe
        socket = HttpClient.newHttpClient().newWebSocketBuilder().buildAsync(URI(address), Messages())
            .get(PATIENCE_SECONDS, TimeUnit.SECONDS)
    }

    /** Opens a page in a tab of its own. */
    fun open(url: String): Tab {
        val target = call("Target.createTarget") { put("url", "about:blank") }.getValue("targetId").jsonPrimitive.content
        val session = call("Target.attachToTarget") {
            put("targetId", target)
            put("flatten", true)
        }.getValue("sessionId").jsonPrimitive.content
        return Tab(session).also { tab ->
            tabs[session] = tab
            for (domain in listOf("Runtime", "Log", "Page")) tab.call("$domain.enable")
            tab.call("Emulation.setDeviceMetricsOverride") {
                put("width", 1000)
                put("height", 640)
                put("deviceScaleFactor", 1)
                put("mobile", false)
            }
            tab.call("Page.navigate") { put("url", url) }
        }
    }

    inner class Tab internal constructor(private val session: String) {

        /** Exceptions that nobody has caught, and what the page or the browser has logged as an error. */
        val errors = ConcurrentLinkedQueue<String>()

        internal fun call(method: String, parameters: JsonObjectBuilder.() -> Unit = {}) = call(method, session, parameters)

        /** The value of an expression. */
        fun value(expression: String): JsonElement {
            val answer = call("Runtime.evaluate") {
                put("expression", expression)
                put("returnByValue", true)
            }
            check("exceptionDetails" !in answer) { "$expression: $answer" }
            return answer.getValue("result").jsonObject["value"] ?: JsonNull
        }

        fun text(expression: String): String = (value(expression) as? JsonPrimitive)?.content.orEmpty()

        /** The texts of all elements that are shown of a kind. */
        fun texts(selector: String): List<String> {
            val all = "[...document.querySelectorAll(${JsonPrimitive(selector)})]"
            val shown = value("$all.filter(e => e.offsetParent).map(e => e.innerText)") as JsonArray
            return shown.map { it.jsonPrimitive.content }
        }

        fun await(what: String, condition: Tab.() -> Boolean) = eventually(what) { condition() }

        /** Types as a user does, with the keyboard, and presses Enter. */
        fun type(selector: String, text: String) {
            call("Page.bringToFront")
            value("document.querySelector(${JsonPrimitive(selector)}).focus()")
            call("Input.insertText") { put("text", text) }
            for (type in listOf("keyDown", "keyUp")) {
                call("Input.dispatchKeyEvent") {
                    put("type", type)
                    put("key", "Enter")
                    put("code", "Enter")
                    put("windowsVirtualKeyCode", ENTER)
                    if (type == "keyDown") put("text", "\r")
                }
            }
        }

        /** A PNG of what is to be seen. */
        fun picture(): ByteArray {
            call("Page.bringToFront")
            val answer = call("Page.captureScreenshot") { put("format", "png") }
            return Base64.getDecoder().decode(answer.getValue("data").jsonPrimitive.content)
        }

        internal fun note(method: String, parameters: JsonObject) {
            when (method) {
                "Runtime.exceptionThrown" -> errors += "$parameters"
                "Runtime.consoleAPICalled" -> if (parameters["type"]!!.jsonPrimitive.content == "error") errors += "$parameters"
                "Log.entryAdded" -> parameters["entry"]!!.jsonObject.let { entry ->
                    if (entry["level"]!!.jsonPrimitive.content == "error") errors += entry["text"]!!.jsonPrimitive.content
                }
            }
        }
    }

    private fun call(method: String, session: String? = null, parameters: JsonObjectBuilder.() -> Unit = {}): JsonObject {
        val id = lastId.incrementAndGet()
        val answer = CompletableFuture<JsonObject>().also { answers[id] = it }
        val message = buildJsonObject {
            put("id", id)
            put("method", method)
            if (session != null) put("sessionId", session)
            put("params", buildJsonObject(parameters))
        }
        socket.sendText("$message", true).get(PATIENCE_SECONDS, TimeUnit.SECONDS)
        val answered = answer.get(PATIENCE_SECONDS, TimeUnit.SECONDS)
        return checkNotNull(answered["result"]) { "$method: ${answered["error"]}" }.jsonObject
    }

    private inner class Messages : WebSocket.Listener {
        private val text = StringBuilder()

        override fun onText(webSocket: WebSocket, data: CharSequence, last: Boolean): CompletionStage<*>? {
            text.append(data)
            if (last) {
                val message = Json.parseToJsonElement("$text").jsonObject
                text.clear()
                val id = message["id"]?.jsonPrimitive?.content?.toInt()
                if (id != null) {
                    answers.remove(id)?.complete(message)
                } else {
                    val session = message["sessionId"]?.jsonPrimitive?.content
                    val method = message["method"]!!.jsonPrimitive.content
                    if (session != null) tabs[session]?.note(method, message["params"]!!.jsonObject)
                }
            }
            webSocket.request(1)
            return null
        }
    }

    override fun close() {
        socket.abort()
        process.descendants().forEach { it.destroyForcibly() }
        process.destroyForcibly().waitFor()
        profile.toFile().deleteRecursively()
    }

    companion object {
        const val NAME: String = "chromium"
        private const val ENTER = 13
    }
}
