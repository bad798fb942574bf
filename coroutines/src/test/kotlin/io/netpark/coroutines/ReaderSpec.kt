package io.netpark.coroutines

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.longs.shouldBeLessThanOrEqual
import io.kotest.matchers.nulls.shouldBeNull
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.netpark.core.sys.NetparkException
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.SOON
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.launch
import kotlinx.coroutines.supervisorScope
import kotlinx.coroutines.withTimeout
import kotlinx.coroutines.withTimeoutOrNull
import java.nio.ByteBuffer
import kotlin.time.Duration.Companion.milliseconds

class ReaderSpec : NetparkSpec(body = {
    for (flavour in allAndOrdered) for (host in listOf("127.0.0.1", "::1")) {
        fun contract(behaviour: String, body: suspend kotlinx.coroutines.CoroutineScope.(Reactor) -> Unit) =
            test("$flavour $host: $behaviour") { onReactor(flavour, body = body) }

        contract("frames, lines and delimited parts are parsed however the bytes come") { reactor ->
            reactor.withPair(host) { client, server ->
                val payload = pattern(100_000)
                val writer = launch {
                    val bytes = ByteBuffer.allocate(4 + payload.size).putInt(payload.size).put(payload).array() +
                        "GET / HTTP/1.1\r\nHost: a\r\n\r\nrest|".toByteArray()
                    for (chunk in bytes.asList().chunked(7_777)) client.write(chunk.toByteArray())
                    client.shutdownOutput()
                }
                val reader = server.reader
                reader.await(4) shouldBe true
                val length = reader.takeInt()
                reader.await(length) shouldBe true
                val frame = reader.next(length)
                ByteArray(length).also { frame.get(it) } shouldBe payload
                reader.release()
                reader.awaitLine() shouldBe "GET / HTTP/1.1"
                val header = reader.awaitUntil("\r\n\r\n".toByteArray(), 1000)!!
                header.remaining() shouldBe "Host: a\r\n\r\n".length
                reader.release()
                reader.awaitUntil('|'.code.toByte(), 100)!!.remaining() shouldBe 5
                reader.release()
                reader.await() shouldBe false
                reader.awaitLine().shouldBeNull()
                writer.join()
            }
        }

        contract("an echo through reader and writer copies nothing and holds nothing while it waits") { reactor ->
            reactor.withPair(host) { client, server ->
                val echo = launch {
                    while (server.reader.await()) {
                        server.writer.append(server.reader)
                        server.writer.flush()
                    }
                }
                repeat(20) { round ->
                    val sent = pattern(1 + round * 5_000, round)
                    coroutineScope {
                        launch { client.write(sent) }
                        client.readFully(sent.size) shouldBe sent
                    }
                    soon { reactor.buffering.pool.statistics().lentSegments() shouldBe 0 }
                }
                client.shutdownOutput()
                echo.join()
            }
        }
    }

    test("C4: a cancelled await has taken nothing, at whatever instant") {
        onReactor { reactor, _ ->
            reactor.withPair { client, server ->
                val total = 20_000
                val again = CompletableDeferred<Unit>()
                val writer = launch(Dispatchers.IO) {
                    for (i in 0 until total) {
                        client.writer.putInt(i)
                        if (i % 7 == 0) client.writer.flush()
                        if (i == total / 2) again.await() // not all of it at the first attempt
                    }
                    client.writer.flush()
                }
                var expected = 0
                var cancelled = 0
                while (expected < total) {
                    val attempt = launch(Dispatchers.Default) {
                        while (expected < total && server.reader.await(4)) server.reader.takeInt() shouldBe expected++
                    }
                    repeat((0..200).random()) { Thread.onSpinWait() }
                    attempt.cancelAndJoin()
                    cancelled++
                    again.complete(Unit)
                }
                writer.join()
                (cancelled > 1) shouldBe true
            }
        }
    }

    test("an end inside of a frame or line is an error that says how far it got, and the rest can be read") {
        onReactor { reactor, _ ->
            reactor.withPair { client, server ->
                client.write("abc")
                client.shutdownOutput()
                shouldThrow<NetparkException.Truncated> { server.reader.await(10) }.message!! shouldContain "after 3 of 10 bytes"
                shouldThrow<NetparkException.Truncated> { server.reader.awaitLine() }.message!! shouldContain "3 bytes into it"
                server.reader.takeString(3) shouldBe "abc"
                server.reader.await(10) shouldBe false
                shouldThrow<NetparkException.Truncated> { server.reader.awaitRest(10) }.message!! shouldContain "after 0 of 10"
            }
        }
    }

    test("a line or frame over its limit is refused before it is in memory") {
        onReactor(buffering = { Buffering(it, inputLimit = 10_000) }) { reactor, _ ->
            reactor.withPair { client, server ->
                val flood = launch { runCatching { while (true) client.write(ByteArray(10_000)) } }
                val error = shouldThrow<NetparkException.LimitExceeded> { server.reader.await(10_001) }
                error.message!! shouldContain "10000"
                error.message!! shouldContain "inputLimit"
                shouldThrow<NetparkException.LimitExceeded> { server.reader.awaitLine(limit = 1000) }
                    .message!! shouldContain "1000 bytes"
                server.reader.available() shouldBeLessThanOrEqual 64L * 1024
                client.close()
                flood.join()
                server.reader.skip(server.reader.available())
            }
        }
    }

    test("views that are never released are noticed") {
        onReactor(buffering = { Buffering(it, inputLimit = 200_000) }) { reactor, _ ->
            reactor.withPair { client, server ->
                val flood = launch(Dispatchers.IO) { runCatching { while (true) client.write(ByteArray(10_000)) } }
                val error = shouldThrow<NetparkException.LimitExceeded> {
                    while (true) {
                        server.reader.await(10_000)
                        server.reader.next(10_000)
                    }
                }
                error.message!! shouldContain "release()"
                server.reader.release()
                client.close()
                flood.join()
                server.reader.skip(server.reader.available())
            }
        }
    }

    test("nothing is read that nobody has asked for: a flood stays in the kernel") {
        onReactor { reactor, _ ->
            reactor.withPair { client, server ->
                client.fill()
                server.reader.await(1)
                server.reader.available() shouldBeLessThanOrEqual 64L * 1024
                server.reader.skip(server.reader.available())
            }
        }
    }

    test("a part of a message that stays for long takes no more memory than it needs") {
        onReactor { reactor, _ ->
            reactor.withPair { client, server ->
                client.write(ByteArray(100))
                val waiting = async(start = CoroutineStart.UNDISPATCHED) { server.reader.await(200) }
                soon { reactor.buffering.pool.statistics().lentBytes() shouldBe 1024 }
                repeat(50) { client.write(ByteArray(2)) }
                waiting.await() shouldBe true
                server.reader.skip(200)
            }
        }
    }

    test("at the pool's limit readers wait until others have given memory back") {
        onReactor(pool = { limit(256 * 1024) }) { reactor, _ ->
            reactor.withPair { hungry, hungryServer ->
                reactor.withPair { client, server ->
                    hungryServer.writer.put(ByteArray(160_000)) // not flushed: takes most of the pool
                    hungryServer.writer.put(ByteArray(40_000))
                    client.write("hello")
                    withTimeoutOrNull(50.milliseconds) { server.reader.await(5) }.shouldBeNull() // cancelled while it waits
                    val waiting = async(start = CoroutineStart.UNDISPATCHED) { server.reader.await(5) }
                    waiting.isCompleted shouldBe false
                    launch { hungry.readFully(200_000) }
                    hungryServer.writer.flush()
                    withTimeout(SOON) { waiting.await() } shouldBe true
                    server.reader.takeString(5) shouldBe "hello"
                }
            }
        }
    }

    test("and while they wait they are closed, timed out and cancelled like any other") {
        onReactor(pool = { limit(128 * 1024) }) { reactor, _ ->
            val kept = listOf(64, 16, 16).map { reactor.buffering.pool.take(it * 1024) }
            reactor.withPair { client, server ->
                client.write("hello")
                server.readTimeout = 50.milliseconds
                shouldThrow<NetparkException.TimedOut> { server.reader.await(5) }
                server.readTimeout = kotlin.time.Duration.INFINITE
                withTimeoutOrNull(50.milliseconds) { server.reader.await(5) }.shouldBeNull()
                supervisorScope {
                    val waiting = async(start = CoroutineStart.UNDISPATCHED) { server.reader.await(5) }
                    server.close()
                    shouldThrow<NetparkException.Closed> { waiting.await() }
                }
            }
            kept.forEach { it.release() }
        }
    }

    test("or fail, if that was chosen, and leave the connection as it is") {
        onReactor(pool = { limit(128 * 1024).readersWait(false) }) { reactor, _ ->
            reactor.withPair { client, server ->
                val kept = reactor.buffering.pool.take(64 * 1024)
                val more = reactor.buffering.pool.take(16 * 1024)
                client.write("hello")
                shouldThrow<NetparkException.LimitExceeded> { server.reader.await(5) }.message!! shouldContain "131072"
                kept.release()
                more.release()
                server.reader.await(5) shouldBe true
                server.reader.takeString(5) shouldBe "hello"
            }
        }
    }

    test("closing while a reader is parked, and while it is not, gives all memory back") {
        onReactor { reactor, _ ->
            repeat(20) {
                reactor.withPair { client, server ->
                    client.write(ByteArray(10))
                    val reading = CompletableDeferred<Unit>()
                    supervisorScope {
                        val waiting = async(Dispatchers.Default) {
                            reading.complete(Unit)
                            server.reader.await(20)
                        }
                        reading.await()
                        launch(Dispatchers.IO) { server.close() }
                        shouldThrow<NetparkException.Closed> { waiting.await() }
                    }
                }
            }
        }
    }

    test("a handler's reader and writer are given back with it, also if it fails or is cancelled") {
        onReactor { reactor, reporter ->
            val listener = reactor.listenOver("127.0.0.1", 0)
            val serving = launch {
                listener.serve { connection ->
                    connection.writer.put(ByteArray(100)) // never flushed
                    connection.reader.await(10)
                    connection.reader.peek(10)
                    if (connection.reader.takeByte().toInt() == 1) error("as wished")
                    connection.reader.await(100)
                }
            }
            for (first in listOf(1, 2)) {
                reactor.dialOver(listener.localAddress).use { client ->
                    client.write(ByteArray(20) { first.toByte() })
                    if (first == 1) shouldThrow<NetparkException.Reset> { client.read(ByteArray(1)) } // with bytes unflushed
                }
            }
            reactor.dialOver(listener.localAddress).use { client ->
                client.write(ByteArray(20) { 3 })
                soon { reactor.buffering.pool.statistics().lentSegments() shouldBe 2 }
                serving.cancelAndJoin()
                soon { reactor.buffering.pool.statistics().lentSegments() shouldBe 0 }
            }
            reporter.drain()
        }
    }
})
