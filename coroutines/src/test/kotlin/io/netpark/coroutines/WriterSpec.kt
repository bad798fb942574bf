package io.netpark.coroutines

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.assertions.withClue
import io.kotest.matchers.ints.shouldBeLessThanOrEqual
import io.kotest.matchers.longs.shouldBeLessThanOrEqual
import io.kotest.matchers.nulls.shouldBeNull
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.netpark.core.buffer.LinkBuffer
import io.netpark.core.sys.AddressText
import io.netpark.core.sys.NetparkException
import io.netpark.core.testing.Bindings
import io.netpark.core.testing.CallCounter
import io.netpark.core.testing.NetparkSpec
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.launch
import kotlinx.coroutines.withTimeoutOrNull
import java.nio.ByteBuffer
import kotlin.time.Duration.Companion.milliseconds

class WriterSpec : NetparkSpec(body = {
    for (flavour in allAndOrdered) {
        test("$flavour: whatever was written, copied or linked, arrives in order") {
            onReactor(flavour) { reactor ->
                reactor.withPair { client, server ->
                    val heap = pattern(70_000, 2)
                    val direct = pattern(90_000, 3)
                    var released = 0
                    val reading = async(flavour.elsewhere(reactor)) { server.readToEnd() }
                    with(client.writer) {
                        putInt(7)
                        link(ByteBuffer.wrap(heap)) { released++ }
                        putString("ä€𝄞")
                        link(ByteBuffer.allocateDirect(direct.size).put(direct).flip()) { released++ }
                        put(pattern(200_000, 4))
                        flush()
                        buffered() shouldBe 0
                        flush() // of nothing
                    }
                    soon { released shouldBe 2 } // by a task of the loop
                    client.shutdownOutput()
                    reading.await() shouldBe
                        byteArrayOf(0, 0, 0, 7) + heap + "ä€𝄞".toByteArray() + direct + pattern(200_000, 4)
                }
            }
        }
    }

    test("who is told that a linked buffer is free may write the next, or throw, without harm") {
        onReactor { reactor, reporter ->
            val listener = reactor.listenOver("127.0.0.1", 0)
            val serving = launch {
                listener.serve { connection ->
                    repeat(3) { round ->
                        connection.writer.link(ByteBuffer.wrap("chunk $round\n".toByteArray())) {
                            if (round == 0) error("as wished")
                            connection.writer.putString("released $round\n")
                        }
                        connection.writer.flush()
                        kotlinx.coroutines.delay(1) // the loop has its turn
                    }
                    connection.writer.flush()
                }
            }
            reactor.dialOver(listener.localAddress).use { client ->
                String(client.readToEnd()) shouldBe "chunk 0\nchunk 1\nreleased 1\nchunk 2\nreleased 2\n"
            }
            reporter.drain().size shouldBe 1
            serving.cancelAndJoin()
        }
    }

    for (flavour in bestAndOrdered) test("$flavour: C8: a flush that is cancelled or times out goes on where it ended") {
        onReactor(flavour) { reactor ->
            reactor.withPair(options = TINY_BUFFERS) { client, server ->
                val sent = pattern(2_000_000)
                client.writer.put(sent)
                breakOff { client.writer.flush() }
                client.writeTimeout = 30.milliseconds
                shouldThrow<NetparkException.TimedOut> { client.writer.flush() }
                client.writeTimeout = kotlin.time.Duration.INFINITE
                val reading = async(flavour.elsewhere(reactor)) { server.readToEnd() }
                client.writer.putByte(42)
                client.writer.flush()
                client.shutdownOutput()
                reading.await() shouldBe sent + byteArrayOf(42)
            }
        }
    }

    test("R7: many small writes go out by one system call") {
        val calls = CallCounter(Bindings.best)
        onReactor(calls.libc) { reactor, _ ->
            reactor.withPair { client, server ->
                val before = calls["send"] + calls["sendmsg"]
                repeat(1000) { client.writer.putInt(it) }
                client.writer.flush()
                (calls["send"] + calls["sendmsg"] - before) shouldBe 1L
                server.reader.await(4000)
                repeat(1000) { server.reader.takeInt() shouldBe it }
            }
        }
    }

    test("a writer over its limit refuses, and names the way out") {
        onReactor(buffering = { Buffering(it, outputLimit = 100_000) }) { reactor, _ ->
            reactor.withPair { client, _ ->
                shouldThrow<NetparkException.LimitExceeded> { client.writer.put(ByteArray(100_001)) }
                    .message!! shouldContain "flush"
                client.writer.buffered() shouldBe 0
            }
        }
    }

    test("what is written flushes by itself over the mark, and what is put does not") {
        onReactor(buffering = { Buffering(it, highWaterMark = 1000) }) { reactor, _ ->
            val large = pattern(100_000)
            val ways = mapOf<String, suspend Writer.(Int) -> Unit>(
                "byte" to { writeByte(it) },
                "short" to { writeShort(it) },
                "short, the least byte first" to { writeShortLe(it) },
                "int" to { writeInt(it) },
                "int, the least byte first" to { writeIntLe(it) },
                "long" to { writeLong(it.toLong()) },
                "long, the least byte first" to { writeLongLe(it.toLong()) },
                "text" to { writeString("größe") },
                "text in another charset" to { writeString("größe", Charsets.UTF_16BE) },
                "array" to { write(pattern(100)) },
                "part of an array" to { write(pattern(100), 10, 50) },
                "buffer" to { write(ByteBuffer.wrap(pattern(100), 10, 50)) },
                "array over the mark" to { if (it % 100 == 0) write(large) },
                "buffer over the mark" to { if (it % 100 == 0) write(ByteBuffer.wrap(large)) },
            )
            val collected = LinkBuffer(reactor.buffering.pool)
            for ((name, way) in ways) withClue(name) {
                reactor.withPair(options = TINY_BUFFERS) { client, server ->
                    var most = 0L
                    val writing = async(Dispatchers.Default) {
                        repeat(2000) {
                            client.writer.way(it)
                            most = maxOf(most, client.writer.buffered())
                        }
                        client.writer.flush()
                        client.shutdownOutput()
                    }
                    val all = server.readToEnd()
                    writing.await()
                    most shouldBeLessThanOrEqual 2000L
                    for (number in 0 until 2000) when (name) {
                        "byte" -> collected.putByte(number)
                        "short" -> collected.putShort(number)
                        "short, the least byte first" -> collected.putShortLe(number)
                        "int" -> collected.putInt(number)
                        "int, the least byte first" -> collected.putIntLe(number)
                        "long" -> collected.putLong(number.toLong())
                        "long, the least byte first" -> collected.putLongLe(number.toLong())
                        "text" -> collected.putString("größe")
                        "text in another charset" -> collected.putString("größe", Charsets.UTF_16BE)
                        "array" -> collected.put(pattern(100))
                        "part of an array", "buffer" -> collected.put(pattern(100), 10, 50)
                        else -> if (number % 100 == 0) collected.put(large)
                    }
                    all shouldBe collected.takeBytes(collected.available().toInt())
                }
            }
            collected.close()
        }
    }

    test("a write that is cancelled in the flush before it has collected nothing; a long array breaks the output then") {
        onReactor(buffering = { Buffering(it, highWaterMark = 1000) }) { reactor, _ ->
            reactor.withPair(options = TINY_BUFFERS) { client, server ->
                val writer = client.writer
                val full = pattern(2_000_000)
                writer.put(full)
                for (write in listOf<suspend Writer.() -> Unit>(
                    { writeByte(1) }, { writeShort(1) }, { writeInt(1) }, { writeLong(1) }, { writeString("x") }, { write(pattern(1000)) },
                    { write(pattern(100_000)) },
                )) {
                    withTimeoutOrNull(5.milliseconds) { writer.write() }.shouldBeNull()
                }
                val buffer = ByteBuffer.wrap(pattern(100_000))
                withTimeoutOrNull(5.milliseconds) { writer.write(buffer) }.shouldBeNull()
                buffer.position() shouldBe 0
                val reading = async(Dispatchers.IO) { server.readFully(full.size + 1) }
                writer.writeByte(42)
                writer.flush()
                reading.await() shouldBe full + byteArrayOf(42)

                breakOff { writer.write(pattern(2_000_000)) }
                shouldThrow<NetparkException.Closed> { writer.putByte(1); writer.flush() }.message!! shouldContain "the output is broken"
            }
        }
    }

    test("flushIfFull bounds what who writes without end keeps in memory, while the peer is slow") {
        onReactor(buffering = { Buffering(it, highWaterMark = 32 * 1024) }) { reactor, _ ->
            reactor.withPair(options = TINY_BUFFERS) { client, server ->
                var most = 0
                val writing = launch {
                    repeat(2000) {
                        client.writer.put(pattern(1000, it))
                        most = maxOf(most, client.writer.buffered().toInt())
                        client.writer.flushIfFull()
                    }
                    client.writer.flush()
                }
                repeat(2000) {
                    server.reader.await(1000)
                    server.reader.takeBytes(1000) shouldBe pattern(1000, it)
                }
                writing.join()
                most shouldBeLessThanOrEqual 33 * 1024
            }
        }
    }

    for (flavour in bestAndOrdered) test("$flavour: a writer that is used after close fails, and so does flushing one that was closed meanwhile") {
        onReactor(flavour) { reactor ->
            reactor.withPair { client, _ ->
                client.writer.putInt(1)
                client.close()
                shouldThrow<NetparkException.Closed> { client.writer.flush() }
                val failure = shouldThrow<NetparkException.Closed> { client.writer.putInt(1) }
                failure.message!! shouldContain "write to ${AddressText.of(client.remoteAddress)}"
                failure.isAbout(client.core) shouldBe true
                shouldThrow<NetparkException.Closed> { client.writer.writeInt(1) }
                shouldThrow<NetparkException.Closed> { client.writer.append(client.reader) }
            }
        }
    }

    test("a writer whose limit is no more than its mark flushes in time, and never reaches the limit") {
        onReactor(buffering = { Buffering(it, outputLimit = 1000) }) { reactor, _ ->
            reactor.withPair { client, server ->
                val reading = async(Dispatchers.IO) { server.readToEnd() }
                repeat(500) { client.writer.writeInt(it) }
                client.writer.write(pattern(3000))
                client.writer.write(ByteBuffer.wrap(pattern(3000, 2)))
                client.writer.flush()
                client.shutdownOutput()
                reading.await().copyOfRange(2000, 8000) shouldBe pattern(3000) + pattern(3000, 2)
            }
        }
    }
})
