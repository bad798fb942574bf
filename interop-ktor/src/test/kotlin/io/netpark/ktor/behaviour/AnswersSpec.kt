package io.netpark.ktor.behaviour

import io.kotest.matchers.collections.shouldContainExactly
import io.kotest.matchers.nulls.shouldBeNull
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.kotest.matchers.string.shouldNotContain
import io.ktor.http.ContentType
import io.ktor.http.HttpHeaders
import io.ktor.http.HttpStatusCode
import io.ktor.http.content.OutgoingContent
import io.ktor.http.withCharset
import io.ktor.server.application.ApplicationCallPipeline
import io.ktor.server.application.call
import io.ktor.server.application.createApplicationPlugin
import io.ktor.server.application.createRouteScopedPlugin
import io.ktor.server.application.hooks.CallSetup
import io.ktor.server.application.install
import io.ktor.server.plugins.mutableOriginConnectionPoint
import io.ktor.server.plugins.origin
import io.ktor.server.request.path
import io.ktor.server.request.port
import io.ktor.server.request.receiveChannel
import io.ktor.server.response.header
import io.ktor.server.response.respond
import io.ktor.server.response.respondBytes
import io.ktor.server.response.respondRedirect
import io.ktor.server.response.respondText
import io.ktor.server.routing.get
import io.ktor.server.routing.post
import io.ktor.server.routing.route
import io.ktor.server.routing.routing
import io.ktor.utils.io.ByteChannel
import io.ktor.utils.io.ByteWriteChannel
import io.ktor.utils.io.InternalAPI
import io.ktor.utils.io.close
import io.ktor.utils.io.readBuffer
import io.ktor.utils.io.writePacket
import io.ktor.utils.io.writeStringUtf8
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.launch

