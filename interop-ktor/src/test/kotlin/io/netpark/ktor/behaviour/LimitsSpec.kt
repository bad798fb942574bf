package io.netpark.ktor.behaviour

import io.kotest.matchers.shouldBe
import io.ktor.server.request.receiveText
import io.ktor.server.response.respondText
import io.ktor.server.routing.get
import io.ktor.server.routing.post
import io.ktor.server.routing.routing
import io.netpark.ktor.NetparkApplicationEngine

/** Limits of sizes, set low: each is said by a status of its own. */
class LimitsSpec : BehaviourSpec(
    configure = {
        if (this is NetparkApplicationEngine.Configuration) {
            maxRequestLine = 200
            maxHeadSize = 1000
            maxHeaderFields = 10
            maxBodySize = 10_000
        }
    },
    application = {
        routing {
            get("/") { call.respondText("Text") }
            post("/") { call.respondText("${call.receiveText().length}") }
        }
    },
    body = {
        promise("a request line at its limit is taken, and refused with 414 beyond it") { site ->
            fun line(length: Int) = "GET /?${"x".repeat(length - "GET /? HTTP/1.1\r\n".length)} HTTP/1.1"
            site.ask(head(line(200), "Host: localhost")).status shouldBe 200
            site.ask(head(line(201), "Host: localhost")).status shouldBe 414
        }

        promise("fields up to their number are taken, and refused with 431 beyond it") { site ->
            site.ask(get("/", *Array(9) { "X-$it: y" })).status shouldBe 200
            site.ask(get("/", *Array(10) { "X-$it: y" })).status shouldBe 431
        }

        promise("bytes of fields beyond their limit are refused with 431") { site ->
            site.ask(get("/", "X: ${"y".repeat(500)}")).status shouldBe 200
            site.ask(get("/", "X: ${"y".repeat(1500)}")).status shouldBe 431
        }

        promise("a body at its limit is taken, and refused with 413 beyond it: by its length and by its chunks") { site ->
            site.ask(post("/", "x".repeat(10_000))).text shouldBe "10000"
            site.ask(head("POST / HTTP/1.1", "Host: localhost", "Content-Length: 10001")).status shouldBe 413
            fun chunks(size: Int) = head("POST / HTTP/1.1", "Host: localhost", "Transfer-Encoding: chunked") +
                "${size.toString(16)}\r\n${"x".repeat(size)}\r\n0\r\n\r\n"
            site.ask(chunks(10_000)).text shouldBe "10000"
            site.ask(chunks(10_001)).status shouldBe 413
        }
    },
)
