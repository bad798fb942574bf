package io.netpark.http

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.collections.shouldContainExactly
import io.kotest.matchers.shouldBe
import io.netpark.core.buffer.LeakDetection
import io.netpark.core.buffer.LinkBuffer
import io.netpark.core.buffer.SegmentPool
import io.netpark.core.sys.NetparkException
import io.netpark.core.testing.NetparkSpec
import io.netpark.coroutines.Connection
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.async
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.delay
import kotlinx.coroutines.launch
import kotlin.random.Random
import kotlin.time.Duration
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.seconds
import kotlin.time.measureTime

/** A server that has read a head, with its client and the head's body. */
private class Scene(
    scope: CoroutineScope,
    val client: Connection,
    val server: Connection,
    val head: RequestHead,
    val body: RequestBody,
) : CoroutineScope by scope {

    /** Everything that is left of the body. */
    suspend fun rest(): String {
        val content = StringBuilder()
        while (body.await()) content.append(some())
        return content.toString()
    }

    /** What is there of the body. */
    fun some(): String {
        val count = body.available()
        return server.reader.takeString(count.toInt(), Charsets.ISO_8859_1).also { body.took(count) }
    }

    /** Whether the next request is understood: nothing of the body was left, and nothing more was taken. */
    suspend fun isNextRequest(): Boolean {
        client.say("GET /next HTTP/1.1\r\nHost: x\r\n\r\n")
        return (head.awaitHead(server) && head.target.isPath("/next".encodeToByteArray())).also { server.reader.release() }
    }

    /** Waits, and has begun to wait when this returns. */
    fun waiting() = async(start = CoroutineStart.UNDISPATCHED) { rest() }
}

private fun scene(
    request: String,
    limits: BodyLimits = BodyLimits(time = Duration.INFINITE),
    trailers: FieldSink? = null,
    play: suspend Scene.() -> Unit,
) = onConnection { client, server ->
    client.say(request)
    val head = RequestHead()
    head.awaitHead(server) shouldBe true
    val body = RequestBody(server, limits, trailers)
    body.begin(head)
    Scene(this, client, server, head, body).play()
}

private fun withLength(length: Long, fields: String = "") = "POST / HTTP/1.1\r\nHost: x\r\n${fields}Content-Length: $length\r\n\r\n"

private const val CHUNKED = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
private const val EXPECTING = "Expect: 100-continue\r\n"
private const val CONTINUE = "HTTP/1.1 100 Continue\r\n\r\n"

