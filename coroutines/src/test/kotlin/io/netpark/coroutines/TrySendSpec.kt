package io.netpark.coroutines

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.longs.shouldBeGreaterThan
import io.kotest.matchers.longs.shouldBeLessThanOrEqual
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.netpark.core.sys.NetparkException
import io.netpark.core.testing.Flavour
import io.netpark.core.testing.NetparkSpec
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.delay
import kotlinx.coroutines.launch
import kotlinx.coroutines.yield
import java.nio.ByteBuffer
import kotlin.concurrent.thread

/** Frames of those who do not wait: [Frames.trySend]. */
class TrySendSpec : NetparkSpec(body = {
    for (flavour in Flavour.all) {
        test("$flavour: what was accepted arrives whole and in order, and what was refused not at all") {
            onReactor(flavour) { reactor ->
                reactor.withPair(options = TINY_BUFFERS) { client, server ->
                    client.frames.capacity = 200_000
                    val accepted = mutableListOf<Int>()
                    val sending = thread { // no coroutine at all
                        for (number in 0 until 3000) {
                            val sent = client.frames.trySend { putInt(number); put(pattern(996, number)) }
                            if (sent) accepted += number else Thread.sleep(0, 50_000)
                        }
                    }
                    val arrived = mutableListOf<Int>()
                    val reading = launch(Dispatchers.IO) {
                        while (server.reader.await(1000)) {
                            val number = server.reader.takeInt()
                            server.reader.takeBytes(996) shouldBe pattern(996, number)
                            arrived += number
                        }
                    }
                    sending.join()
                    soon { client.shutdownOutput() } // refuses as long as frames are being written
                    reading.join()
                    arrived shouldBe accepted
                }
            }
        }
    }

    test("a frame that is accepted while the output is being shut down arrives, too") {
        onReactor { reactor, _ ->
            repeat(300) {
                reactor.withPair { client, server ->
                    client.frames
                    val begun = CompletableDeferred<Unit>()
                    val sending = async(Dispatchers.IO) {
                        begun.complete(Unit)
                        (1..1000).count { client.frames.trySend { putByte(it) } }
                    }
                    begun.await()
                    soon { client.shutdownOutput() }
                    var arrived = 0
                    while (server.reader.await()) {
                        arrived += server.reader.available().toInt()
                        server.reader.skip(server.reader.available())
                    }
                    arrived shouldBe sending.await()
                }
            }
        }
    }

    test("a peer that is slow costs no more than the capacity, and is refused no longer when it has caught up") {
        onReactor { reactor, _ ->
            reactor.withPair(options = TINY_BUFFERS) { client, server ->
                val frames = client.frames
                var sent = 0
                var looks = 0
                while (looks < 3) { // the kernel makes room as it gets to it: full is what stays full
                    delay(20)
                    val before = sent
                    while (frames.trySend { put(ByteArray(100)) }) sent++
                    looks = if (sent == before) looks + 1 else 0
                }
                soon { // the loop may have been held up, and make room only now
                    while (frames.trySend { put(ByteArray(100)) }) sent++
                    frames.waitingBytes shouldBeLessThanOrEqual 1024 * 1024
                    frames.waitingBytes shouldBeGreaterThan 1024 * 1024 - 1000
                }
                (sent in 2000..4000) shouldBe true // 256 each besides, and what the kernel took
                reactor.buffering.pool.statistics().lentBytes() shouldBeLessThanOrEqual 8L * 1024 * 1024
                server.readFully(100 * sent)
                soon { frames.waitingBytes shouldBe 0 }
                frames.trySend { putString("again") } shouldBe true
                server.readText(5) shouldBe "again"
            }
        }
    }

    test("a frame is never refused for its size alone, unless it is over the output limit: that is an error of who sends it") {
        onReactor(buffering = { Buffering(it, outputLimit = 100_000) }) { reactor, _ ->
            reactor.withPair { client, server ->
                client.frames.capacity = 10
                client.frames.trySend { put(ByteArray(90_000)) } shouldBe true
                server.readFully(90_000)
                soon { client.frames.waitingBytes shouldBe 0 }
                shouldThrow<NetparkException.LimitExceeded> { client.frames.trySend { put(ByteArray(100_001)) } }
                shouldThrow<IllegalStateException> { client.frames.trySend { error("as wished") } }.message shouldBe "as wished"
                shouldThrow<IllegalArgumentException> { client.frames.capacity = 0 }.message!! shouldContain "positive"
                client.frames.waitingBytes shouldBe 0
                client.frames.trySend { putString("next") } shouldBe true
                server.readText(4) shouldBe "next"
            }
        }
    }

    test("written frames and sent ones go out in the order of their calls") {
        onReactor { reactor, _ ->
            reactor.withPair(options = TINY_BUFFERS) { client, server ->
                val writing = (0 until 200).map { number ->
                    if (number % 2 == 0) {
                        client.frames.trySend { putInt(number); put(ByteArray(500)) } shouldBe true
                        null
                    } else {
                        launch(start = CoroutineStart.UNDISPATCHED) { client.frames.write { putInt(number); put(ByteArray(500)) } }
                    }
                }
                repeat(200) {
                    server.reader.awaitInt() shouldBe it
                    server.reader.awaitRest(500)
                    server.reader.skip(500)
                }
                writing.forEach { it?.join() }
            }
        }
    }

    test("memory that many share is linked, and given back when the last has sent it") {
        onReactor { reactor, _ ->
            reactor.withPair { one, oneServer ->
                reactor.withPair { other, otherServer ->
                    val news = ByteBuffer.allocateDirect(50_000).put(pattern(50_000)).flip()
                    for (member in listOf(one, other)) member.frames.trySend { link(news.duplicate()) } shouldBe true
                    for (server in listOf(oneServer, otherServer)) server.readFully(50_000) shouldBe pattern(50_000)
                }
            }
        }
    }

    test("to a connection that is closed, broken or given back nothing is sent, and nobody has to catch that") {
        onReactor { reactor, _ ->
            reactor.withPair { client, server ->
                client.frames.trySend { putString("x") } shouldBe true
                server.readText(1)
                server.reset()
                soon { client.frames.trySend { putString("into nothing") } shouldBe false }
                client.close()
                client.frames.trySend { error("is not even built") } shouldBe false
            }
            reactor.withPair { client, _ ->
                client.close()
                client.frames.trySend { putString("x") } shouldBe false
            }
        }
    }

    test("a handler that returns has its frames written, behind what its writer holds, and takes no more meanwhile") {
        onReactor { reactor, _ ->
            reactor.listenOver("127.0.0.1", 0, TINY_BUFFERS).use { listener ->
                val returned = CompletableDeferred<Connection>()
                val serving = launch {
                    listener.serve { connection ->
                        connection.frames.capacity = 10_000_000
                        connection.frames.trySend { put(ByteArray(3_000_000)) } shouldBe true
                        connection.writer.putString("writer")
                        returned.complete(connection)
                    }
                }
                reactor.dialOver(listener.localAddress, options = TINY_BUFFERS).use { client ->
                    val connection = returned.await()
                    val late = async(Dispatchers.Default) {
                        while (connection.frames.trySend { putString("late;") }) { /* until it is refused */ }
                        connection.isOpen
                    }
                    client.readFully(3_000_000)
                    val rest = String(client.readToEnd())
                    rest.replace("late;", "") shouldBe "writer"
                    late.await()
                }
                serving.cancelAndJoin()
            }
        }
    }

    test("a handler that fails drops its frames, says how many bytes that were, and ends with a reset") {
        onReactor { reactor, reporter ->
            reactor.listenOver("127.0.0.1", 0, TINY_BUFFERS).use { listener ->
                val serving = launch {
                    listener.serve { connection ->
                        connection.frames.capacity = 10_000_000
                        connection.frames.trySend { put(ByteArray(3_000_000)) }
                        connection.readText(1)
                        error("failed")
                    }
                }
                reactor.dialOver(listener.localAddress, options = TINY_BUFFERS).use { client ->
                    client.readFully(100_000)
                    client.write("x")
                    shouldThrow<NetparkException.Reset> { client.readToEnd() }
                }
                serving.cancelAndJoin()
                reporter.drain().single().what shouldContain "bytes"
            }
        }
    }

    test("a connection that is closed with frames that wait ends with a reset") {
        onReactor { reactor, _ ->
            reactor.withPair(options = TINY_BUFFERS) { client, server ->
                client.frames.trySend { put(ByteArray(900_000)) } shouldBe true
                server.readFully(1000)
                client.close()
                shouldThrow<NetparkException.Reset> { server.readToEnd() }
            }
        }
    }

    test("frames that are dropped are counted, by their bytes") {
        onReactor { reactor, _ ->
            reactor.withPair(options = TINY_BUFFERS) { client, server ->
                val dropped = 3_000_000L
                shouldThrow<IllegalStateException> {
                    server.serve {
                        server.frames.capacity = 10_000_000
                        server.frames.trySend { put(ByteArray(dropped.toInt())) }
                        server.unsent() shouldBe dropped
                        error("failed")
                    }
                }
                soon { reactor.group.snapshot().total().bytesDropped() shouldBe dropped }
                shouldThrow<NetparkException.Reset> { client.readToEnd() }
            }
        }
    }

    test("a handler that returns writes the frames that wait, and its end waits for none that others write meanwhile") {
        onReactor { reactor, _ ->
            reactor.pairOver().use { (client, server) ->
                val reading = launch(Dispatchers.IO) { client.readToEnd() }
                val begun = CompletableDeferred<Unit>()
                val writing = List(4) {
                    async(Dispatchers.Default) {
                        begun.await()
                        shouldThrow<NetparkException.Closed> { while (true) server.frames.write { put(ByteArray(1000)) } }
                    }
                }
                server.serve {
                    begun.complete(Unit)
                    while (server.frames.isIdle) yield()
                }
                writing.forEach { it.await() }
                shouldThrow<NetparkException.Closed> { server.frames.write { putByte(1) } }
                reading.join()
            }
        }
    }

    test("a lingering close that is cancelled while frames wait takes frames again, and loses none") {
        onReactor { reactor, _ ->
            reactor.withPair(options = TINY_BUFFERS) { client, server ->
                client.frames.capacity = 10_000_000
                client.frames.trySend { put(ByteArray(3_000_000)) } shouldBe true
                val closing = launch(start = CoroutineStart.UNDISPATCHED) { client.closeLingering() }
                client.frames.trySend { putString("refused") } shouldBe false
                shouldThrow<NetparkException.Closed> { client.frames.write { putString("refused") } }
                closing.cancelAndJoin()
                client.frames.trySend { putString("next") } shouldBe true
                server.readFully(3_000_000)
                server.readText(4) shouldBe "next"
            }
        }
    }
})
