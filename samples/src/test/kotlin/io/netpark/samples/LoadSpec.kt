package io.netpark.samples

import io.kotest.matchers.collections.shouldBeEmpty
import io.kotest.matchers.collections.shouldBeSingleton
import io.kotest.matchers.comparables.shouldBeBetween
import io.kotest.matchers.doubles.shouldBeGreaterThan
import io.kotest.matchers.ints.shouldBeInRange
import io.kotest.matchers.longs.shouldBeGreaterThan
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.kotest.matchers.string.shouldMatch
import java.io.IOException
import java.net.InetAddress
import java.net.ServerSocket
import java.net.Socket
import kotlin.concurrent.thread

class LoadSpec : SampleSpec({
    for (api in listOf("coroutine", "callback")) {
        context(api) {
            val echo by lazy { RunningEcho("--api", api, "--loops", "1") }
            afterSpec { echo.close() }

            test("closed loop: a line a second, then the table, status 0") {
                val target = "127.0.0.1:${echo.port}"
                RunningProgram(LOAD, "--target", target, "--connections", "10", "--seconds", "2.5").use { load ->
                    val lines = load.rest().lines().filter { it.isNotEmpty() }
                    load.status() shouldBe 0
                    load.errorLines().shouldBeEmpty()
                    lines.filter { it.matches(PROGRESS) }.size shouldBeInRange 1..3 // a busy machine may stop behind the third
                    // The time is what it took, and a busy machine may be late to stop.
                    val title = lines.indexOfFirst { it.contains(Regex("^\\d+\\.\\d s, 10 connections to $target, 1,024 bytes")) }
                    (title > 0) shouldBe true
                    val table = lines.drop(title + 1)
                    table.map { it.take(28).trim() } shouldBe listOf(
                        "requests answered", "requests a second", "megabytes a second",
                        "latency p50", "latency p90", "latency p99", "latency p99.9", "latency max", "errors",
                    )
                    lines.count("requests answered") shouldBeGreaterThan 100
                    lines.count("errors") shouldBe 0
                }
            }

            test("a fixed rate, several in flight, several loops: as many as were due") {
                RunningProgram(
                    LOAD, "--target", "localhost:${echo.port}", "--rate", "1000", "--seconds", "2", "--connections", "5",
                    "--pipeline", "8", "--size", "3001", "--loops", "2",
                ).use { load ->
                    val lines = load.rest().lines()
                    load.status() shouldBe 0
                    load.errorLines().shouldBeEmpty()
                    // A busy machine may be late to send the last ones, or late to stop.
                    (lines.count("requests answered") + lines.count("due and never sent")).shouldBeBetween(1_950L, 3_000L)
                }
            }

            test("requests larger than what sockets hold, several in flight") {
                RunningProgram(
                    LOAD, "--target", "127.0.0.1:${echo.port}", "--seconds", "1", "--connections", "2", "--pipeline", "3",
                    "--size", "5000000",
                ).use { load ->
                    val lines = load.rest().lines()
                    load.status() shouldBe 0
                    load.errorLines().shouldBeEmpty()
                    lines.count("requests answered") shouldBeGreaterThan 2
                }
            }
        }
    }

    test("an IPv6 address, and the other binding") {
        RunningEcho("--host", "::1").use { echo ->
            RunningProgram(LOAD, "--target", "[::1]:${echo.port}", "--seconds", "0.5", "--binding", "jna").use { load ->
                load.rest() shouldContain "to [::1]:${echo.port}"
                load.status() shouldBe 0
            }
        }
    }

    test("Ctrl-C prints what there is, status 0") {
        RunningEcho().use { echo ->
            RunningProgram(LOAD, "--target", "127.0.0.1:${echo.port}", "--seconds", "600").use { load ->
                load.line()!! shouldMatch PROGRESS
                load.signal("INT")
                load.rest().lines().count("requests answered") shouldBeGreaterThan 0
                load.status() shouldBe 0
            }
        }
    }

    test("at a fixed rate a stall shows in all the requests that were due meanwhile") {
        var requests = 0
        faulty { client ->
            client.echo { if (++requests == 50) Thread.sleep(1_000) }
        }.use { server ->
            RunningProgram(
                LOAD, "--target", "127.0.0.1:${server.localPort}", "--rate", "100", "--seconds", "2", "--connections", "1",
                "--size", "10",
            ).use { load ->
                val lines = load.rest().lines()
                load.status() shouldBe 0
                (lines.count("requests answered") + lines.count("due and never sent")).shouldBeBetween(190L, 300L)
                // Of 200 requests 100 were due while it stalled: a tenth of all waited for more than 800 ms.
                lines.millis("latency p90") shouldBeGreaterThan 600.0
            }
        }
    }

    test("a server that is too slow for the rate: the backlog is told") {
        faulty { client -> client.echo { Thread.sleep(20) } }.use { server ->
            RunningProgram(
                LOAD, "--target", "127.0.0.1:${server.localPort}", "--rate", "1000", "--seconds", "2", "--connections", "2",
                "--size", "10",
            ).use { load ->
                val lines = load.rest().lines()
                load.status() shouldBe 0
                lines.first { it.matches(PROGRESS) } shouldContain "behind"
                lines.count("due and never sent") shouldBeGreaterThan 1_500
                lines.first { it.startsWith("due and never sent") } shouldContain "the rate is not reached"
            }
        }
    }

    test("a server that is started again: connections are dialed again, what was lost is counted, status 1") {
        HeldPort().use { kept -> // for when it is back
            fun echo() = RunningProgram(ECHO, "--port", "${kept.port}").also { it.line()!! shouldContain "listening" }
            echo().use { first ->
                RunningProgram(LOAD, "--target", "127.0.0.1:${kept.port}", "--connections", "5", "--seconds", "600").use { load ->
                    load.line()!! shouldMatch PROGRESS
                    first.process.destroyForcibly().waitFor()
                    while (!load.line()!!.contains("0 open")) {
                        // Until it has been noticed.
                    }
                    echo().use {
                        while (!load.line()!!.contains("5 open")) {
                            // Until it goes on: a line a second.
                        }
                        load.signal("INT")
                        val lines = load.rest().lines()
                        load.status() shouldBe 1
                        lines.count("requests lost") shouldBe 5
                        lines.count("errors") shouldBeGreaterThan 5
                        lines.count("  connecting failed") shouldBeGreaterThan 0
                        load.errorLines().joinToString("\n") shouldContain "connecting failed; the first: connect to 127.0.0.1"
                    }
                }
            }
        }
    }

    test("a server that dies: the load ends in time, with what there is") {
        RunningEcho().use { echo ->
            RunningProgram(LOAD, "--target", "127.0.0.1:${echo.port}", "--connections", "5", "--seconds", "3").use { load ->
                load.line()!! shouldMatch PROGRESS
                echo.program.process.destroyForcibly().waitFor()
                val lines = load.rest().lines()
                load.status() shouldBe 1
                lines.count("requests answered") shouldBeGreaterThan 0
                lines.count("  connecting failed") shouldBeGreaterThan 0
            }
        }
    }

    test("a server that stops answering: the load ends in time, and says how many it waits for") {
        var requests = 0
        faulty { client -> client.echo { if (++requests == 20) Thread.sleep(60_000) } }.use { server ->
            RunningProgram(
                LOAD, "--target", "127.0.0.1:${server.localPort}", "--connections", "1", "--seconds", "3",
            ).use { load ->
                val lines = load.rest().lines()
                load.status() shouldBe 1
                lines.count("requests unanswered") shouldBe 1
            }
        }
    }

    test("a wrong byte in the middle is found, counted and named, status 1") {
        var requests = 0
        faulty { client -> client.echo { if (++requests == 20) it[7]++ } }.use { server ->
            RunningProgram(
                LOAD, "--target", "127.0.0.1:${server.localPort}", "--connections", "1", "--seconds", "3", "--size", "10",
            ).use { load ->
                val lines = load.rest().lines()
                load.status() shouldBe 1
                lines.count("  wrong bytes") shouldBe 1
                lines.count("requests answered") shouldBeGreaterThan 20 // over another connection
                load.errorLines().shouldBeSingleton { it shouldContain "wrong bytes; the first: byte 7 of the answer" }
            }
        }
    }

    context("no echo server: one line, status 1") {
        fun oneLine(target: String, expected: String) {
            RunningProgram(LOAD, "--target", target, "--connections", "3").use { load ->
                load.status() shouldBe 1
                load.errorLines().shouldBeSingleton { it shouldContain expected }
                load.rest() shouldBe ""
            }
        }

        fun oneLine(expected: String, handler: (Socket) -> Unit) =
            faulty(handler).use { oneLine("127.0.0.1:${it.localPort}", expected) }

        test("nobody there") {
            HeldPort().use { held ->
                val port = held.port
                oneLine("127.0.0.1:$port", "connect to 127.0.0.1:$port: ECONNREFUSED")
            }
        }
        test("no such host") { oneLine("no-such-host.invalid:7", "no address is known of no-such-host.invalid") }
        test("it resets") { oneLine("ECONNRESET") { it.setSoLinger(true, 0) } }
        test("it closes") {
            oneLine("the server closed connection 0 after 0 of 1024 bytes") { it.getInputStream().readNBytes(1024) }
        }
        test("it answers something else") {
            oneLine("byte 0 of the answer to request 0 of connection 0 is 72 instead of") {
                it.getOutputStream().write("HTTP/1.1 400 Bad Request\r\n\r\n".encodeToByteArray())
                it.getInputStream().readAllBytes()
            }
        }
        test("it answers more than was asked for") {
            oneLine("the server sent 1 bytes too many") {
                it.getOutputStream().apply { write(it.getInputStream().readNBytes(1024) + 1) }
                it.getInputStream().readAllBytes()
            }
        }
    }

    context("wrong arguments: what is wrong and the usage, status 2") {
        for ((arguments, expected) in mapOf(
            "" to "Missing required option: '--target=HOST:PORT'",
            "--target 127.0.0.1:0" to "a port is a number from 1 to 65535, not 0",
            "--target 127.0.0.1:70000" to "a port is a number from 1 to 65535, not 70000",
            "--target 127.0.0.1" to "127.0.0.1 is not HOST:PORT",
            "--target :7" to ":7 is not HOST:PORT",
            "--target ::1:7" to "an IPv6 address needs brackets",
            "--target a:7 --connections 0" to "--connections must be at least 1, not 0",
            "--target a:7 --connections -5" to "--connections must be at least 1, not -5",
            "--target a:7 --connections 2000000000" to "raise the limit",
            "--target a:7 --size 0" to "--size must be 1 to",
            "--target a:7 --rate -1" to "--rate must be more than 0",
            "--target a:7 --rate NaN" to "--rate must be more than 0",
            "--target a:7 --seconds 0" to "--seconds must be more than 0",
            "--target a:7 --pipeline 0" to "--pipeline must be 1 to 1024, not 0",
            "--target a:7 --loops 0" to "--loops must be at least 1, not 0",
            "--target a:7 --binding other" to "Invalid value for option '--binding'",
        )) {
            test(arguments.ifEmpty { "none" }) {
                RunningProgram(LOAD, *arguments.split(' ').filter { it.isNotEmpty() }.toTypedArray()).use { load ->
                    load.status() shouldBe 2
                    load.errorLines().first() shouldContain expected
                    load.errorLines().joinToString("\n") shouldContain "Usage: samples/run load"
                }
            }
        }
    }
})