/** What a client sees of an answer. */
@OptIn(InternalAPI::class)
class AnswersSpec : BehaviourSpec(
    application = {
        intercept(ApplicationCallPipeline.Plugins) {
            if (call.request.path() == "/intercepted/") call.respondRedirect("/2", permanent = true)
        }
        install(
            createApplicationPlugin("scheme") {
                on(CallSetup) { call ->
                    if (call.request.path() == "/proxied") {
                        call.mutableOriginConnectionPoint.scheme = "https"
                        call.mutableOriginConnectionPoint.serverPort = 443
                    }
                }
            },
        )
        routing {
            get("/redirect") { call.respondRedirect("http://localhost:${call.request.port()}/page", permanent = true) }
            get("/tag") {
                call.response.headers.append(HttpHeaders.ETag, "test-etag")
                call.respondText("Hello")
            }
            get("/all") {
                call.response.headers.append("Name-1", "value-1")
                call.response.headers.append("Name-1", "value-2")
                call.response.headers.append("Name-2", "value")
                call.respondText(call.response.headers.allValues().toString())
            }
            get("/cookie") {
                call.response.cookies.append("k1", "v1")
                call.respondText("Hello")
            }
            get("/found") {
                call.response.status(HttpStatusCode.Found)
                call.respond("Hello")
            }
            get("/status/{code}") { call.respond(HttpStatusCode.fromValue(call.parameters["code"]!!.toInt())) }
            get("/own") { call.respondText("odd", status = HttpStatusCode(299, "Oddly Fine")) }
            get("/silent") {
                call.response.status(HttpStatusCode.Accepted)
                call.response.header("Custom-Header", "Custom value")
            }
            get("/proxied") { call.respondText(call.request.origin.run { "$scheme $serverPort" }) }
            get("/server") {
                call.response.header(HttpHeaders.Server, "BRS")
                call.respondText("OK")
            }
            get("/empty") { call.respondText("") }
            get("/bytes") { call.respondBytes(ByteArray(3) { it.toByte() }) }
            get("/typed") { call.respondText("Grüße", ContentType.Text.Html.withCharset(Charsets.ISO_8859_1)) }
            get("/inject") {
                val answer = runCatching { call.response.headers.append("X-Value", "a\r\nX-Injected: b", safeOnly = false) }
                call.respondText(if (answer.isSuccess) "appended" else "refused")
            }
            post("/flushed") {
                val channel = ByteChannel(autoFlush = true)
                launch(Dispatchers.Unconfined) {
                    channel.writePacket(call.receiveChannel().readBuffer())
                    channel.close(null)
                }
                call.respond(object : OutgoingContent.ReadChannelContent() {
                    override val contentType = ContentType.Text.Plain
                    override val contentLength = 5L
                    override fun readFrom() = channel
                })
            }
            get("/broken") {
                call.respond(object : OutgoingContent.WriteChannelContent() {
                    override suspend fun writeTo(channel: ByteWriteChannel) {
                        channel.writeStringUtf8("first\n")
                        error("in the midst of the body")
                    }
                })
            }
            get("/short") {
                call.respond(object : OutgoingContent.WriteChannelContent() {
                    override val contentLength = 100L
                    override suspend fun writeTo(channel: ByteWriteChannel) = channel.writeStringUtf8("too little")
                })
            }
            get("/throwing-with-length") {
                call.respond(object : OutgoingContent.WriteChannelContent() {
                    override val contentLength = 100L
                    override suspend fun writeTo(channel: ByteWriteChannel) {
                        channel.writeStringUtf8("first\n")
                        channel.flush()
                        error("in the midst of the body")
                    }
                })
            }
            get("/long") {
                call.respond(object : OutgoingContent.WriteChannelContent() {
                    override val contentLength = 4L
                    override suspend fun writeTo(channel: ByteWriteChannel) = channel.writeStringUtf8("much more than four")
                })
            }
            get("/twice") {
                call.respondText("first")
                runCatching { call.respondText("second") }
            }
            route("/text") { get { call.respondText("text") } }
        }
    },
    body = {
        behaviour("a redirect, from a handler and from an interceptor") { site ->
            site.ask(get("/redirect")).run {
                status shouldBe 301
                this["Location"] shouldContain "/page"
            }
            site.ask(get("/intercepted/")).run {
                status shouldBe 301
                this["Location"] shouldBe "/2"
            }
        }

        behaviour("a text: its length, its type, and no chunks") { site ->
            site.ask(get("/tag")).run {
                status shouldBe 200
                text shouldBe "Hello"
                this["ETag"] shouldBe "test-etag"
                this["Transfer-Encoding"].shouldBeNull()
                this["Content-Length"] shouldBe "5"
                ContentType.parse(this["Content-Type"]!!) shouldBe ContentType.Text.Plain.withCharset(Charsets.UTF_8)
            }
        }

        behaviour("fields that are appended twice are sent twice, and can be asked for before") { site ->
            site.ask(get("/all")).run {
                all("Name-1") shouldContainExactly listOf("value-1", "value-2")
                text shouldContain "Name-1=[value-1, value-2]"
                text shouldContain "Name-2=[value]"
            }
        }

        behaviour("a cookie") { site -> site.ask(get("/cookie"))["Set-Cookie"] shouldBe "k1=v1; \$x-enc=URI_ENCODING" }

        behaviour("a status that is set before the answer is kept") { site ->
            site.ask(get("/found")).run {
                status shouldBe 302
                text shouldBe "Hello"
            }
        }

        behaviour("a status of one's own, with its words") { site ->
            site.ask(get("/own")).run {
                status shouldBe 299
                reason shouldBe "Oddly Fine"
            }
        }

        behaviour("204 and 304 have no body, and the connection goes on") { site ->
            site.connect().use { peer ->
                for (status in listOf(204, 304)) {
                    peer.send(get("/status/$status"))
                    peer.answer().status shouldBe status
                }
                peer.send(get("/text"))
                peer.answer().text shouldBe "text"
            }
        }

        behaviour("a handler that does not answer: its status and fields are sent") { site ->
            site.ask(get("/silent", "Connection: close")).run {
                status shouldBe 202
                this["Custom-Header"] shouldBe "Custom value"
            }
        }

        behaviour("nobody is there for a path: 404, and the connection goes on") { site ->
            site.connect().use { peer ->
                repeat(3) {
                    peer.send(get("/nobody/$it"))
                    peer.answer().status shouldBe 404
                }
                peer.send(get("/text"))
                peer.answer().text shouldBe "text"
            }
        }

        behaviour("another method than a route has: 405") { site -> site.ask(post("/text", "")).status shouldBe 405 }

        behaviour("a plugin says what the scheme is") { site -> site.get("/proxied").body() shouldBe "https 443" }

        behaviour("a field appears once: a Server that the handler has set") { site ->
            site.ask(get("/server")).all("Server") shouldContainExactly listOf("BRS")
        }

        behaviour("an empty text has the length 0") { site ->
            site.ask(get("/empty")).run {
                status shouldBe 200
                length shouldBe 0
            }
        }

        behaviour("bytes are not changed, and a text is encoded as its type says") { site ->
            site.ask(get("/bytes")).body.toList() shouldBe listOf<Byte>(0, 1, 2)
            String(site.ask(get("/typed")).body, Charsets.ISO_8859_1) shouldBe "Grüße"
        }

        behaviour("a value of a field with line ends adds no field") { site ->
            val answer = site.ask(get("/inject", "Connection: close"))
            answer.all("X-Injected").size shouldBe 0
        }

        promise("the head of an answer goes out before its body is there") { site ->
            site.connect().use { peer ->
                peer.sendHead("POST /flushed HTTP/1.1", "Host: localhost", "Content-Length: 5")
                peer.answerHead().run {
                    status shouldBe 200
                    length shouldBe 5
                }
                peer.send("abcde")
                peer.text(5) shouldBe "abcde"
            }
        }

        behaviour("a handler fails in the midst of a body: the answer does not look complete") { site -> // KTOR-8903
            for (path in listOf("/broken", "/throwing-with-length")) {
                site.connect().use { peer ->
                    peer.send(get(path))
                    val answer = peer.answerOrCut()
                    check(answer == null || answer.status == 500) { "$path: ${answer?.text}" }
                }
            }
        }

        promise("a body that is shorter than its length: the answer is cut") { site ->
            site.connect().use { peer ->
                peer.send(get("/short"))
                peer.answerOrCut() shouldBe null
            }
        }

        promise("a body that is longer than its length is not taken for another answer") { site ->
            site.connect().use { peer ->
                peer.send(get("/long") + get("/text"))
                // Cut at its length, or not there: what follows is an answer of its own or nothing.
                peer.answerOrCut()?.let { if (it.status == 200) it.text shouldBe "much" }
                peer.answerOrCut()?.let { if (it.status == 200) it.text shouldBe "text" }
            }
        }

        behaviour("a second answer to a request does not reach the client") { site ->
            site.connect().use { peer ->
                peer.send(get("/twice"))
                peer.answer().text shouldBe "first"
                peer.send(get("/text"))
                peer.answer().text shouldNotContain "second"
            }
        }

        behaviour("an answer to HTTP/1.0 has no chunks, and ends with the connection") { site ->
            site.connect().use { peer ->
                peer.sendHead("GET /text HTTP/1.0")
                val answer = peer.answer()
                answer.isChunked shouldBe false
                answer.text shouldBe "text"
                peer.isEnded() shouldBe true
            }
        }
    },
)
