package io.netpark.coroutines

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.assertions.withClue
import io.kotest.matchers.collections.shouldContainExactly
import io.kotest.matchers.nulls.shouldBeNull
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.netpark.core.framing.Framing
import io.netpark.core.sys.NetparkException
import io.netpark.core.testing.Flavour
import io.netpark.core.testing.NetparkSpec
import java.nio.ByteBuffer
import java.nio.ByteOrder
import kotlin.time.TimeSource
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.flow.collect
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.flow.take
import kotlinx.coroutines.flow.toList
import kotlinx.coroutines.launch
import kotlinx.coroutines.withContext

/** One awaiting function: the bytes that make it whole, what it gives for them, and whether a clean end is a value for it. */
private class Awaited(
    val name: String,
    val bytes: ByteArray,
    val gives: Any?,
    val atCleanEnd: Any? = TRUNCATED,
    val await: suspend Reader.() -> Any?,
) {
    override fun toString() = name

    companion object {
        val TRUNCATED = Any()
    }
}

private val NUMBER = byteArrayOf(0x81.toByte(), 2, 3, 4, 5, 6, 7, 0x88.toByte())

private fun number(length: Int, order: ByteOrder): ByteBuffer = ByteBuffer.wrap(NUMBER.copyOf(length)).order(order)

private fun text(view: ByteBuffer?): String? = view?.let { Charsets.UTF_8.decode(it.duplicate()).toString() }

private val ALL = listOf(
    Awaited("await", pattern(5), true, atCleanEnd = false) { await(5).also { if (it) skip(5) } },
    Awaited("awaitRest", pattern(5), Unit) { awaitRest(5).also { skip(5) } },
    Awaited("awaitByte", NUMBER.copyOf(1), 0x81.toByte()) { awaitByte() },
    Awaited("awaitShort", NUMBER.copyOf(2), number(2, ByteOrder.BIG_ENDIAN).short) { awaitShort() },
    Awaited("awaitShortLe", NUMBER.copyOf(2), number(2, ByteOrder.LITTLE_ENDIAN).short) { awaitShortLe() },
    Awaited("awaitInt", NUMBER.copyOf(4), number(4, ByteOrder.BIG_ENDIAN).int) { awaitInt() },
    Awaited("awaitIntLe", NUMBER.copyOf(4), number(4, ByteOrder.LITTLE_ENDIAN).int) { awaitIntLe() },
    Awaited("awaitLong", NUMBER, number(8, ByteOrder.BIG_ENDIAN).long) { awaitLong() },
    Awaited("awaitLongLe", NUMBER, number(8, ByteOrder.LITTLE_ENDIAN).long) { awaitLongLe() },
    Awaited("awaitBytes", pattern(7), pattern(7).toList()) { awaitBytes(7).toList() },
    Awaited("awaitString", "größe".toByteArray(), "größe") { awaitString(7) },
    Awaited("awaitString in UTF-16", "größe".toByteArray(Charsets.UTF_16BE), "größe") { awaitString(10, Charsets.UTF_16BE) },
    Awaited("awaitLine of LF", "ab\n".toByteArray(), "ab", atCleanEnd = null) { awaitLine() },
    Awaited("awaitLine of CRLF", "ab\r\n".toByteArray(), "ab", atCleanEnd = null) { awaitLine() },
    Awaited("awaitUntil", "ab|".toByteArray(), "ab|", atCleanEnd = null) { text(awaitUntil('|'.code.toByte(), 10)).also { release() } },
    Awaited("awaitUntil of several", "ab--".toByteArray(), "ab--", atCleanEnd = null) {
        text(awaitUntil("--".toByteArray(), 10)).also { release() }
    },
    Awaited("awaitMessage", "\u0002ab".toByteArray(), "ab", atCleanEnd = null) {
        text(awaitMessage(Framing.lengthField(1, 10))).also { release() }
    },
    Awaited("lines", "ab\n".toByteArray(), listOf("ab"), atCleanEnd = emptyList<String>()) { lines().take(1).toList() },
)

