package io.netpark.coroutines

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.collections.shouldContainExactly
import io.kotest.matchers.longs.shouldBeLessThanOrEqual
import io.kotest.matchers.nulls.shouldBeNull
import io.kotest.matchers.shouldBe
import io.netpark.core.testing.Flavour
import io.netpark.core.testing.NetparkSpec
import io.netpark.coroutines.kotlinxio.copyTo
import io.netpark.coroutines.kotlinxio.put
import io.netpark.coroutines.kotlinxio.take
import io.netpark.coroutines.kotlinxio.write
import kotlin.io.path.Path
import kotlin.io.path.extension
import kotlin.io.path.name
import kotlin.io.path.readBytes
import kotlin.io.path.walk
import kotlin.time.Duration.Companion.milliseconds
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.launch
import kotlinx.coroutines.withTimeoutOrNull
import kotlinx.io.Buffer
import kotlinx.io.RawSource
import kotlinx.io.buffered
import kotlinx.io.readByteArray

class KotlinxIoSpec : NetparkSpec(body = {
    for (flavour in Flavour.all) {
        test("$flavour: what kotlinx-io has is written, and what comes is copied to it") {
            onReactor(flavour) { reactor ->
                reactor.withPair { client, server ->
                    for (size in listOf(0, 1, 8191, 8192, 8193, 300_000)) {
                        val sent = pattern(size)
                        val writing = launch {
                            client.writer.write(Buffer().apply { write(sent) }) shouldBe size.toLong()
                            client.writer.putByte(42)
                            client.writer.flush()
                        }
                        val target = Buffer()
                        server.reader.copyTo(target, size.toLong()) shouldBe size.toLong()
                        target.readByteArray() shouldBe sent
                        server.reader.awaitByte() shouldBe 42
                        writing.join()
                    }
                }
            }
        }
    }

    test("a copy ends with the stream, or with the count, and the rest stays where it was") {
        onReactor { reactor, _ ->
            reactor.withPair { client, server ->
                val source = Buffer().apply { write(pattern(1000)) }
                client.writer.write(source, 300) shouldBe 300
                source.size shouldBe 700
                client.writer.write(source, 5000) shouldBe 700
                client.writer.write(source) shouldBe 0
                client.writer.flush()
                client.shutdownOutput()
                val target = Buffer()
                server.reader.copyTo(target, 100) shouldBe 100
                server.reader.copyTo(target) shouldBe 900
                server.reader.copyTo(target) shouldBe 0
                target.readByteArray() shouldBe pattern(1000)
                shouldThrow<IllegalArgumentException> { server.reader.copyTo(target, -1) }
                shouldThrow<IllegalArgumentException> { client.writer.write(source, -1) }
            }
        }
    }

    test("what is there is taken and put without waiting") {
        onReactor { reactor, _ ->
            reactor.withPair { client, server ->
                client.writer.put(Buffer().apply { write(pattern(100)) })
                client.writer.buffered() shouldBe 100
                client.writer.flush()
                client.frames.write { put(Buffer().apply { write(pattern(50)) }) }
                server.reader.await(150)
                val target = Buffer()
                server.reader.take(target, 40)
                shouldThrow<IndexOutOfBoundsException> { server.reader.take(target, 111) }
                shouldThrow<IndexOutOfBoundsException> { server.reader.take(target, -1) }
                server.reader.take(target)
                target.readByteArray() shouldBe pattern(100) + pattern(50)
            }
        }
    }

    test("a copy that is cancelled has lost nothing") {
        onReactor { reactor, _ ->
            reactor.withPair { client, server ->
                client.write(pattern(1000))
                val target = Buffer()
                withTimeoutOrNull(30.milliseconds) { server.reader.copyTo(target) }.shouldBeNull()
                client.write(pattern(500))
                server.reader.copyTo(target, 1500 - target.size)
                target.readByteArray() shouldBe pattern(1000) + pattern(500)
            }
        }
    }

    test("an endless source is held up by a slow peer, and costs no more than the mark and a part") {
        onReactor(buffering = { Buffering(it, highWaterMark = 32 * 1024) }) { reactor, _ ->
            reactor.withPair(options = TINY_BUFFERS) { client, server ->
                var given = 0L
                val endless = object : RawSource {
                    override fun readAtMostTo(sink: Buffer, byteCount: Long): Long {
                        sink.write(ByteArray(1000))
                        given += 1000
                        return 1000
                    }

                    override fun close() {}
                }.buffered()
                withTimeoutOrNull(50.milliseconds) { client.writer.write(endless) }.shouldBeNull()
                client.writer.buffered() shouldBeLessThanOrEqual 96L * 1024
                val before = given
                val reading = async(Dispatchers.IO) { server.readToEnd() }
                client.writer.write(endless, before) shouldBe before
                client.writer.flush()
                client.shutdownOutput()
                val all = reading.await()
                (all.size in before..2 * before) shouldBe true // nothing of what was taken before the cancellation is lost
                all.all { it == 0.toByte() } shouldBe true
            }
        }
    }

    test("nothing else of the library refers to kotlinx-io, so that nobody needs it who does not call this") {
        Path("target/classes").walk()
            .filter { it.extension == "class" && "kotlinx/io/" in String(it.readBytes(), Charsets.ISO_8859_1) }
            .map { it.name.substringBefore('$').removeSuffix(".class") }
            .toSet() shouldContainExactly setOf("KotlinxIo")
    }
})
