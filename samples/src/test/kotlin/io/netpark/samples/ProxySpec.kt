package io.netpark.samples

import com.sun.net.httpserver.HttpServer
import io.kotest.matchers.collections.shouldBeEmpty
import io.kotest.matchers.collections.shouldBeSingleton
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import java.io.IOException
import java.net.InetSocketAddress
import java.net.Socket
import java.net.SocketException
import java.nio.ByteBuffer
import java.nio.file.Files
import java.util.concurrent.TimeUnit
import java.util.zip.CRC32C
import kotlin.random.Random
import kotlin.time.Duration.Companion.seconds

/** Repeats [attempt] until it says yes. */
private fun soon(what: String, attempt: () -> Boolean) {
    val end = System.nanoTime() + PATIENCE_SECONDS.seconds.inWholeNanoseconds
    while (!attempt()) {
        check(System.nanoTime() < end) { "not within $PATIENCE_SECONDS s: $what" }
        Thread.sleep(20)
    }
}

/** The block of a generated stream with this number: all are different. */
private fun ByteBuffer.stamp(number: Long): ByteBuffer = putLong(0, number).clear()

private const val GIB = 1L shl 30

class ProxySpec : SampleSpec({

    test("a client that pipelines and half-closes gets everything back, then the end") {
        val requests = Random(1).nextBytes(8_000_000)
        Service().use { service ->
            RunningProxy(listOf(service.port), "--loops", "1").use { proxy ->
                proxy.dial().use { client ->
                    val answers = whileDoing({
                        for (start in requests.indices step 1000) client.getOutputStream().write(requests, start, 1000)
                        client.shutdownOutput()
                    }) { client.getInputStream().readAllBytes() }
                    answers.contentEquals(requests) shouldBe true
                }
            }
        }
    }

    test("the server's half-close reaches the client, who can go on sending") {
        val heard = java.util.concurrent.CompletableFuture<String>()
        val service = Service("bye") { client ->
            client.shutdownOutput()
            val text = client.getInputStream().readAllBytes().decodeToString()
            if (text.isNotEmpty()) heard.complete(text)
        }
        service.use {
            RunningProxy(listOf(service.port)).use { proxy ->
                proxy.dial().use { client ->
                    client.getInputStream().readAllBytes().decodeToString() shouldBe "bye"
                    client.getOutputStream().write("still here".toByteArray())
                    client.shutdownOutput()
                    heard.get(PATIENCE_SECONDS, TimeUnit.SECONDS) shouldBe "still here"
                }
            }
        }
    }

    test("curl: a page through it").config(enabledOrReasonIf = { needs("curl", "--version") }) {
        val page = Random(2).nextBytes(3_000_000)
        val http = HttpServer.create(InetSocketAddress(HERE, 0), 0)
        http.createContext("/") { exchange ->
            exchange.sendResponseHeaders(200, page.size.toLong())
            exchange.responseBody.use { it.write(page) }
        }
        http.start()
        try {
            RunningProxy(listOf(http.address.port)).use { proxy ->
                val pages = listOf("a", "b").map { "http://127.0.0.1:${proxy.port}/$it" }
                val curl = ProcessBuilder(listOf("curl", "-sS", "--fail") + pages)
                    .redirectError(ProcessBuilder.Redirect.INHERIT).start()
                curl.inputStream.readAllBytes().contentEquals(page + page) shouldBe true
                curl.waitFor() shouldBe 0
            }
        } finally {
            http.stop(0)
        }
    }

    test("socat: its half-close, and everything back").config(enabledOrReasonIf = { needs("socat", "-V") }) {
        val request = Files.createTempFile("request", null)
        try {
            Files.write(request, Random(3).nextBytes(1_000_000))
            Service().use { service ->
                RunningProxy(listOf(service.port)).use { proxy ->
                    val client = ProcessBuilder("socat", "-t", "20", "-", "TCP:127.0.0.1:${proxy.port}")
                        .redirectInput(request.toFile()).redirectError(ProcessBuilder.Redirect.INHERIT).start()
                    client.inputStream.readAllBytes().contentEquals(Files.readAllBytes(request)) shouldBe true
                    client.waitFor() shouldBe 0
                }
            }
        } finally {
            Files.delete(request)
        }
    }

    test("3 GiB are intact, by their checksum, and cost no memory") {
        val size = 3 * GIB
        val block = ByteBuffer.wrap(Random(4).nextBytes(1 shl 20))
        val sent = CRC32C()
        val service = Service { client ->
            if (client.getInputStream().read() < 0) return@Service // a check
            for (number in 0L until (size shr 20)) {
                block.stamp(number)
                sent.update(block.array(), 0, block.capacity())
                client.getOutputStream().write(block.array())
            }
        }
        service.use {
            RunningProxy(listOf(service.port), "--loops", "1").use { proxy ->
                proxy.dial().use { client ->
                    val chunk = ByteArray(1 shl 20)
                    val got = CRC32C()
                    var count = 0L
                    val began = System.nanoTime()
                    client.getOutputStream().write(1)
                    while (true) {
                        val read = client.getInputStream().read(chunk)
                        if (read < 0) break
                        got.update(chunk, 0, read)
                        count += read
                    }
                    val seconds = (System.nanoTime() - began) / 1e9
                    val cpu = proxy.program.cpuTicks() / 100.0
                    println("3 GiB through the proxy in %.1f s, %.2f s of processor time".format(seconds, cpu))
                    count shouldBe size
                    got.value shouldBe sent.value
                    (proxy.program.rssKiB() < 256 * 1024) shouldBe true
                }
            }
        }
    }

    test("clients in turn; a server that is killed is left out, and is back when it is back") {
        HeldPort().use { kept -> // for when it is back
            val first = Service("first", kept.port)
            Service("second").use { second ->
                RunningProxy(listOf(first.port, second.port), "--check", "0.1").use { proxy ->
                    fun who(): String? = try {
                        proxy.dial().use { client ->
                            client.shutdownOutput()
                            client.getInputStream().readAllBytes().decodeToString()
                        }
                    } catch (_: SocketException) {
                        null
                    }
                    List(4) { who() }.toSet() shouldBe setOf("first", "second")

                    val held = proxy.dial().takeIf { it.getInputStream().readNBytes(1).decodeToString() == "f" } ?: proxy.dial()
                    first.close()
                    soon("only the second") { List(4) { who() }.toSet() == setOf("second") }
                    try {
                        while (held.getInputStream().read() >= 0) Unit
                    } catch (_: SocketException) {
                        // Its server was killed, and it has been told by a reset.
                    }
                    held.close()
                    soon("told") { proxy.program.errorLines().any { "127.0.0.1:${first.port} is left out" in it } }

                    Service("first", first.port).use {
                        soon("both again") { List(4) { who() }.toSet() == setOf("first", "second") }
                        soon("told") { proxy.program.errorLines().any { "127.0.0.1:${first.port} is back" in it } }
                    }
                }
            }
        }
    }

    test("the fewest clients: who holds one is passed over") {
        Service("a").use { a ->
            Service("b").use { b ->
                RunningProxy(listOf(a.port, b.port), "--balance", "least", "--check", "60").use { proxy ->
                    fun first(client: Socket) = client.getInputStream().readNBytes(1).decodeToString()
                    fun sockets() = proxy.descriptors().values.count { it.startsWith("socket:") }
                    proxy.dial().use { holder ->
                        val busy = first(holder)
                        val held = sockets()
                        repeat(5) {
                            proxy.dial().use { client ->
                                first(client) shouldBe (if (busy == "a") "b" else "a")
                                client.shutdownOutput()
                                client.getInputStream().isAtEnd() shouldBe true
                            }
                            // Until the proxy has heard of the end it counts; it closes the client's socket after that.
                            soon("it is gone") { sockets() <= held }
                        }
                    }
                }
            }
        }
    }

    test("no server at all: the client is reset, the proxy goes on") {
        HeldPort().use { held ->
            val port = held.port
            RunningProxy(listOf(port), "--check", "60").use { proxy ->
                repeat(3) {
                    val reset = try {
                        proxy.dial().use { it.getInputStream().isAtEnd() }
                        false
                    } catch (_: SocketException) {
                        true
                    }
                    reset shouldBe true
                }
                soon { proxy.program.errorLines().shouldBeSingleton { it shouldContain "is left out" } } // told once
                Service("back", port).use {
                    proxy.dial().use { it.getInputStream().readNBytes(4).decodeToString() shouldBe "back" }
                }
            }
        }
    }

    test("SIGTERM: no new clients, those there finish; what has happened in a line; status 0") {
        Service().use { service ->
            RunningProxy(listOf(service.port), "--drain", "$PATIENCE_SECONDS").use { proxy ->
                proxy.dial().use { client ->
                    client.exchange("before".encodeToByteArray())
                    proxy.program.signal("TERM")
                    soon("refusing") {
                        try {
                            proxy.dial().close()
                            false
                        } catch (_: IOException) {
                            true
                        }
                    }
                    client.exchange("after".encodeToByteArray()).decodeToString() shouldBe "after"
                    client.shutdownOutput()
                    client.getInputStream().isAtEnd() shouldBe true
                }
                proxy.program.status() shouldBe 0
                proxy.program.errorLines().shouldBeEmpty()
                proxy.program.rest().lines().last { it.isNotEmpty() } shouldContain "0 clients now"
            }
        }
    }

    test("wrong options: the usage, status 2") {
        val wrong = listOf(
            listOf("--port", "0"), listOf("--port", "0", "--upstream", "nowhere"),
            listOf("--port", "70000", "--upstream", "a:1"), listOf("--port", "0", "--upstream", "a:1", "--balance", "luck"),
            listOf("--port", "0", "--upstream", "a:1", "--connections", "0"), listOf("--port", "0", "--upstream", ","),
            listOf("--port", "0", "--upstream", ",a:1"),
        )
        wrong.map { it to RunningProgram(PROXY, *it.toTypedArray()) }.forEach { (options, program) ->
            program.use {
                Pair(options, it.status()) shouldBe Pair(options, 2)
                it.errorLines().joinToString("\n") shouldContain "Usage: samples/run proxy"
            }
        }
    }

    test("both bindings") {
        Service().use { service ->
            for (binding in listOfNotNull("jna", "ffm".takeIf { Runtime.version().feature() >= 22 })) {
                RunningProxy(listOf(service.port), "--binding", binding).use { proxy ->
                    proxy.dial().use { it.exchange(byteArrayOf(7)) shouldBe byteArrayOf(7) }
                }
            }
        }
    }
})
