package io.netpark.ktor.behaviour

import io.kotest.matchers.collections.shouldContainExactly
import io.kotest.matchers.nulls.shouldBeNull
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldStartWith
import io.ktor.http.ContentType
import io.ktor.http.content.OutgoingContent
import io.ktor.http.content.PartData
import io.ktor.http.content.compressed
import io.ktor.http.content.forEachPart
import io.ktor.server.application.ApplicationCall
import io.ktor.server.application.createRouteScopedPlugin
import io.ktor.server.application.install
import io.ktor.server.http.content.LocalFileContent
import io.ktor.server.http.content.LocalPathContent
import io.ktor.server.http.content.resolveResource
import io.ktor.server.http.content.staticFiles
import io.ktor.server.http.content.staticResources
import io.ktor.server.request.receive
import io.ktor.server.request.receiveChannel
import io.ktor.server.request.receiveMultipart
import io.ktor.server.request.receiveStream
import io.ktor.server.request.receiveText
import io.ktor.server.response.header
import io.ktor.server.response.respond
import io.ktor.server.response.respondBytesWriter
import io.ktor.server.response.respondFile
import io.ktor.server.response.respondOutputStream
import io.ktor.server.response.respondSource
import io.ktor.server.response.respondText
import io.ktor.server.response.respondTextWriter
import io.ktor.server.routing.get
import io.ktor.server.routing.post
import io.ktor.server.routing.route
import io.ktor.server.routing.routing
import io.ktor.util.GZipEncoder
import io.ktor.utils.io.ByteReadChannel
import io.ktor.utils.io.ByteWriteChannel
import io.ktor.utils.io.copyTo
import io.ktor.utils.io.readAvailable
import io.ktor.utils.io.readBuffer
import io.ktor.utils.io.toByteArray
import io.ktor.utils.io.writeByte
import io.ktor.utils.io.writeFully
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.withContext
import kotlinx.io.asSource
import kotlinx.io.buffered
import kotlinx.io.readString
import java.io.InputStream
import java.net.http.HttpRequest
import java.net.http.HttpResponse
import java.nio.file.Files
import java.nio.file.Path
import java.security.MessageDigest
import java.util.zip.GZIPInputStream
import kotlin.io.path.outputStream
import kotlin.concurrent.thread
import kotlin.random.Random

private val data = ByteArray(16 * 1024) { it.toByte() }

/** Larger than all buffers between a server and its client. */
private const val BIG = 24L * 1024 * 1024

private val folder: Path by lazy {
    Files.createTempDirectory("content").also { folder ->
        folder.toFile().deleteOnExit()
        Files.writeString(folder.resolve("hello.txt"), "Hello, file!".repeat(10))
        folder.resolve("big.bin").outputStream().use { out ->
            val random = Random(1)
            repeat((BIG / 65536).toInt()) { out.write(random.nextBytes(65536)) }
        }
    }
}

private class Written(override val contentLength: Long? = null) : OutgoingContent.WriteChannelContent() {
    override suspend fun writeTo(channel: ByteWriteChannel) = channel.writeFully(data)
}

private class Channelled(override val contentLength: Long? = null) : OutgoingContent.ReadChannelContent() {
    override fun readFrom(): ByteReadChannel = ByteReadChannel(data)
}

private class Bytes(override val contentLength: Long? = null) : OutgoingContent.ByteArrayContent() {
    override fun bytes() = data
}

/** As Ktor's own plugin does, which is not to be had for this version. */
private val Gzip = createRouteScopedPlugin("gzip") {
    onCallRespond { call ->
        transformBody { body ->
            if (body is OutgoingContent) body.compressed(GZipEncoder, call.coroutineContext) ?: body else body
        }
    }
}

/** A range of a file, as Ktor's plugin of partial content answers. */
private suspend fun ApplicationCall.respondRange(file: Path, range: LongRange) {
    val content = LocalPathContent(file)
    response.header("Content-Range", "bytes ${range.first}-${range.last}/${Files.size(file)}")
    respond(object : OutgoingContent.ReadChannelContent() {
        override val status = io.ktor.http.HttpStatusCode.PartialContent
        override val contentType = content.contentType
        override val contentLength = range.last - range.first + 1
        override fun readFrom() = content.readFrom(range)
    })
}