/** The table of [Reader], line by line. */
class AwaitSpec : NetparkSpec(body = {
    for (flavour in Flavour.few) {
        test("$flavour: what is awaited is given whole, wherever the bytes come apart") {
            onReactor(flavour) { reactor ->
                reactor.withPair { client, server ->
                    for (awaited in ALL) for (split in 0..awaited.bytes.size) withClue("$awaited after $split bytes") {
                        client.write(awaited.bytes.copyOf(split))
                        val waiting = async(start = CoroutineStart.UNDISPATCHED) { awaited.await(server.reader) }
                        client.write(awaited.bytes.copyOfRange(split, awaited.bytes.size))
                        waiting.await() shouldBe awaited.gives
                        server.reader.available() shouldBe 0
                    }
                }
            }
        }

        test("$flavour: an end is told as the table says, after every number of bytes, and leaves them to be taken") {
            onReactor(flavour) { reactor ->
                for (awaited in ALL) for (split in 0 until awaited.bytes.size) withClue("$awaited at an end after $split bytes") {
                    reactor.withPair { client, server ->
                        client.write(awaited.bytes.copyOf(split))
                        client.shutdownOutput()
                        repeat(2) { // and so again
                            if (split == 0 && awaited.atCleanEnd !== Awaited.TRUNCATED) {
                                awaited.await(server.reader) shouldBe awaited.atCleanEnd
                            } else {
                                val failure = shouldThrow<NetparkException.Truncated> { awaited.await(server.reader) }
                                failure.message!! shouldContain "$split"
                            }
                            server.reader.available() shouldBe split
                        }
                        server.reader.takeBytes(split) shouldBe awaited.bytes.copyOf(split)
                    }
                }
            }
        }
    }

    test("more is awaited whatever it is, and an end is told with bytes unread, too") {
        onReactor { reactor, _ ->
            reactor.withPair { client, server ->
                for (before in 0..3) withClue("$before bytes unread") {
                    val waiting = async(start = CoroutineStart.UNDISPATCHED) { server.reader.awaitMore() }
                    client.write(byteArrayOf(before.toByte()))
                    waiting.await() shouldBe true
                    server.reader.available() shouldBe before + 1
                }
                val cancelled = launch(start = CoroutineStart.UNDISPATCHED) { server.reader.awaitMore() }
                cancelled.cancelAndJoin()
                client.shutdownOutput()
                repeat(2) { server.reader.awaitMore() shouldBe false }
                server.reader.takeBytes(4) shouldBe byteArrayOf(0, 1, 2, 3)
            }
        }
    }

    test("more than the input limit is not awaited") {
        onReactor(buffering = { Buffering(it, inputLimit = 2) }) { reactor, _ ->
            reactor.withPair { client, server ->
                client.write(byteArrayOf(1, 2))
                server.reader.await(2)
                shouldThrow<NetparkException.LimitExceeded> { server.reader.awaitMore() }
            }
        }
    }

    test("what was cancelled in the middle, or timed out, has taken nothing, and can be awaited again") {
        onReactor { reactor, _ ->
            reactor.withPair { client, server ->
                for (awaited in ALL) for (split in 0 until awaited.bytes.size) withClue("$awaited, cancelled after $split bytes") {
                    client.write(awaited.bytes.copyOf(split))
                    val cancelled = launch(start = CoroutineStart.UNDISPATCHED) { awaited.await(server.reader) }
                    cancelled.cancelAndJoin()
                    server.readDeadline = TimeSource.Monotonic.markNow()
                    shouldThrow<NetparkException.TimedOut> { awaited.await(server.reader) }
                    server.readDeadline = null
                    client.write(awaited.bytes.copyOfRange(split, awaited.bytes.size))
                    awaited.await(server.reader) shouldBe awaited.gives
                }
            }
        }
    }

    test("what is awaited lies across segments like anywhere else") {
        onReactor { reactor, _ ->
            reactor.withPair { client, server ->
                for (awaited in ALL) for (before in 1..awaited.bytes.size) withClue("$awaited, $before bytes before a border") {
                    // A segment for reads has 64 KiB: everything in front fills it but for a few bytes.
                    val front = 64 * 1024 - before
                    val writing = launch(Dispatchers.IO) { client.write(ByteArray(front) + awaited.bytes) }
                    server.reader.await(front + awaited.bytes.size)
                    server.reader.skip(front.toLong())
                    awaited.await(server.reader) shouldBe awaited.gives
                    writing.join()
                }
            }
        }
    }

    test("more bytes than the input limit are refused before anything is awaited, by a message with the way out") {
        onReactor(buffering = { Buffering(it, inputLimit = 1000) }) { reactor, _ ->
            reactor.withPair { client, server ->
                val refused = listOf<suspend Reader.() -> Any?>(
                    { await(1001) }, { awaitRest(1001) }, { awaitBytes(1001) }, { awaitString(1001) },
                )
                for (refuse in refused) {
                    // Nothing has come, and nothing will: whoever waits hangs.
                    val failure = shouldThrow<NetparkException.LimitExceeded> { server.reader.refuse() }
                    failure.message!! shouldContain "1001"
                    failure.message!! shouldContain "Buffering.inputLimit"
                }
                client.write(pattern(1000))
                server.reader.awaitBytes(1000) shouldBe pattern(1000)
                shouldThrow<IndexOutOfBoundsException> { server.reader.awaitBytes(-1) }
                shouldThrow<IndexOutOfBoundsException> { server.reader.awaitString(-1) }
            }
        }
    }

    test("a limit of a call that is over the input limit is the input limit: what fits that is read") {
        onReactor(buffering = { Buffering(it, inputLimit = 10) }) { reactor, _ ->
            reactor.withPair { client, server ->
                client.write("123456789\n".repeat(4))
                server.reader.awaitLine() shouldBe "123456789"
                server.reader.awaitUntil('\n'.code.toByte(), 1000)!!.remaining() shouldBe 10
                server.reader.awaitUntil("\n".toByteArray(), 1000)!!.remaining() shouldBe 10
                server.reader.release()
                server.reader.lines().first() shouldBe "123456789"
                client.write("1234567890\n")
                for (refuse in listOf<suspend Reader.() -> Any?>(
                    { awaitLine() }, { awaitUntil('\n'.code.toByte(), 1000) }, { awaitUntil("\n".toByteArray(), 1000) }, { lines().first() },
                )) {
                    shouldThrow<NetparkException.LimitExceeded> { server.reader.refuse() }.message!! shouldContain "10 bytes"
                }
            }
        }
    }

    test("a framing that the input limit has no room for is a mistake of the program, and told before anything is awaited") {
        onReactor(buffering = { Buffering(it, inputLimit = 1000) }) { reactor, _ ->
            reactor.withPair { client, server ->
                val mistake = shouldThrow<IllegalStateException> { server.reader.awaitMessage(Framing.lengthField(1, 1000)) }
                mistake.message!! shouldContain "1001"
                mistake.message!! shouldContain "Buffering.inputLimit"
                client.write(byteArrayOf(1, 7))
                server.reader.awaitMessage(Framing.lengthField(1, 999))!!.get() shouldBe 7
            }
        }
    }

    test("a line that is too long is refused as soon as that is known, and at the limit it is not") {
        onReactor { reactor, _ ->
            reactor.withPair { client, server ->
                client.write("1234567\n12345678\n")
                server.reader.lines(8).first() shouldBe "1234567"
                shouldThrow<NetparkException.LimitExceeded> { server.reader.lines(8).first() }.message!! shouldContain "8 bytes"
                server.reader.awaitLine(9) shouldBe "12345678"
                client.write("endless!")
                shouldThrow<NetparkException.LimitExceeded> { server.reader.lines(8).first() }
                server.reader.awaitString(8) shouldBe "endless!"
            }
        }
    }

    test("lines are a flow that ends with the stream, and goes on where the reader is") {
        onReactor { reactor, _ ->
            reactor.withPair { client, server ->
                client.write("1\r\n2\n\n4 and 5\nrest")
                client.shutdownOutput()
                server.reader.lines().take(2).toList().shouldContainExactly("1", "2")
                server.reader.awaitLine() shouldBe ""
                server.reader.lines().first() shouldBe "4 and 5"
                val lines = mutableListOf<String>()
                shouldThrow<NetparkException.Truncated> { server.reader.lines().collect { lines += it } }
                lines shouldBe emptyList()
                server.reader.takeString(4) shouldBe "rest"
                server.reader.lines().toList() shouldBe emptyList()
                server.reader.awaitLine().shouldBeNull()
            }
        }
    }

    test("a collector may use the reader between two lines") {
        onReactor { reactor, _ ->
            reactor.withPair { client, server ->
                client.write("3\nabc5\nabcde")
                client.shutdownOutput()
                val bodies = mutableListOf<String>()
                server.reader.lines().collect { bodies += server.reader.awaitString(it.toInt()) }
                bodies.shouldContainExactly("abc", "abcde")
            }
        }
    }

    test("a collector that is cancelled, at whatever instant, leaves every line that it has not got") {
        onReactor { reactor, _ ->
            reactor.withPair { client, server ->
                val total = 20_000
                val writer = launch(Dispatchers.IO) {
                    for (i in 0 until total) client.writer.run { putString("$i\n"); flushIfFull() }
                    client.writer.flush()
                }
                var expected = 0
                while (expected < total) {
                    val attempt = launch(Dispatchers.Default) {
                        server.reader.lines().take(total - expected).collect { it shouldBe "${expected++}" }
                    }
                    repeat((0..300).random()) { Thread.onSpinWait() }
                    withContext(Dispatchers.IO) { attempt.cancelAndJoin() }
                }
                writer.join()
            }
        }
    }
})
