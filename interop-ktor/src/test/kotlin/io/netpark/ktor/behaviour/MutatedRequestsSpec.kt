package io.netpark.ktor.behaviour

import io.kotest.assertions.withClue
import io.kotest.matchers.shouldBe
import io.ktor.server.request.receive
import io.ktor.server.response.respondBytesWriter
import io.ktor.server.response.respondText
import io.ktor.server.routing.get
import io.ktor.server.routing.post
import io.ktor.server.routing.route
import io.ktor.server.routing.routing
import io.ktor.server.request.receiveChannel
import io.ktor.utils.io.copyTo
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.async
import io.netpark.ktor.NetparkApplicationEngine
import java.io.IOException
import java.net.SocketTimeoutException
import java.util.concurrent.TimeUnit
import java.util.concurrent.atomic.AtomicLong
import kotlin.random.Random
import kotlin.time.Duration.Companion.seconds

/** How many requests; 50 000 for the long form. */
private val requests: Int = Integer.getInteger("netpark.ktor.mutated.requests", 3000)

/** The first seed: a run that has failed is repeated by its own, with one request. */
private val seed: Long = java.lang.Long.getLong("netpark.ktor.mutated.seed", 1L)

private val valid = listOf(
    get("/", "X-Field: value", "Accept: */*", "Cookie: a=b"),
    get("/files/a%20b?x=1&y=%41"),
    post("/length", "hello world"),
    head("POST /length HTTP/1.1", "Host: localhost", "Transfer-Encoding: chunked") +
        "5\r\nhello\r\n6;a=b\r\n world\r\n0\r\nT: t\r\n\r\n",
    head("POST /echo HTTP/1.1", "Host: localhost", "Content-Length: 5", "Expect: 100-continue") + "hello",
    head("GET http://localhost/ HTTP/1.1", "Host: localhost"),
    head("HEAD / HTTP/1.1", "Host: localhost", "Connection: keep-alive"),
    head("GET / HTTP/1.0", "Connection: keep-alive"),
    head("OPTIONS * HTTP/1.1", "Host: localhost"),
    get("/", "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"),
    post("/length", "a") + get("/") + post("/echo", "b"),
)

/** What is likely to be taken for something else. */
private val pieces = listOf(
    "\r\n", "\n", "\r", "\r\n\r\n", "\u0000", " ", "\t", ":", ";", ",", "%", "%00", "%zz", "Content-Length: 5\r\n",
    "Transfer-Encoding: chunked\r\n",
    "Transfer-Encoding: gzip\r\n", "Host: a\r\n", "0\r\n\r\n", "ffffffff\r\n", "-1", "HTTP/1.1", "HTTP/2.0", "\u00ff", "\u0080", "../",
    "GET / HTTP/1.1\r\n",
    "Connection: close\r\n", "Expect: 100-continue\r\n", "\"", "x".repeat(300), "9".repeat(30),
)

private fun mutated(random: Random): ByteArray {
    var bytes = valid.random(random).toByteArray(Charsets.ISO_8859_1)
    repeat(random.nextInt(1, 4)) {
        val at = random.nextInt(bytes.size)
        val length = random.nextInt(1, 12).coerceAtMost(bytes.size - at)
        bytes = when (random.nextInt(7)) {
            0 -> bytes.clone().also { it[at] = random.nextInt().toByte() }
            1 -> bytes.clone().also { it[at] = (it[at].toInt() xor (1 shl random.nextInt(8))).toByte() }
            2 -> bytes.copyOf(at) + bytes.copyOfRange(at + length, bytes.size)
            3 -> bytes.copyOf(at) + bytes.copyOfRange(at, at + length) + bytes.copyOfRange(at, bytes.size)
            4 -> bytes.copyOf(at + 1)
            5 -> bytes.copyOf(at) + pieces.random(random).toByteArray(Charsets.ISO_8859_1) + bytes.copyOfRange(at, bytes.size)
            else -> bytes.copyOf(at) + valid.random(random).toByteArray(Charsets.ISO_8859_1) + bytes.copyOfRange(at, bytes.size)
        }
        if (bytes.isEmpty()) bytes = byteArrayOf('\r'.code.toByte())
    }
    return bytes
}

/** Requests that are nearly right, by seed: always an answer or a close, never a 500, and nothing is left. */
class MutatedRequestsSpec : NetparkSpec(leaksMatter = false, body = {
    timeout = TimeUnit.MINUTES.toMillis(30)

    test("$requests mutated requests from seed $seed").config(enabled = Subject.ofThisRun == Subject.NETPARK) {
        val resources = Resources()
        RunningApplication(parent = resources.parent, configure = {
            resources.use(this)
            if (this is NetparkApplicationEngine.Configuration) lingerTime = 1.seconds
            listenOnLoopback()
        }) {
            routing {
                get("/") { call.respondText("Hello") }
                get("/files/{name}") { call.respondText("${call.parameters["name"]} ${call.request.queryParameters["x"]}") }
                post("/length") { call.respondText("${call.receive<ByteArray>().size}") }
                post("/echo") { call.respondBytesWriter { call.receiveChannel().copyTo(this) } }
                route("/any") { handle { call.respondText("any") } }
            }
        }.use { running ->
            val next = AtomicLong(seed)
            val clients = (1..4).map { client ->
                async {
                    while (true) {
                        val own = next.getAndIncrement()
                        if (own >= seed + requests) break
                        // TLS takes its time, and what is inside is the same.
                        val site = if (client == 1 && own % 8 == 0L) running.sites.last() else running.sites.first()
                        val again = "netpark.ktor.mutated.seed=$own netpark.ktor.mutated.requests=1"
                        withClue(again) { site.tries(mutated(Random(own))) }
                        if (own % 100 == 0L) site.ask(get("/", "Connection: close")).text shouldBe "Hello"
                    }
                }
            }
            clients.forEach { it.get(25, TimeUnit.MINUTES) }
            for (site in running.sites) site.ask(get("/")).text shouldBe "Hello"
        }
        resources.shouldBeBack()
    }
})

/** Sent in one or two pieces; then the output ends, and so does the answer. */
private fun Site.tries(bytes: ByteArray) = connect().use { peer ->
    val answer = try {
        val cut = bytes.size / 2
        if (bytes.size % 3 == 0 && cut > 0) {
            peer.send(bytes.copyOf(cut))
            peer.send(bytes.copyOfRange(cut, bytes.size))
        } else {
            peer.send(bytes)
        }
        peer.endOutput()
        peer.rest()
    } catch (e: SocketTimeoutException) {
        throw AssertionError("neither an answer nor a close", e)
    } catch (_: IOException) {
        "" // closed before all was sent
    }
    val text = String(bytes, Charsets.ISO_8859_1)
    check(answer.isEmpty() || answer.startsWith("HTTP/1.1 ") || answer.startsWith("HTTP/1.0 ")) { "$text: $answer" }
    check(!Regex("HTTP/1\\.[01] (500|502|503) ").containsMatchIn(answer)) { "$text: $answer" }
}