class RequestBodySpec : NetparkSpec(body = {
    val pool = SegmentPool.builder().leakDetection(LeakDetection.PARANOID).build()
    afterTest { pool.statistics().lentSegments() shouldBe 0 }

    test("a request without a body: it is over, and the next one is there") {
        scene("GET / HTTP/1.1\r\nHost: x\r\n\r\n") {
            body.isOver shouldBe true
            body.await() shouldBe false
            body.discard(0) shouldBe true
            isNextRequest() shouldBe true
        }
    }

    test("a body with a length, byte by byte") {
        scene(withLength(5)) {
            val rest = waiting()
            for (byte in "abcde") client.say("$byte")
            rest.await() shouldBe "abcde"
            isNextRequest() shouldBe true
        }
    }

    test("a body in chunks, byte by byte, with extensions and trailers") {
        val trailers = Fields()
        scene(CHUNKED, trailers = trailers) {
            val rest = waiting()
            for (byte in "3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\nT: 1\r\nU: 2\r\n\r\n") client.say("$byte")
            rest.await() shouldBe "abc0123456789"
            trailers.lines.shouldContainExactly("T: 1", "U: 2")
            isNextRequest() shouldBe true
        }
    }

    test("what is there is taken without waiting, and the framing with it") {
        scene("${CHUNKED}3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n") {
            body.available() shouldBe 3
            body.available() shouldBe 3
            server.reader.takeString(2) shouldBe "ab"
            body.took(2)
            body.available() shouldBe 1
            some() shouldBe "c"
            body.isOver shouldBe false
            some() shouldBe "de"
            body.available() shouldBe 0
            body.isOver shouldBe true
        }
    }

    test("bodies of many sizes, with and without chunks, into a buffer: whole, and nothing beyond") {
        val random = Random(3)
        for (size in listOf(1, 4095, 4096, 4097, 70_000, 1_000_000)) {
            val content = String(CharArray(size) { random.nextInt(256).toChar() })
            val chunks = content.chunked(random.nextInt(1, 20_000).coerceAtLeast(size / 100))
                .joinToString("") { "${it.length.toString(16)}\r\n$it\r\n" } + "0\r\n\r\n"
            for ((begin, rest) in listOf(withLength(size.toLong()) to content, CHUNKED to chunks)) {
                scene(begin) {
                    val writing = launch { client.say(rest) }
                    LinkBuffer(pool).use {
                        body.readInto(it)
                        it.takeString(it.available().toInt(), Charsets.ISO_8859_1) shouldBe content
                    }
                    writing.join()
                    isNextRequest() shouldBe true
                }
            }
        }
    }

    test("a body that says it is too long is refused before it comes") {
        onConnection { client, server ->
            client.say(withLength(6))
            val head = RequestHead()
            head.awaitHead(server)
            refusal { RequestBody(server, BodyLimits(bytes = 5)).begin(head) } shouldBe 413
        }
    }

    test("malformed framing is refused when its turn comes") {
        scene("${CHUNKED}3\r\nabc\r\n+3\r\nabc\r\n0\r\n\r\n") {
            body.await() shouldBe true
            some() shouldBe "abc"
            refusal { body.await() } shouldBe 400
        }
    }

    for ((name, request) in listOf(
        "with a length" to withLength(5) + "ab",
        "in a chunk" to "${CHUNKED}5\r\nab",
        "between chunks" to "${CHUNKED}2\r\nab",
    )) {
        test("a client that leaves in the middle: truncated, $name") {
            scene(request) {
                client.shutdownOutput()
                body.await() shouldBe true
                some() shouldBe "ab"
                shouldThrow<NetparkException.Truncated> { body.await() }
                server.readDeadline shouldBe null
            }
        }
    }

    context("100 Continue") {
        test("is said when the body is waited for, once, and behind earlier answers") {
            scene(withLength(4, EXPECTING)) {
                server.writer.putString("earlier ")
                body.owesContinue shouldBe true
                val rest = waiting()
                client.hear(8 + CONTINUE.length) shouldBe "earlier $CONTINUE"
                body.owesContinue shouldBe false
                client.say("ab")
                client.say("cd")
                rest.await() shouldBe "abcd"
                server.writer.buffered() shouldBe 0
                isNextRequest() shouldBe true
            }
        }

        test("is not said if the body has begun to come") {
            for ((request, content) in listOf(
                withLength(3, EXPECTING) + "a" to "bc",
                CHUNKED.dropLast(2) + "$EXPECTING\r\n3" to "\r\nabc\r\n0\r\n\r\n",
            )) {
                scene(request) {
                    body.available()
                    body.owesContinue shouldBe false
                    val rest = waiting()
                    client.say(content)
                    rest.await() shouldBe "abc"
                    server.write("end".encodeToByteArray())
                    client.hear(3) shouldBe "end"
                }
            }
        }

        test("is not said to a client of HTTP/1.0") {
            scene("POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n") {
                body.owesContinue shouldBe false
                val rest = waiting()
                client.say("a")
                rest.await() shouldBe "a"
                server.write("end".encodeToByteArray())
                client.hear(3) shouldBe "end"
            }
        }

        test("is not said once an answer is being written, which the body leaves alone") {
            scene(withLength(1, EXPECTING)) {
                server.writer.putString("half an ans")
                body.isAnswering = true
                val rest = waiting()
                body.owesContinue shouldBe true // and the answer has to say that it is the last
                client.say("a")
                rest.await() shouldBe "a"
                server.writer.buffered() shouldBe 11
                server.writer.putString("wer")
                server.writer.flush()
                client.hear(14) shouldBe "half an answer"
            }
        }

        test("nobody can tell whether a body comes that was not asked for") {
            scene(withLength(3, EXPECTING)) { body.discard(100) shouldBe false }
            scene(withLength(3, EXPECTING) + "a") {
                client.say("bc")
                body.discard(100) shouldBe true
                isNextRequest() shouldBe true
            }
        }
    }

    context("what nobody wants") {
        test("is thrown away up to a limit, and the next request is there") {
            for (request in listOf(withLength(5) + "abcde", "${CHUNKED}2\r\nab\r\n3\r\ncde\r\n0\r\nT: 1\r\n\r\n")) {
                scene(request) {
                    body.discard(5) shouldBe true
                    isNextRequest() shouldBe true
                }
                scene(request) { body.discard(4) shouldBe false }
            }
        }

        test("is only what was not taken") {
            scene("${CHUNKED}4\r\nabcd\r\n2\r\nef\r\n0\r\n\r\n") {
                body.await()
                server.reader.takeString(3) shouldBe "abc"
                body.took(3)
                body.discard(3) shouldBe true
                isNextRequest() shouldBe true
            }
        }

        test("is not waited for if it says that it is too much") {
            scene(withLength(1L shl 60)) { body.discard(1L shl 50) shouldBe false }
            scene("${CHUNKED}100000\r\n") { body.discard(1000) shouldBe false }
        }

        test("is refused if it is malformed") {
            scene("${CHUNKED}2\r\nabc\r\n") { refusal { body.discard(1000) } shouldBe 400 }
        }
    }

    context("slow clients") {
        test("that send nothing are refused with 408, and no deadline is left") {
            scene(withLength(5) + "ab", BodyLimits(time = 300.milliseconds)) {
                val took = measureTime { refusal { rest() } shouldBe 408 }
                (took >= 250.milliseconds) shouldBe true
                server.readDeadline shouldBe null
            }
        }

        test("that trickle are refused with 408, in bytes and in chunk sizes") {
            for ((request, piece) in listOf(withLength(1_000_000) to "a", CHUNKED to "1;x=y\r\na\r\n")) {
                scene(request, BodyLimits(time = 500.milliseconds, rate = 1000)) {
                    val trickling = launch {
                        while (true) {
                            client.say(piece)
                            delay(10)
                        }
                    }
                    refusal { rest() } shouldBe 408
                    trickling.cancelAndJoin()
                }
            }
        }

        test("that keep to the rate have time") {
            scene(withLength(30_000), BodyLimits(time = 2.seconds, rate = 100)) {
                val took = measureTime {
                    val writing = launch {
                        repeat(30) {
                            client.say("a".repeat(1000))
                            delay(80)
                        }
                    }
                    rest().length shouldBe 30_000
                    writing.join()
                }
                (took > 2.seconds) shouldBe true // or it shows nothing
            }
        }

        test("have only so much time where no byte earns any") {
            scene(withLength(1_000_000), BodyLimits(time = 1.seconds, rate = 0)) {
                val trickling = launch {
                    while (true) {
                        client.say("a".repeat(1000))
                        delay(50)
                    }
                }
                refusal { rest() } shouldBe 408
                trickling.cancelAndJoin()
            }
        }

        test("are not those whose application is slow") {
            scene(withLength(6), BodyLimits(time = 1.seconds, rate = 0)) {
                for (part in listOf("ab", "cd", "ef")) {
                    client.say(part)
                    body.await() shouldBe true
                    some() shouldBe part
                    delay(400)
                }
                body.isOver shouldBe true
            }
        }
    }

    test("a wait that is cancelled has taken nothing, and the body goes on") {
        scene("${CHUNKED}3\r\nab", BodyLimits()) {
            body.await()
            some() shouldBe "ab"
            val waiting = launch(start = CoroutineStart.UNDISPATCHED) { body.await() }
            waiting.cancelAndJoin()
            server.readDeadline shouldBe null
            client.say("c\r\n0\r\n\r\n")
            rest() shouldBe "c"
            isNextRequest() shouldBe true
        }
    }

    test("one object serves the bodies of many requests") {
        scene(withLength(2) + "ab") {
            rest() shouldBe "ab"
            repeat(100) {
                client.say("$CHUNKED${"3\r\nabc\r\n".repeat(it)}0\r\n\r\n${withLength(1)}z")
                head.awaitHead(server)
                body.begin(head)
                rest() shouldBe "abc".repeat(it)
                head.awaitHead(server)
                body.begin(head)
                rest() shouldBe "z"
            }
        }
    }

    test("limits that make no sense are refused") {
        shouldThrow<IllegalArgumentException> { BodyLimits(bytes = -1) }
        shouldThrow<IllegalArgumentException> { BodyLimits(time = Duration.ZERO) }
        shouldThrow<IllegalArgumentException> { BodyLimits(rate = -1) }
    }
})