private val PROGRESS = Regex(""" *\d+ s +[\d,]+ requests +[\d,]+/s, .*, \d+ errors, \d+ open.*""")

/** A number of the table. */
private fun List<String>.count(name: String): Long = value(name).replace(",", "").toLong()

private fun List<String>.value(name: String): String = first { it.startsWith("$name ") }.drop(28).trim().split("  ").first()

/** A time of the table. */
private fun List<String>.millis(name: String): Double {
    val (number, unit) = value(name).split(' ')
    return number.toDouble() * when (unit) {
        "us" -> 0.001
        "ms" -> 1.0
        else -> 1000.0
    }
}

/** A server whose handler runs on a thread for each connection, which is closed after that. */
private fun faulty(handler: (Socket) -> Unit): ServerSocket {
    val server = ServerSocket(0, 50, InetAddress.getLoopbackAddress())
    thread(isDaemon = true) {
        try {
            while (true) {
                val client = server.accept().apply { tcpNoDelay = true }
                thread(isDaemon = true) {
                    try {
                        client.use(handler)
                    } catch (_: IOException) {
                        // the load has ended
                    }
                }
            }
        } catch (_: IOException) {
            // closed: the test is over
        }
    }
    return server
}

/** Echoes, and does something before each answer. */
private fun Socket.echo(before: (ByteArray) -> Unit) {
    val bytes = ByteArray(65_536)
    while (true) {
        val count = getInputStream().read(bytes)
        if (count < 0) break
        before(bytes)
        getOutputStream().write(bytes, 0, count)
    }
}
