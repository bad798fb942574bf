package io.netpark.samples

import io.kotest.matchers.collections.shouldBeEmpty
import io.kotest.matchers.collections.shouldBeSingleton
import io.kotest.matchers.longs.shouldBeLessThan
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.kotest.matchers.string.shouldMatch
import io.kotest.matchers.string.shouldStartWith
import java.io.IOException
import java.net.InetAddress
import java.net.ServerSocket
import java.net.SocketException
import java.nio.ByteBuffer
import java.nio.channels.SocketChannel
import java.nio.file.Files
import kotlin.random.Random
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.seconds
import kotlin.time.TimeSource
import kotlin.time.measureTime

class EchoSpec : SampleSpec({
    for (api in listOf("coroutine", "callback")) {
        context(api) {
            val echo by lazy { RunningEcho("--api", api, "--loops", "1") }
            afterSpec { echo.close() }

            test("says where it listens when it is ready") {
                echo.firstLine!! shouldMatch Regex("""listening on 127\.0\.0\.1:\d+""")
                echo.dial().use { it.exchange("hello".encodeToByteArray()).decodeToString() shouldBe "hello" }
            }

            test("a client that pipelines and half-closes gets everything back, then the end") {
                val requests = Random(1).nextBytes(8_000_000)
                echo.dial().use { client ->
                    val answers = whileDoing({
                        for (start in requests.indices step 1000) client.getOutputStream().write(requests, start, 1000)
                        client.shutdownOutput()
                    }) { client.getInputStream().readAllBytes() }
                    answers.contentEquals(requests) shouldBe true
                }
            }

            test("a client that half-closes before it reads gets everything back, then the end") {
                val request = Random(2).nextBytes(50_000) // fits into the kernel's buffers
                echo.dial().use { client ->
                    client.getOutputStream().write(request)
                    client.shutdownOutput()
                    Thread.sleep(200)
                    client.getInputStream().readAllBytes().contentEquals(request) shouldBe true
                }
            }

            for ((tool, arguments) in mapOf("nc" to "-N 127.0.0.1 PORT", "socat" to "-t 20 - TCP:127.0.0.1:PORT")) {
                val probe = if (tool == "nc") arrayOf("-h") else arrayOf("-V")
                test(tool).config(enabledOrReasonIf = { needs(tool, *probe) }) {
                    val request = Files.createTempFile("request", null)
                    try {
                        Files.write(request, Random(3).nextBytes(1_000_000))
                        val client = ProcessBuilder(listOf(tool) + arguments.replace("PORT", "${echo.port}").split(' '))
                            .redirectInput(request.toFile()).redirectError(ProcessBuilder.Redirect.INHERIT).start()
                        client.inputStream.readAllBytes().contentEquals(Files.readAllBytes(request)) shouldBe true
                        client.waitFor() shouldBe 0
                    } finally {
                        Files.delete(request)
                    }
                }
            }

            test("clients that never read cost bounded memory and no processor time") {
                val rssBefore = echo.program.rssKiB()
                val clients = List(20) { echo.dialWithoutReading() }
                try {
                    // The kernel makes room as it gets to it: full is what stays full.
                    soon {
                        clients.fillUp()
                        echo.program.awaitIdle()
                        check(clients.sumOf { it.writeSome() } == 0) { "there was room again" }
                    }
                    echo.program.rssKiB() - rssBefore shouldBeLessThan 48 * 1024
                    echo.dial().use { it.exchange("next".encodeToByteArray()).decodeToString() shouldBe "next" }
                } finally {
                    clients.forEach { it.close() }
                }
            }

            test("SIGTERM: no new clients, those there finish, status 0") {
                RunningEcho("--api", api, "--drain", "$PATIENCE_SECONDS").use { server ->
                    server.dial().use { client ->
                        client.exchange("before".encodeToByteArray())
                        server.program.signal("TERM")
                        server.awaitRefusal()
                        client.exchange("after".encodeToByteArray()).decodeToString() shouldBe "after"
                        client.shutdownOutput()
                        client.getInputStream().isAtEnd() shouldBe true
                    }
                    server.program.status() shouldBe 0
                    server.program.errorLines().shouldBeEmpty()
                }
            }

            test("SIGINT: a client that does not finish is cut off when the time is over, status 0") {
                RunningEcho("--api", api, "--drain", "0.5").use { server ->
                    server.dial().use { client ->
                        client.exchange("before".encodeToByteArray())
                        val took = measureTime {
                            server.program.signal("INT")
                            client.getInputStream().isAtEnd() shouldBe true
                        }
                        (took >= 500.milliseconds) shouldBe true
                    }
                    server.program.status() shouldBe 0
                    server.program.errorLines().shouldBeEmpty()
                }
            }

            test("while it drains it says what it waits for; a second signal ends it at once") {
                RunningEcho("--api", api, "--drain", "600").use { server ->
                    val clients = List(2) { server.dial().also { it.exchange("before".encodeToByteArray()) } }
                    server.program.signal("INT")
                    server.program.line() shouldBe
                        "draining: 2 connections are open, for at most 600.0 s; a second signal ends at once"
                    clients.first().shutdownOutput()
                    server.program.line() shouldBe "draining: 1 connection is open"
                    server.program.signal("TERM")
                    server.program.status() shouldBe 128 + 15
                    server.program.errorLines().shouldBeEmpty()
                    clients.forEach { it.close() }
                }
            }

            test("an idle timeout ends who is silent or never reads, not who is slow") {
                RunningEcho("--api", api, "--idle-timeout", "2").use { server ->
                    val stuck = server.dialWithoutReading()
                    listOf(stuck).fillUp()
                    val slow = server.dial()
                    val began = TimeSource.Monotonic.markNow()
                    val silent = server.dial()
                    val ended = whileDoing({
                        repeat(8) {
                            slow.exchange(byteArrayOf(1)) shouldBe byteArrayOf(1)
                            Thread.sleep(400)
                        }
                    }) {
                        silent.getInputStream().isAtEnd() shouldBe true
                        began.elapsedNow()
                    }
                    (ended >= 2.seconds) shouldBe true
                    slow.exchange(byteArrayOf(2)) shouldBe byteArrayOf(2)
                    soon { stuck.isEnded() shouldBe true }
                    listOf(silent, slow, stuck).forEach { it.close() }
                    server.program.errorLines().shouldBeEmpty()
                }
            }

            test("a port in use: one line that names the address, status 1") {
                ServerSocket(0, 1, InetAddress.getLoopbackAddress()).use { other ->
                    RunningProgram(ECHO, "--port", "${other.localPort}", "--api", api).use { program ->
                        program.status() shouldBe 1
                        program.errorLines().shouldBeSingleton { it shouldContain "127.0.0.1:${other.localPort}" }
                        program.rest() shouldBe ""
                    }
                }
            }
        }
    }

    test("wrong options: the usage, status 2") {
        val wrong = listOf(
            listOf(), listOf("--port", "0", "--bogus"), listOf("--port", "70000"), listOf("--port", "0", "--api", "netty"),
        )
        wrong.map { it to RunningProgram(ECHO, *it.toTypedArray()) }.forEach { (options, program) ->
            program.use {
                Pair(options, it.status()) shouldBe Pair(options, 2)
                it.errorLines().joinToString("\n") shouldContain "Usage: samples/run echo"
                it.rest() shouldBe ""
            }
        }
    }

    test("both bindings can be asked for; one that is not there is named in one line") {
        fun works(binding: String) = RunningEcho("--binding", binding).use { echo ->
            echo.dial().use { it.exchange(byteArrayOf(7)) shouldBe byteArrayOf(7) }
        }
        works("jna")
        if (Runtime.version().feature() >= 22) {
            works("ffm")
        } else {
            RunningProgram(ECHO, "--port", "0", "--binding", "ffm").use {
                it.status() shouldBe 1
                it.errorLines().shouldBeSingleton { line -> line shouldContain "needs JDK 22" }
            }
        }
    }

    test("listens on IPv6") {
        RunningEcho("--host", "::1").use { it.firstLine!! shouldStartWith "listening on [::1]:" }
    }
})

/** Writes to each until no more is taken: the kernel's buffers grow for a while. */
private fun List<SocketChannel>.fillUp() {
    var quietSince = System.nanoTime()
    while (System.nanoTime() - quietSince < 500.milliseconds.inWholeNanoseconds) {
        if (sumOf { it.writeSome() } > 0) quietSince = System.nanoTime() else Thread.sleep(5)
    }
}

/** As much as the kernel takes now, at most 64 KiB. */
private fun SocketChannel.writeSome(): Int = write(ByteBuffer.allocate(64 * 1024))

/** Whether the server has ended the connection: by a reset, as it has unread bytes. */
private fun SocketChannel.isEnded(): Boolean = try {
    writeSome()
    false
} catch (_: IOException) {
    true
}

private fun RunningEcho.awaitRefusal() {
    val end = System.nanoTime() + PATIENCE_SECONDS.seconds.inWholeNanoseconds
    while (true) {
        try {
            dial().close()
        } catch (_: SocketException) { // refused; or reset, if the listener ended while the two shook hands
            return
        }
        check(System.nanoTime() < end) { "still accepting" }
        Thread.sleep(5)
    }
}
