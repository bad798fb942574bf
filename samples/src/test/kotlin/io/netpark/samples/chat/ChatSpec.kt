package io.netpark.samples.chat

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.collections.shouldBeEmpty
import io.kotest.matchers.collections.shouldBeSingleton
import io.kotest.matchers.collections.shouldContainExactlyInAnyOrder
import io.kotest.matchers.longs.shouldBeLessThan
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.kotest.matchers.string.shouldEndWith
import io.kotest.matchers.string.shouldMatch
import io.kotest.matchers.string.shouldStartWith
import io.netpark.samples.PATIENCE_SECONDS
import io.netpark.samples.RunningProgram
import io.netpark.samples.SampleSpec
import io.netpark.samples.websocket.BINARY
import io.netpark.samples.websocket.CLOSE
import io.netpark.samples.websocket.PING
import io.netpark.samples.websocket.PONG
import io.netpark.samples.websocket.TEXT
import io.netpark.samples.websocket.clientFrame
import io.netpark.samples.websocket.closePayload
import kotlinx.serialization.json.jsonPrimitive
import java.io.IOException
import java.net.InetAddress
import java.net.ServerSocket
import java.net.Socket
import java.util.concurrent.TimeUnit
import java.util.concurrent.atomic.AtomicInteger
import kotlin.concurrent.thread