private fun digest(input: InputStream): String {
    val digest = MessageDigest.getInstance("SHA-256")
    val buffer = ByteArray(65536)
    while (true) {
        val count = input.read(buffer)
        if (count < 0) return digest.digest().joinToString("") { "%02x".format(it) }
        digest.update(buffer, 0, count)
    }
}

/** Bodies, both ways. */
class ContentSpec : BehaviourSpec(
    application = {
        routing {
            get("/written") { call.respond(Written()) }
            get("/written/known") { call.respond(Written(data.size.toLong())) }
            get("/channelled") { call.respond(Channelled()) }
            get("/channelled/known") { call.respond(Channelled(data.size.toLong())) }
            get("/array") { call.respond(Bytes()) }
            get("/array/known") { call.respond(Bytes(data.size.toLong())) }
            get("/writer") {
                call.respondTextWriter {
                    write("ABC")
                    flush()
                    write("123")
                }
            }
            get("/output") { call.respondOutputStream { for (byte in listOf(25, 37, 42)) write(byte) } }
            get("/bytes") { call.respondBytesWriter { for (byte in listOf<Byte>(25, 37, 42)) writeByte(byte) } }
            get("/large") { call.respondTextWriter(ContentType.Text.Plain) { repeat(10_000) { write("large string ") } } }
            get("/source") { call.respondSource("test".repeat(100).byteInputStream().asSource(), ContentType.Text.Plain) }
            get("/source/part") {
                val source = "test".repeat(100).byteInputStream().asSource().buffered()
                call.respondSource(source, ContentType.Text.Plain, contentLength = 20)
            }
            get("/file") { call.respond(LocalFileContent(folder.resolve("hello.txt").toFile())) }
            get("/bigFile") { call.respondFile(folder.resolve("big.bin").toFile()) }
            get("/range/{first}/{last}") {
                val range = call.parameters["first"]!!.toLong()..call.parameters["last"]!!.toLong()
                call.respondRange(folder.resolve("hello.txt"), range)
            }
            get("/jar") { call.respond(call.resolveResource("Application.class", "io.ktor.server.application")!!) }
            staticFiles("/files", folder.toFile())
            staticResources("/resources", "io.ktor.server.application")
            route("/gzip") {
                install(Gzip)
                get("/text") { call.respondTextWriter(ContentType.Text.Plain) { repeat(20_000) { write("test $it\n") } } }
                get("/file") { call.respond(LocalFileContent(folder.resolve("hello.txt").toFile())) }
            }
            post("/text") { call.respondText(call.receiveText()) }
            post("/array") { call.respondText("${call.receive<ByteArray>().size}") }
            post("/stream") { call.respondText(withContext(Dispatchers.IO) { call.receiveStream().bufferedReader().readText() }) }
            post("/input") { call.respondText(withContext(Dispatchers.IO) { call.receive<InputStream>().reader().readText() }) }
            post("/echo") {
                val received = call.receiveChannel().toByteArray()
                call.respond(object : OutgoingContent.ReadChannelContent() {
                    override fun readFrom() = ByteReadChannel(received)
                })
            }
            post("/copy") { call.respondBytesWriter { call.receiveChannel().copyTo(this) } }
            post("/count") {
                val channel = call.receiveChannel()
                val buffer = ByteArray(8192)
                var total = 0L
                while (true) {
                    val count = channel.readAvailable(buffer)
                    if (count < 0) break
                    total += count
                }
                call.respondText("$total")
            }
            post("/ignored") {
                call.receiveChannel()
                call.respondText("OK")
            }
            post("/parts") {
                val parts = StringBuilder()
                call.receiveMultipart(formFieldLimit = 1024 * 1024).forEachPart { part ->
                    when (part) {
                        is PartData.FormItem -> parts.append("${part.name}=${part.value}\n")
                        is PartData.FileItem -> parts.append(
                            "${part.name},${part.originalFileName},${part.provider().readBuffer().readString().lines().size}\n",
                        )
                        else -> parts.append("?")
                    }
                    part.release()
                }
                call.respondText("$parts")
            }
        }
    },
    body = {
        behaviour("a body of known length is sent by its length, whatever it is made of") { site ->
            for (path in listOf("/written/known", "/channelled/known", "/array/known")) {
                site.ask(get(path)).run {
                    length shouldBe data.size.toLong()
                    this["Transfer-Encoding"].shouldBeNull()
                    body.toList() shouldContainExactly data.toList()
                }
            }
        }

        behaviour("a body of unknown length is sent in chunks, whatever it is made of") { site ->
            for (path in listOf("/written", "/channelled", "/array")) {
                site.ask(get(path)).run {
                    length.shouldBeNull()
                    all("Transfer-Encoding") shouldContainExactly listOf("chunked")
                    body.toList() shouldContainExactly data.toList()
                }
            }
        }

        behaviour("a text from a writer, with and without flushes") { site ->
            site.get("/writer").body() shouldBe "ABC123"
            site.get("/large").body().length shouldBe 130_000
        }

        behaviour("bytes from an output stream and from a channel") { site ->
            for (path in listOf("/output", "/bytes")) {
                site.ask(get(path)).run {
                    this["Content-Type"] shouldBe "application/octet-stream"
                    body.toList() shouldBe listOf<Byte>(25, 37, 42)
                }
            }
        }

        behaviour("a source, whole and cut at a length") { site ->
            site.get("/source").body() shouldBe "test".repeat(100)
            site.get("/source/part").body() shouldBe "test".repeat(5)
        }

        behaviour("a file, a range of it, and one that is in a jar") { site ->
            site.ask(get("/file")).run {
                length shouldBe 120
                text shouldBe "Hello, file!".repeat(10)
            }
            site.ask(get("/range/0/0")).run {
                status shouldBe 206
                text shouldBe "H"
            }
            site.ask(get("/range/7/11")).text shouldBe "file!"
            site.ask(get("/range/115/119")).text shouldBe "file!"
            site.ask(get("/jar")).body.take(4) shouldBe CLASS
        }

        behaviour("static files and resources, what is not there, and what is outside") { site ->
            site.ask(get("/files/hello.txt")).text shouldStartWith "Hello, file!"
            site.ask(get("/resources/Application.class")).body.take(4) shouldBe CLASS
            for (path in listOf("/files/none.txt", "/resources/None.class", "/files/%2e%2e/%2e%2e/etc/passwd")) {
                site.ask(get(path, "Connection: close")).status shouldBe 404
            }
        }

        behaviour("a file of 24 MiB comes as it is") { site ->
            val expected = Files.newInputStream(folder.resolve("big.bin")).use(::digest)
            site.request("/bigFile", HttpResponse.BodyHandlers.ofInputStream()) { GET() }.body().use(::digest) shouldBe expected
        }

        behaviour("a client that reads slowly gets all of a file") { site ->
            site.connect().use { peer ->
                peer.send(get("/bigFile"))
                var left = peer.answerHead().length!!
                while (left > 0) {
                    val count = minOf(left, 1L shl 20).toInt()
                    peer.exactly(count)
                    left -= count
                    Thread.sleep(2)
                }
                peer.send(get("/file"))
                peer.answer().status shouldBe 200
            }
        }

        behaviour("a body that is compressed on its way") { site ->
            val text = (0 until 20_000).joinToString("") { "test $it\n" }
            site.ask(get("/gzip/text")).run {
                this["Content-Encoding"] shouldBe "gzip"
                GZIPInputStream(body.inputStream()).readAllBytes().decodeToString() shouldBe text
            }
            val file = GZIPInputStream(site.ask(get("/gzip/file")).body.inputStream()).readAllBytes().decodeToString()
            file shouldBe "Hello, file!".repeat(10)
        }

        behaviour("a body that is received as text, as bytes, as a stream and as a channel") { site ->
            site.post("/text", "Hello").body() shouldBe "Hello"
            site.post("/array", "Hello").body() shouldBe "5"
            site.post("/stream", "Hello").body() shouldBe "Hello"
            site.post("/input", "Hello").body() shouldBe "Hello"
            site.post("/echo", "POST test\nAnother line").body() shouldBe "POST test\nAnother line"
        }

        behaviour("no body, and a body of no bytes") { site ->
            site.ask(head("POST /text HTTP/1.1", "Host: localhost")).text shouldBe ""
            site.ask(post("/text", "")).text shouldBe ""
            site.ask(head("POST /text HTTP/1.1", "Host: localhost", "Transfer-Encoding: chunked") + "0\r\n\r\n").text shouldBe ""
        }

        behaviour("a body in chunks, whose sizes have zeros before them") { site ->
            site.connect().use { peer ->
                peer.sendHead("POST /text HTTP/1.1", "Host: localhost", "Transfer-Encoding: chunked")
                peer.send("5\r\nHello\r\n1\r\n,\r\n00007\r\n chunks\r\n0\r\n\r\n")
                peer.answer().text shouldBe "Hello, chunks"
                peer.send(post("/text", "next"))
                peer.answer().text shouldBe "next"
            }
        }

        promise("a body in chunks, with extensions and trailers") { site ->
            site.connect().use { peer ->
                peer.sendHead("POST /text HTTP/1.1", "Host: localhost", "Transfer-Encoding: chunked")
                peer.send("5;ext=a;other=\"b c\"\r\nHello\r\n0;last\r\nX-Trailer: t\r\nX-Other: u\r\n\r\n")
                peer.answer().text shouldBe "Hello"
                peer.send(post("/text", "next"))
                peer.answer().text shouldBe "next"
            }
        }

        behaviour("a body in chunks of one byte each, that come one by one") { site ->
            site.connect().use { peer ->
                peer.sendHead("POST /text HTTP/1.1", "Host: localhost", "Transfer-Encoding: chunked")
                for (char in "piecemeal") peer.send("1\r\n$char\r\n")
                peer.send("0\r\n\r\n")
                peer.answer().text shouldBe "piecemeal"
            }
        }

        behaviour("a body of 24 MiB is copied to the answer while it is read") { site ->
            val bytes = Random(2).nextBytes(BIG.toInt())
            site.connect().use { peer ->
                val sender = thread {
                    peer.sendHead("POST /copy HTTP/1.1", "Host: localhost", "Content-Length: $BIG")
                    peer.send(bytes)
                }
                peer.answer().body.contentEquals(bytes) shouldBe true
                sender.join()
            }
        }

        behaviour("a body of unknown length and 24 MiB is counted") { site ->
            val body = HttpRequest.BodyPublishers.ofInputStream { Files.newInputStream(folder.resolve("big.bin")) }
            site.request("/count") { POST(body) }.body() shouldBe "$BIG"
        }

        behaviour("a body longer than an Int is announced, and answered before it has come") { site ->
            site.connect().use { peer ->
                peer.sendHead("POST /ignored HTTP/1.1", "Host: localhost", "Content-Length: ${Int.MAX_VALUE + 1L}")
                peer.send("x")
                peer.answer().text shouldBe "OK"
            }
        }

        behaviour("bodies that nobody reads do not end the connection, ten of 64 KiB") { site ->
            val request = post("/ignored", "x".repeat(65536))
            site.connect().use { peer ->
                repeat(10) {
                    peer.send(request)
                    peer.answer().text shouldBe "OK"
                }
            }
        }

        behaviour("an upload in several parts") { site ->
            val parts = listOf(
                "--bbb", "Content-Disposition: form-data; name=\"a story\"", "", "Hi user.",
                "--bbb", "Content-Disposition: form-data; name=\"attachment\"; filename=\"original.txt\"",
                "Content-Type: text/plain", "",
            ) + List(10_000) { "File content goes here" } + listOf("--bbb--", "")
            val answer = site.post("/parts", parts.joinToString("\r\n"), "Content-Type", "multipart/form-data; boundary=bbb")
            answer.body() shouldBe "a story=Hi user.\nattachment,original.txt,10000\n"
        }

        promise("a body that ends too early is no body for its handler") { site -> // KTOR-7828
            for (body in listOf("Content-Length: 4", "Transfer-Encoding: chunked")) {
                site.connect().use { peer ->
                    peer.send(head("POST /array HTTP/1.1", "Host: localhost", body, "Connection: close") + "ABC")
                    peer.endOutput()
                    val answer = peer.answerOrCut()
                    check(answer == null || answer.status >= 400) { "$body: $answer ${answer?.text}" }
                }
            }
        }
    },
) {
    private companion object {
        /** How a class file begins. */
        val CLASS = listOf(0xca, 0xfe, 0xba, 0xbe).map { it.toByte() }
    }
}
