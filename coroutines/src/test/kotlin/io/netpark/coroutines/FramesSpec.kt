package io.netpark.coroutines

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.ints.shouldBeLessThan
import io.kotest.matchers.longs.shouldBeGreaterThan
import io.kotest.matchers.longs.shouldBeLessThan
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.netpark.core.sys.LibC
import io.netpark.core.sys.NetparkException
import io.netpark.core.testing.Bindings
import io.netpark.core.testing.CallCounter
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.SOON
import io.netpark.coroutines.transfer.copyTo
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.launch
import kotlinx.coroutines.supervisorScope
import kotlinx.coroutines.withContext
import kotlinx.coroutines.withTimeout
import kotlinx.coroutines.yield
import java.lang.reflect.Proxy
import java.nio.ByteBuffer
import java.util.concurrent.atomic.AtomicBoolean
import kotlin.random.Random

/** Reads frames of a length, a writer's number, a sequence number and a pattern of the two. */
private suspend fun Connection.eachFrame(body: (writer: Int, number: Int) -> Unit) {
    while (reader.await(4)) {
        val length = reader.takeInt()
        reader.await(length)
        val writer = reader.takeInt()
        val number = reader.takeInt()
        reader.takeBytes(length - 8) shouldBe pattern(length - 8, writer * 1000 + number)
        body(writer, number)
    }
}

private suspend fun Frames.write(writer: Int, number: Int, size: Int) = write {
    putInt(size + 8)
    putInt(writer)
    putInt(number)
    put(pattern(size, writer * 1000 + number))
}

/** Has no memory to send anything while [short]. */
private fun sendingUnless(short: AtomicBoolean): LibC =
    Proxy.newProxyInstance(LibC::class.java.classLoader, arrayOf(LibC::class.java)) { _, method, arguments ->
        if (short.get() && method.name in SENDING) throw OutOfMemoryError("made up")
        method.invoke(Bindings.best, *arguments.orEmpty())
    } as LibC

private val SENDING = setOf("send", "sendmsg", "writev")

/** Says that every byte has been sent, at once: no send ever waits. */
private fun taking(real: LibC): LibC = Proxy.newProxyInstance(LibC::class.java.classLoader, arrayOf(LibC::class.java)) { _, method, arguments ->
    if (method.name == "send") (arguments[2] as Number).toLong() else method.invoke(real, *arguments.orEmpty())
} as LibC

