package io.netpark.samples.chat

import io.kotest.matchers.collections.shouldBeEmpty
import io.kotest.matchers.collections.shouldContainExactlyInAnyOrder
import io.kotest.matchers.collections.shouldHaveSize
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.netpark.samples.Certificates
import io.netpark.samples.PATIENCE_SECONDS
import io.netpark.samples.SampleSpec
import io.netpark.samples.needs
import io.netpark.samples.soon
import io.netpark.samples.websocket.CLOSE
import io.netpark.samples.websocket.TEXT
import io.netpark.samples.websocket.clientFrame
import java.net.InetAddress
import java.net.Socket
import java.net.URI
import java.net.http.HttpClient
import java.net.http.WebSocket
import java.util.concurrent.CompletableFuture
import java.util.concurrent.CompletionStage
import java.util.concurrent.TimeUnit

/** The chat sample over TLS: wss. */
class WssSpec : SampleSpec({
    val chromium = needs(Browser.NAME, "--version")

    fun RunningChat.dial(path: String = "/chat", vararg protocols: String = arrayOf("TLSv1.3", "TLSv1.2")) =
        RawWebSocket(Certificates.dial(port, *protocols), path)

    test("members by either version of TLS talk with each other; who leaves without a word is told of") {
        RunningChat.overTls("--loops", "2").use { chat ->
            chat.dial("/chat", "TLSv1.3").use { ada ->
                ada.join("Ada") shouldContainExactlyInAnyOrder listOf("Ada")
                chat.dial("/chat", "TLSv1.2").use { grace ->
                    grace.join("Grace") shouldContainExactlyInAnyOrder listOf("Ada", "Grace")
                    ada.text("joined", "name") shouldBe "Grace"
                    grace.say("hello \uD83D\uDE00")
                    for (member in listOf(ada, grace)) member.text("said", "text") shouldBe "hello \uD83D\uDE00"
                    ada.say("x".repeat(1000))
                    for (member in listOf(ada, grace)) member.text("said", "text") shouldBe "x".repeat(1000)
                    grace.send(clientFrame(CLOSE))
                    ada.text("left", "name") shouldBe "Grace"
                }
                Socket(InetAddress.getLoopbackAddress(), chat.port).use { below ->
                    val secured = Certificates.sockets.createSocket(below, "127.0.0.1", chat.port, false)
                    RawWebSocket(secured).join("Edsger")
                    ada.text("joined", "name") shouldBe "Edsger"
                } // without close_notify
                ada.text("left", "name") shouldBe "Edsger"
                chat.program.signal("TERM")
                ada.awaitClose().closeCode shouldBe 1001
                ada.send(clientFrame(CLOSE))
                ada.frame() shouldBe null
            }
            chat.program.status() shouldBe 0
            chat.program.errorLines().shouldBeEmpty()
        }
    }

    test("the JDK's client: messages of all sizes come back") {
        RunningChat.overTls(*TALKATIVE).use { chat ->
            HttpClientWebSocket(chat.port).use { client ->
                for (size in listOf(0, 1, 125, 126, 16_383, 16_384, 60_000)) {
                    val text = "x".repeat(size)
                    client.echo(text) shouldBe text
                }
            }
            chat.dial("/echo").use { raw -> // a frame in pieces, each in a record of its own
                for (byte in clientFrame(TEXT, "byte by byte")) raw.send(byteArrayOf(byte))
                raw.frame()!!.text shouldBe "byte by byte"
            }
        }
    }

    test("who speaks no TLS gets an alert, is told of in a line, and the chat goes on") {
        RunningChat.overTls().use { chat ->
            Socket(InetAddress.getLoopbackAddress(), chat.port).use { plain ->
                plain.soTimeout = TimeUnit.SECONDS.toMillis(PATIENCE_SECONDS).toInt()
                plain.getOutputStream().write("GET /chat HTTP/1.1\r\n\r\n".toByteArray())
                plain.getInputStream().readAllBytes().take(3) shouldBe listOf<Byte>(21, 3, 3) // an alert
            }
            soon { chat.program.errorLines().filter { "turned away" in it } shouldHaveSize 1 }
            chat.program.errorLines().single { "turned away" in it } shouldContain "speaks no TLS"
            chat.dial().use { it.join("Ada") shouldBe listOf("Ada") }
        }
    }

    test("Chromium: two tabs and a program chat by wss, and come back to a server that is started again").config(
        enabledOrReasonIf = { chromium },
    ) {
        Browser("--ignore-certificate-errors-spki-list=${Certificates.pin}").use { browser ->
            fun RunningChat.open(name: String) = browser.open("https://127.0.0.1:$port/").apply {
                await("the page") { texts("#joining h2") == listOf("JOIN") }
                type("#name", name)
                await("connected") { texts("#state") == listOf("Connected") }
            }
            val first = RunningChat.overTls()
            val open = first.use { chat ->
                val tabs = listOf("Ada", "Grace").map { chat.open(it) }
                val (ada, grace) = tabs
                for (tab in tabs) tab.await("both here") { texts("#here li").size == 2 }
                ada.text("location.protocol + ' ' + isSecureContext") shouldBe "https: true"
                grace.type("#text", "Is anybody on the way?")
                ada.await("what Grace says") { texts(".said .text") == listOf("Is anybody on the way?") }
                ada.type("#text", "Nobody.")
                grace.await("what Ada says") { texts(".said .text").last() == "Nobody." }
                chat.dial().use { linus ->
                    linus.join("Linus")
                    linus.say("Hello from a program.")
                    for (tab in tabs) tab.await("three here") {
                        texts("#here li").size == 3 && texts(".said .text").last() == "Hello from a program."
                    }
                    grace.type("#text", "Hello, program.")
                    generateSequence { linus.text("said", "text") }.first { it == "Hello, program." }
                }
                for (tab in tabs) tab.errors.shouldBeEmpty()
                chat.program.errorLines().shouldBeEmpty()
                chat.program.signal("TERM")
                chat.program.status() shouldBe 0
                for (tab in tabs) tab.await("trying again") { texts("#state").single().startsWith("Reconnecting") }
                tabs
            }
            RunningChat.overTls(port = first.port).use {
                for (tab in open) {
                    tab.await("both here again") { texts("#state") == listOf("Connected") && texts("#here li").size == 2 }
                }
                open.first().type("#text", "back")
                open.last().await("what Ada says") { texts(".said .text").last() == "back" }
            }
        }
    }
})

/** A WebSocket of the JDK's to the echo. */
private class HttpClientWebSocket(port: Int) : AutoCloseable {
    private var answer = CompletableFuture<String>()
    private val socket: WebSocket = HttpClient.newBuilder().sslContext(Certificates.context()).build().newWebSocketBuilder()
        .buildAsync(URI("wss://127.0.0.1:$port/echo"), Messages()).get(PATIENCE_SECONDS, TimeUnit.SECONDS)

    private inner class Messages : WebSocket.Listener {
        private val text = StringBuilder()

        override fun onText(webSocket: WebSocket, data: CharSequence, last: Boolean): CompletionStage<*>? {
            text.append(data)
            if (last) answer.complete("$text").also { text.clear() }
            webSocket.request(1)
            return null
        }
    }

    fun echo(message: String): String {
        answer = CompletableFuture()
        socket.sendText(message, true).get(PATIENCE_SECONDS, TimeUnit.SECONDS)
        return answer.get(PATIENCE_SECONDS, TimeUnit.SECONDS)
    }

    override fun close() {
        socket.sendClose(WebSocket.NORMAL_CLOSURE, "").get(PATIENCE_SECONDS, TimeUnit.SECONDS)
        socket.abort()
    }
}
