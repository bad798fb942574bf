package io.netpark.samples.chat

import io.kotest.matchers.collections.shouldBeEmpty
import io.kotest.matchers.collections.shouldContain
import io.kotest.matchers.ints.shouldBeGreaterThan
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.netpark.samples.SampleSpec
import io.netpark.samples.needs
import java.net.InetAddress
import java.net.Socket
import java.nio.file.Files
import java.nio.file.Path

/** The page, in a real browser. */
class ChatPageSpec : SampleSpec({
    val chromium = needs(Browser.NAME, "--version")
    val browser by lazy { Browser() }
    afterSpec { if (chromium.isEnabled) browser.close() }

    fun RunningChat.open(name: String) = browser.open("http://127.0.0.1:$port/").apply {
        await("the page") { texts("#joining h2") == listOf("JOIN") }
        type("#name", name)
    }

    fun Browser.Tab.isConnected() = texts("#state") == listOf("Connected")

    test("two tabs chat: who is here, what is said, who leaves").config(enabledOrReasonIf = { chromium }) {
        RunningChat().use { chat ->
            val ada = chat.open("Ada")
            ada.await("connected") { isConnected() }
            val grace = chat.open("Grace")
            grace.await("connected") { isConnected() }
            ada.await("both here") { texts("#here li").map { it.lines().last() } == listOf("you", "Grace") }
            grace.texts("#here li .you").size shouldBe 1
            ada.text("document.querySelector('#count').textContent") shouldBe "2"

            grace.type("#text", "Coroutines park on the network?")
            ada.await("what Grace says") { texts(".said .text") == listOf("Coroutines park on the network?") }
            ada.texts(".said .by b") shouldBe listOf("Grace")
            ada.type("#text", "They do. One epoll loop, and every tab is a coroutine.")

            RawWebSocket(chat.port).use { linus ->
                linus.join("Linus")
                linus.say("Hello from a program.")
                ada.await("three here") { texts("#here li").size == 3 && texts(".said .text").size == 3 }
                val picture = ada.picture()
                picture.size shouldBeGreaterThan 10_000
                Files.write(Path.of("target", "chat.png"), picture) // docs/chat.png is a copy of it
            }
            ada.await("Linus has left") { texts(".event").last() == "Linus has left" && texts("#here li").size == 2 }

            val markup = "<img src=x onerror=alert(1)> & \"so\" \uD83D\uDE80"
            ada.type("#text", markup)
            grace.await("what Ada says, as text") { texts(".said .text").last() == markup }
            grace.texts(".said .text").take(3) shouldBe listOf(
                "Coroutines park on the network?",
                "They do. One epoll loop, and every tab is a coroutine.",
                "Hello from a program.",
            )
            grace.text("document.querySelectorAll('#messages img').length") shouldBe "0"
            for (tab in listOf(ada, grace)) tab.errors.shouldBeEmpty()
        }
    }

    test("the longest names without a blank: nothing overflows, and the word behind one's own stays whole")
        .config(enabledOrReasonIf = { chromium }) {
            RunningChat().use { chat ->
                val tab = chat.open("W".repeat(32))
                tab.await("connected") { isConnected() }
                RawWebSocket(chat.port).use { other ->
                    other.join("M".repeat(32))
                    other.say("hello")
                    tab.await("both here") { texts("#here li").size == 2 && texts(".said .text").size == 1 }
                    val tooWide = "[...document.querySelectorAll('#here, #here *, #messages, #messages *')]" +
                        ".filter(e => e.scrollWidth > e.clientWidth && e.clientWidth > 0).map(e => e.outerHTML).join('; ')"
                    tab.text(tooWide) shouldBe ""
                    tab.text("document.querySelector('#here .you').getClientRects().length") shouldBe "1"
                    tab.text("document.querySelector('#here .you').offsetHeight < 30") shouldBe "true"
                }
                tab.errors.shouldBeEmpty()
            }
        }

    test("a name that is taken: said at the form, where another can be tried").config(enabledOrReasonIf = { chromium }) {
        RunningChat().use { chat ->
            RawWebSocket(chat.port).use { other ->
                other.join("Ada")
                val tab = chat.open("ada")
                tab.await("refused") { texts("#trouble") == listOf("Somebody here is called Ada already.") }
                tab.value("document.querySelector('#name').value = ''")
                tab.type("#name", "Ada L.")
                tab.await("connected") { isConnected() }
                tab.errors.shouldBeEmpty()
            }
        }
    }

    test("the server is started again: the tabs come back by themselves, and go on").config(enabledOrReasonIf = { chromium }) {
        val first = RunningChat()
        val ada: Browser.Tab
        val grace: Browser.Tab
        first.use { chat ->
            ada = chat.open("Ada")
            grace = chat.open("Grace")
            for (tab in listOf(ada, grace)) tab.await("both here") { isConnected() && texts("#here li").size == 2 }
            chat.program.signal("TERM")
            chat.program.status() shouldBe 0
            for (tab in listOf(ada, grace)) {
                tab.await("disconnected, and why") { "Disconnected: the server is shutting down" in texts(".event") }
                tab.await("trying again") { texts("#state").single().startsWith("Reconnecting") }
                tab.text("document.querySelector('#send').disabled") shouldBe "true"
            }
        }
        RunningChat(port = first.port).use {
            for (tab in listOf(ada, grace)) tab.await("both here again") { isConnected() && texts("#here li").size == 2 }
            ada.type("#text", "back")
            grace.await("what Ada says") { texts(".said .text") == listOf("back") }
        }
        // What the browser itself says while nobody listens is all there may be.
        for (tab in listOf(ada, grace)) tab.errors.filterNot { "ERR_CONNECTION_REFUSED" in it }.shouldBeEmpty()
    }

    test("a tab that is reloaded is the same member").config(enabledOrReasonIf = { chromium }) {
        RunningChat().use { chat ->
            val tab = chat.open("Ada")
            tab.await("connected") { isConnected() }
            tab.value("location.reload()")
            tab.await("connected again") { isConnected() && texts(".event") == listOf("You are here as Ada") }
            tab.texts("#here li").size shouldBe 1
        }
    }

    test("the page may load and run nothing but itself") {
        RunningChat().use { chat ->
            val answer = Socket(InetAddress.getLoopbackAddress(), chat.port).use {
                it.getOutputStream().write("GET / HTTP/1.1\r\nHost: x\r\n\r\n".encodeToByteArray())
                it.getInputStream().readAllBytes().decodeToString()
            }
            val head = answer.substringBefore("\r\n\r\n").lines()
            head shouldContain "Content-Type: text/html; charset=utf-8"
            head.first { it.startsWith("Content-Security-Policy: ") } shouldContain "default-src 'none'"
            head shouldContain "Content-Length: ${answer.substringAfter("\r\n\r\n").encodeToByteArray().size}"
            Regex("""(src|href)\s*=\s*"(?!data:,")""").containsMatchIn(answer) shouldBe false
        }
    }
})