class FramesSpec : NetparkSpec(body = {
    for (flavour in allAndOrdered) {
        test("$flavour: frames of 50 writers on one connection never mix, and each keeps its order") {
            onReactor(flavour, loops = 2) { reactor ->
                reactor.withPair { client, server ->
                    val next = IntArray(50)
                    val reading = launch(flavour.elsewhere(reactor)) {
                        server.eachFrame { writer, number -> number shouldBe next[writer]++ }
                    }
                    (0 until 50).map { writer ->
                        launch(flavour.elsewhere(reactor, writer)) {
                            val random = Random(writer)
                            repeat(40) { client.frames.write(writer, it, random.nextInt(5_000)) }
                        }
                    }.forEach { it.join() }
                    client.shutdownOutput()
                    reading.join()
                    next.all { it == 40 } shouldBe true
                }
            }
        }
    }

    test("frames that gather share a system call") {
        val calls = CallCounter(Bindings.best)
        onReactor(calls.libc) { reactor, _ ->
            reactor.withPair(options = TINY_BUFFERS) { client, server ->
                val big = launch(start = CoroutineStart.UNDISPATCHED) { client.frames.write(99, 0, 200_000) }
                val small = (0 until 1000).map { launch(start = CoroutineStart.UNDISPATCHED) { client.frames.write(it, 0, 10) } }
                val before = calls["send"] + calls["sendmsg"]
                val reading = launch(Dispatchers.IO) { server.eachFrame { _, _ -> } }
                big.join()
                small.forEach { it.join() }
                (calls["send"] + calls["sendmsg"] - before).toInt() shouldBeLessThan 500
                client.shutdownOutput()
                reading.join()
            }
        }
    }

    for (flavour in bestAndOrdered) test("$flavour: C8: a frame whose writer is cancelled is written whole or not at all") {
        onReactor(flavour, loops = 2) { reactor ->
            reactor.withPair(options = TINY_BUFFERS) { client, server ->
                var read = 0
                val reading = launch(flavour.elsewhere(reactor)) { server.eachFrame { _, _ -> read++ } }
                val random = Random(1)
                (0 until 300).map { writer ->
                    launch(flavour.elsewhere(reactor, writer)) { client.frames.write(writer, 0, random.nextInt(20_000)) }
                        .also { job -> if (writer % 3 != 0) launch(flavour.elsewhere(reactor, writer / 2)) { job.cancelAndJoin() } }
                }.forEach { it.join() }
                client.frames.write(1, 1, 1) // the stream is intact
                client.shutdownOutput()
                reading.join()
                (read in 101..301) shouldBe true
            }
        }
    }

    for (flavour in bestAndOrdered) test("$flavour: each writer learns of a failure, also those that come later, and nothing stays behind") {
        onReactor(flavour, loops = 2) { reactor ->
            reactor.withPair(options = TINY_BUFFERS) { client, server ->
                supervisorScope {
                    val writers = (0 until 20).map { async(flavour.elsewhere(reactor, it)) { client.frames.write(it, 0, 50_000) } }
                    withTimeout(SOON) { server.reader.await(1000) }
                    server.reset()
                    writers.count { runCatching { it.await() }.exceptionOrNull() is NetparkException } shouldBe 20
                }
                shouldThrow<NetparkException> { client.frames.write(0, 0, 10) }
            }
        }
    }

    plainTest("a frame that breaks off for want of memory breaks the output, and nothing is written behind the part of it that has gone") {
        val short = AtomicBoolean()
        onReactor(libc = sendingUnless(short)) { reactor, reporter ->
            reactor.withPair(options = TINY_BUFFERS) { client, server ->
                val writing = async(start = CoroutineStart.UNDISPATCHED) { runCatching { client.frames.write(0, 0, 1_000_000) } }
                server.reader.await(1000)
                short.set(true)
                val reading = launch { runCatching { server.readToEnd() } }
                (writing.await().exceptionOrNull() is IllegalStateException) shouldBe true
                short.set(false)
                shouldThrow<NetparkException.Closed> { client.write("behind it") }.message!! shouldContain "the output is broken"
                shouldThrow<NetparkException.Closed> { client.shutdownOutput() }
                client.close()
                reading.join()
                reporter.drain().single().what shouldContain "Frames for a connection could not be written"
            }
        }
    }

    for (flavour in bestAndOrdered) test("$flavour: a copy that has sent what was left of a flush holds up no frame and no write after it") {
        onReactor(flavour) { reactor ->
            reactor.withPair(options = TINY_BUFFERS) { client, server ->
                reactor.pairOver().use { (source, feed) ->
                    client.frames.write { putByte(1) }
                    client.writer.put(ByteArray(1_000_000))
                    launch(start = CoroutineStart.UNDISPATCHED) { client.writer.flush() }.cancelAndJoin()
                    (client.writer.buffered() in 1L until 1_000_000L) shouldBe true
                    feed.write("copied")
                    feed.shutdownOutput()
                    val reading = async { server.readToEnd() }
                    source.copyTo(client) shouldBe 6
                    withTimeout(SOON) {
                        client.frames.write { putString("frame") }
                        client.write("write")
                    }
                    client.shutdownOutput()
                    String(reading.await()).takeLast(16) shouldBe "copiedframewrite"
                }
            }
        }
    }

    test("closing the connection, or the reactor, ends every writer with Closed") {
        for (how in listOf<(Connection, Reactor) -> Unit>({ c, _ -> c.close() }, { _, r -> r.close() })) {
            onReactor { reactor, _ ->
                reactor.withPair(options = TINY_BUFFERS) { client, _ ->
                    supervisorScope {
                        val writers = (0 until 20).map { async(Dispatchers.Default) { client.frames.write(it, 0, 50_000) } }
                        how(client, reactor)
                        writers.forEach { shouldThrow<NetparkException.Closed> { it.await() } }
                    }
                }
            }
        }
    }

    test("a frame without a byte is written as well") {
        onReactor { reactor, _ ->
            reactor.withPair { client, _ -> repeat(3) { client.frames.write { } } }
        }
    }

    test("a frame whose building throws is not written, and the next is") {
        onReactor { reactor, _ ->
            reactor.withPair { client, server ->
                shouldThrow<CancellationException> {
                    client.frames.write {
                        putInt(1)
                        throw CancellationException("as wished")
                    }
                }
                client.frames.write { putInt(2) }
                server.reader.await(4)
                server.reader.takeInt() shouldBe 2
                reactor.buffering.pool.statistics().lentSegments() shouldBeLessThan 2
            }
        }
    }

    plainTest("coroutines that write frame upon frame, or write or read without end, let others on their loop have their turns") {
        val taking = taking(Bindings.best)
        onReactor(taking) { reactor, _ ->
            val loop = reactor.loopDispatchers[0]
            reactor.withPair { client, server ->
                val small = ByteBuffer.allocateDirect(64 * 1024)
                val ways = listOf<suspend () -> Int>(
                    { client.frames.write { put(ByteArray(64 * 1024)) }; 64 * 1024 },
                    { client.write(small.clear()); 64 * 1024 },
                    { client.writer.put(ByteArray(32 * 1024)); client.writer.flush(); 32 * 1024 },
                )
                for (way in ways) {
                    var written = 0L
                    withContext(loop) {
                        val writing = launch { while (true) written += way() }
                        var most = 0L
                        repeat(20) {
                            val before = written
                            yield()
                            most = maxOf(most, written - before)
                        }
                        writing.cancelAndJoin()
                        most shouldBeLessThan (5L shl 20)
                        written shouldBeGreaterThan 0
                    }
                }
                server.close()
            }
        }
    }
})