class ChatSpec : SampleSpec({
    val chat by lazy { RunningChat("--loops", "2", *TALKATIVE) } // members are on both
    afterSpec { chat.close() }
    fun dial() = RawWebSocket(chat.port)

    /** A chat in which nobody can be left who has hung up and has not been missed yet. */
    fun ofItsOwn(test: (dial: () -> RawWebSocket) -> Unit) =
        RunningChat("--loops", "2", *TALKATIVE).use { own -> test { RawWebSocket(own.port) } }

    test("who joins is told who is here, and they are told of each other; what one says, all hear; who leaves, is told") {
        dial().use { ada ->
            ada.join("Ada") shouldContainExactlyInAnyOrder listOf("Ada")
            dial().use { grace ->
                grace.join(" Grace   Hopper ") shouldContainExactlyInAnyOrder listOf("Ada", "Grace Hopper")
                ada.text("joined", "name") shouldBe "Grace Hopper"
                grace.say("<b>\"hello\"</b> \u2028 \uD83D\uDE00")
                for (member in listOf(ada, grace)) {
                    val said = member.news("said")
                    said["name"]!!.jsonPrimitive.content shouldBe "Grace Hopper"
                    said["text"]!!.jsonPrimitive.content shouldBe "<b>\"hello\"</b> \u2028 \uD83D\uDE00"
                }
                grace.send(clientFrame(CLOSE))
                ada.text("left", "name") shouldBe "Grace Hopper"
            }
            dial().use { it.join("Edsger") } // leaves without a word
            ada.text("left", "name") shouldBe "Edsger"
        }
    }

    test("everybody sees the same order") {
        val members = List(6) { dial().apply { join("member $it") } }
        val speakers = members.mapIndexed { index, member -> thread { repeat(50) { member.say("$index/$it") } } }
        val heard = members.map { member -> List(300) { member.text("said", "text") } }
        speakers.forEach { it.join() }
        heard.toSet().size shouldBe 1
        members.forEach { it.close() }
    }

    test("a name belongs to one, but who comes back with its token takes over") {
        ofItsOwn { dial -> dial().use { first ->
            first.join("Barbara", token = "secret")
            dial().use { other ->
                for ((name, token) in listOf("barbara" to "", "Barbara" to "wrong")) {
                    other.askToJoin(name, token)
                    other.text("refused", "reason") shouldContain "Barbara"
                }
                other.join("Barbara", token = "secret") shouldBe listOf("Barbara")
                first.awaitClose().closeCode shouldBe 4000
                other.say("still here")
                other.text("said", "text") shouldBe "still here"
            }
        } }
    }

    test("who comes back under another spelling of the name is known by that from then on") {
        ofItsOwn { dial -> dial().use { witness ->
            witness.join("Witness")
            dial().use { first ->
                first.join("Radia", token = "secret")
                witness.text("joined", "name") shouldBe "Radia"
                dial().use { again ->
                    again.join("radia", token = "secret") shouldContainExactlyInAnyOrder listOf("Witness", "radia")
                    first.awaitClose().closeCode shouldBe 4000
                    again.say("it is me")
                    fun heard() = witness.news("joined", "left", "said").let { news ->
                        listOf("type", "name").map { news.getValue(it).jsonPrimitive.content }
                    }
                    val all = mutableListOf(heard())
                    while (all.last().first() != "said") all += heard()
                    all shouldBe listOf(listOf("left", "Radia"), listOf("joined", "radia"), listOf("said", "radia"))
                }
                witness.text("left", "name") shouldBe "radia"
            }
        } }
    }

    test("what is not understood is refused with a reason, and the WebSocket goes on") {
        dial().use { client ->
            val wrong = listOf(
                "no JSON", "[]", "\"x\"", "{", "{}", "{\"type\":1}", "{\"type\":\"leave\"}", "[".repeat(5000),
                "{\"type\":\"say\",\"text\":\"x\"}", "{\"type\":\"join\"}", "{\"type\":\"join\",\"name\":\"  \"}",
                "{\"type\":\"join\",\"name\":\"a\\u0000b\"}", "{\"type\":\"join\",\"name\":\"a\\u200bb\"}",
                "{\"type\":\"join\",\"name\":\"${"x".repeat(33)}\"}",
            )
            for (message in wrong) {
                client.send(clientFrame(TEXT, message))
                client.text("refused", "reason").isNotEmpty() shouldBe true
            }
            client.join("Alan")
            client.askToJoin("Alan again")
            client.text("refused", "reason") shouldContain "already"
            client.say("x".repeat(2001))
            client.text("refused", "reason") shouldContain "2000"
            client.say("x".repeat(2000))
            client.text("said", "text").length shouldBe 2000
        }
    }

    test("binary messages are refused: 1003") {
        dial().use { client ->
            client.join("Robot")
            client.send(clientFrame(BINARY, ByteArray(10)))
            client.awaitClose().closeCode shouldBe 1003
            client.frame() shouldBe null
        }
    }

    test("who does not read is dropped with a reason, costs bounded memory, and nobody waits") {
        // All of the heap is resident from the start: what is added is not garbage that nobody has had to collect yet.
        val heap = listOf("-Xms48m", "-Xmx48m", "-XX:+AlwaysPreTouch")
        RunningChat("--loops", "1", *TALKATIVE, jvmOptions = heap).use { server ->
            RawWebSocket(server.port).use { ada ->
                RawWebSocket(server.port, receiveBuffer = 4096).use { slow ->
                    ada.join("Ada")
                    slow.join("Sloth")
                    val rssBefore = server.program.rssKiB()
                    ada.talkUntilSomebodyLeaves() shouldBe "too slow"
                    server.program.rssKiB() - rssBefore shouldBeLessThan 64 * 1024
                    slow.awaitClose().run { Pair(closeCode, closeReason) shouldBe Pair(1013, "too slow") }
                    ada.say("and on")
                    while (true) if (ada.text("said", "text") == "and on") break
                }
            }
            server.program.errorLines().shouldBeEmpty()
        }
    }

    test("who does not even take the goodbye is cut off, and its descriptor returns") {
        RunningChat("--loops", "1", *TALKATIVE).use { server ->
            RawWebSocket(server.port).use { ada ->
                ada.join("Ada")
                val before = awaitSteady { server.openSockets() }
                RawWebSocket(server.port, receiveBuffer = 4096).use { stuck ->
                    stuck.join("Statue")
                    ada.talkUntilSomebodyLeaves() shouldBe "too slow"
                    eventually("the sockets of before") { server.openSockets() <= before }
                }
            }
            server.program.errorLines().shouldBeEmpty()
        }
    }

    for (endpoint in listOf("the chat", "the echo with coroutines", "the echo with callbacks")) {
        test("$endpoint: who is silent is asked, and dropped without an answer; who answers stays") {
            RunningChat("--ping", "2").use { server ->
                val (port, path) = server.endpoints().getValue(endpoint)
                RawWebSocket(port, path).use { living ->
                    val asked = AtomicInteger()
                    val answering = thread {
                        while (true) {
                            living.send(clientFrame(PONG, (living.frame() ?: break).payload))
                            asked.incrementAndGet()
                        }
                    }
                    RawWebSocket(port, path).use { dead ->
                        dead.frame()!!.opcode shouldBe PING
                        dead.frame() shouldBe null
                    }
                    val before = asked.get()
                    eventually("asked again and again") { asked.get() >= before + 3 }
                    living.socket.shutdownOutput()
                    answering.join()
                }
            }
        }

        test("$endpoint: SIGTERM says 1001 to everybody, and the program ends when they have answered, status 0") {
            RunningChat("--drain", "25").use { server ->
                val (port, path) = server.endpoints().getValue(endpoint)
                val clients = List(3) { RawWebSocket(port, path) }
                val before = awaitSteady { server.openSockets() }
                Socket(InetAddress.getLoopbackAddress(), port).use { idle -> // no request yet
                    eventually("it is accepted") { server.openSockets() > before }
                    server.program.signal("TERM")
                    for (client in clients) {
                        client.awaitClose().closeCode shouldBe 1001
                        client.send(clientFrame(CLOSE, closePayload(1001)))
                        client.frame() shouldBe null
                        client.close()
                    }
                    idle.getInputStream().read() shouldBe -1
                }
                server.program.status() shouldBe 0
                server.program.errorLines().shouldBeEmpty()
            }
        }
    }

    test("SIGINT: who does not answer is cut off when the time is over, status 0") {
        RunningChat("--drain", "1").use { server ->
            val clients = server.endpoints().values.map { (port, path) -> RawWebSocket(port, path) }
            server.program.signal("INT")
            for (client in clients) client.awaitClose().closeCode shouldBe 1001
            server.program.status() shouldBe 0
            server.program.errorLines().shouldBeEmpty()
        }
    }

    test("limits: in all others wait, from one address they are reset") {
        RunningChat("--limit", "2").use { server ->
            for ((port, path) in server.endpoints().values) {
                val two = List(2) { RawWebSocket(port, path) }
                lateinit var third: RawWebSocket
                val waiting = thread { third = RawWebSocket(port, path) }
                waiting.join(300)
                waiting.isAlive shouldBe true
                two.first().close()
                waiting.join()
                listOf(two.last(), third).forEach { it.close() }
            }
        }
        RunningChat("--limit-per-address", "2").use { server ->
            val two = List(2) { RawWebSocket(server.port) }
            shouldThrow<IOException> { RawWebSocket(server.port) } // a reset, or the end: it depends on how fast that is
            two.forEach { it.close() }
        }
    }

    test("both bindings; IPv6") {
        val bindings = if (Runtime.version().feature() >= 22) listOf("jna", "ffm") else listOf("jna")
        for (binding in bindings) {
            RunningChat("--binding", binding).use { server ->
                for ((port, path) in server.endpoints().values) {
                    RawWebSocket(port, path).use { client ->
                        client.send(clientFrame(PING, "x"))
                        client.frame()!!.opcode shouldBe PONG
                    }
                }
            }
        }
        RunningProgram(CHAT, "--port", "0", "--host", "::1").use {
            it.line()!! shouldMatch Regex("""listening on http://\[::1]:\d+/""")
        }
    }

    test("HTTP/1.0, as nginx speaks it to what is behind: the page, also without a host; for a WebSocket, what to set") {
        RunningChat().use { chat ->
            fun ask(request: String) = Socket(InetAddress.getLoopbackAddress(), chat.port).use { client ->
                client.soTimeout = TimeUnit.SECONDS.toMillis(PATIENCE_SECONDS).toInt()
                client.getOutputStream().write(request.encodeToByteArray())
                client.getInputStream().readAllBytes().decodeToString()
            }
            for (host in listOf("Host: chat.example\r\n", "")) {
                val answer = ask("GET / HTTP/1.0\r\n${host}Connection: close\r\n\r\n")
                answer shouldStartWith "HTTP/1.1 200 OK\r\n"
                answer shouldEndWith "</html>\n"
            }
            ask("GET /chat HTTP/1.0\r\nHost: chat.example\r\n\r\n") shouldContain "proxy_http_version 1.1"
            chat.program.errorLines().shouldBeEmpty()
        }
    }

    test("a port in use: one line that names the address, status 1") {
        ServerSocket(0, 1, InetAddress.getLoopbackAddress()).use { other ->
            val taken = other.localPort
            for (options in listOf("--port $taken", "--port 0 --echo-port $taken")) {
                RunningProgram(CHAT, *options.split(' ').toTypedArray()).use { program ->
                    program.status() shouldBe 1
                    program.errorLines().shouldBeSingleton { it shouldContain "127.0.0.1:$taken" }
                    program.rest() shouldBe ""
                }
            }
        }
    }

    test("wrong options: the usage, status 2") {
        val wrong = listOf(
            "", "--port 70000", "--port 0 --loops 0", "--port 0 --ping 0", "--port 0 --limit 0", "--port 0 --drain -1",
            "--port 0 --rate 0", "--port 0 --burst 0", "--port 0 --echo-port 70000",
        )
        for (options in wrong) {
            RunningProgram(CHAT, *options.split(' ').filter { it.isNotEmpty() }.toTypedArray()).use {
                Pair(options, it.status()) shouldBe Pair(options, 2)
                it.errorLines().joinToString("\n") shouldContain "Usage: samples/run chat"
            }
        }
    }
})
