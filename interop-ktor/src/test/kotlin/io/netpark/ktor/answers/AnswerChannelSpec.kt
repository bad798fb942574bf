package io.netpark.ktor.answers

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.assertions.withClue
import io.kotest.matchers.nulls.shouldBeNull
import io.kotest.matchers.nulls.shouldNotBeNull
import io.kotest.matchers.shouldBe
import io.kotest.matchers.types.shouldBeInstanceOf
import io.ktor.server.engine.BaseApplicationResponse.BodyLengthIsTooLong
import io.ktor.server.engine.BaseApplicationResponse.BodyLengthIsTooSmall
import io.ktor.utils.io.ByteReadChannel
import io.ktor.utils.io.ClosedWriteChannelException
import io.ktor.utils.io.copyTo
import io.ktor.utils.io.jvm.javaio.toOutputStream
import io.ktor.utils.io.readByteArray
import io.ktor.utils.io.readLine
import io.ktor.utils.io.toByteArray
import io.ktor.utils.io.writeByte
import io.ktor.utils.io.writeFully
import io.ktor.utils.io.writeStringUtf8
import io.netpark.core.sys.NetparkException
import io.netpark.core.testing.NetparkSpec
import io.netpark.coroutines.Connection
import io.netpark.ktor.channels.Carrier
import io.netpark.ktor.channels.netparkCause
import io.netpark.ktor.channels.pattern
import io.netpark.ktor.channels.readChannel
import java.io.IOException
import java.io.ByteArrayOutputStream
import kotlin.random.Random
import kotlin.time.Duration.Companion.milliseconds
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.launch
import kotlinx.coroutines.withContext
import kotlinx.coroutines.withTimeoutOrNull

/** Bodies of answers: by length, in chunks, and to the end of the connection. */
class AnswerChannelSpec : NetparkSpec(body = {
    fun carried(
        name: String,
        carriers: List<Carrier> = Carrier.entries,
        body: suspend CoroutineScope.(client: Connection, server: Connection) -> Unit,
    ) {
        for (carrier in carriers) test("$carrier: $name") { carrier.connect(body = body) }
    }

    val bytes = pattern(500_000)

    suspend fun Connection.receivesReset() {
        runCatching { readChannel().toByteArray() }.exceptionOrNull().shouldNotBeNull().netparkCause().shouldNotBeNull()
    }

    // In chunks

    carried("each flush is a chunk, and goes at once with the head") { client, server ->
        val answer = AnswerChannel(server, AnswerChannel.CHUNKED)
        server.writer.putString("head\r\n")
        answer.writeStringUtf8("data: 1\n\n")
        answer.flush()
        client.reader.awaitString("head\r\n9\r\ndata: 1\n\n\r\n".length) shouldBe "head\r\n9\r\ndata: 1\n\n\r\n"
        answer.writeStringUtf8("x".repeat(0x1a2b))
        answer.flush()
        client.reader.awaitString(6) shouldBe "1a2b\r\n"
        client.reader.awaitString(0x1a2b + 2) shouldBe "x".repeat(0x1a2b) + "\r\n"
        answer.flush() // of nothing: no chunk, as an empty chunk is the last
        answer.isComplete shouldBe false
        answer.flushAndClose()
        client.reader.awaitString(5) shouldBe "0\r\n\r\n"
        answer.isComplete shouldBe true
        withTimeoutOrNull(20.milliseconds) { client.reader.await() }.shouldBeNull()
        shouldThrow<ClosedWriteChannelException> { answer.writeByte(1) }
    }

    carried("an answer without a byte is the last chunk only") { client, server ->
        AnswerChannel(server, AnswerChannel.CHUNKED).flushAndClose()
        client.reader.awaitString(5) shouldBe "0\r\n\r\n"
    }

    for (seed in 1..5) {
        carried("chunks of any size are put together again (seed $seed)") { client, server ->
            val chance = Random(seed)
            val answer = AnswerChannel(server, AnswerChannel.CHUNKED)
            val expected = ByteArrayOutputStream()
            launch {
                repeat(100) {
                    val length = if (chance.nextInt(8) == 0) chance.nextInt(200_000) else 1 + chance.nextInt(300)
                    expected.write(bytes, 0, length)
                    answer.writeFully(bytes, 0, length)
                    if (chance.nextInt(3) == 0) answer.flush()
                }
                answer.flushAndClose()
            }
            client.readChannel().chunks().contentEquals(expected.toByteArray()) shouldBe true
        }
    }

    carried("blocking code writes chunks on a thread of its own") { client, server ->
        val answer = AnswerChannel(server, AnswerChannel.CHUNKED)
        val writing = launch {
            withContext(Dispatchers.IO) { answer.toOutputStream().use { out -> repeat(20) { out.write(bytes, 0, 30_000) } } }
        }
        client.readChannel().chunks().size shouldBe 600_000
        writing.join()
        answer.flushAndClose() // has no effect: the stream has been closed
        answer.isComplete shouldBe true
    }

    carried("a channel is copied as it comes") { client, server ->
        val answer = AnswerChannel(server, AnswerChannel.CHUNKED)
        launch {
            ByteReadChannel(bytes).copyTo(answer)
            answer.flushAndClose()
        }
        client.readChannel().chunks().contentEquals(bytes) shouldBe true
    }

    // By length

    carried("a body has the length that was promised") { client, server ->
        val answer = AnswerChannel(server, bytes.size.toLong())
        val writing = launch {
            answer.writeFully(bytes)
            answer.flushAndClose()
        }
        client.readChannel().readByteArray(bytes.size).contentEquals(bytes) shouldBe true
        writing.join()
        answer.isComplete shouldBe true
        withTimeoutOrNull(20.milliseconds) { client.reader.await() }.shouldBeNull() // the connection stays open
    }

    carried("an answer of no bytes is complete") { _, server ->
        val answer = AnswerChannel(server, 0)
        answer.flushAndClose()
        answer.isComplete shouldBe true
    }

    carried("a body that is too long is refused, and is not sent", Carrier.RESETTING) { client, server ->
        val answer = AnswerChannel(server, 5)
        answer.writeStringUtf8("12345")
        answer.flush()
        answer.writeStringUtf8("6")
        shouldThrow<BodyLengthIsTooLong> { answer.flush() }
        client.reader.awaitString(5) shouldBe "12345"
        shouldThrow<BodyLengthIsTooLong> { answer.flushAndClose() }
        answer.isComplete shouldBe false
        client.receivesReset()
    }

    carried("a body that is too short resets the connection", Carrier.RESETTING) { client, server ->
        val answer = AnswerChannel(server, 6)
        answer.writeStringUtf8("12345")
        shouldThrow<BodyLengthIsTooSmall> { answer.flushAndClose() }
        answer.isComplete shouldBe false
        client.receivesReset()
    }

    // To the end, and none

    carried("a body to the end of the connection has no framing") { client, server ->
        val answer = AnswerChannel(server, AnswerChannel.TO_THE_END)
        answer.writeStringUtf8("as it is")
        answer.flushAndClose()
        answer.isComplete shouldBe true
        server.shutdownOutput() // is the engine's
        client.readChannel().toByteArray().decodeToString() shouldBe "as it is"
    }

    carried("where there is no body nothing is sent") { client, server ->
        val answer = AnswerChannel(server, AnswerChannel.NONE)
        server.writer.putString("head")
        answer.writeFully(bytes)
        answer.flushAndClose()
        answer.isComplete shouldBe true
        server.shutdownOutput()
        client.readChannel().toByteArray().decodeToString() shouldBe "head"
    }

    // Failures

    for (length in listOf(AnswerChannel.CHUNKED, AnswerChannel.TO_THE_END, 100L)) {
        carried("a body that is cancelled looks complete to nobody (length $length)", Carrier.RESETTING) { client, server ->
            val answer = AnswerChannel(server, length)
            answer.writeStringUtf8("first")
            answer.flush()
            answer.cancel(IllegalStateException("the handler failed"))
            answer.flushAndClose()
            answer.isComplete shouldBe false
            shouldThrow<ClosedWriteChannelException> { answer.writeByte(1) }.cause?.message shouldBe "the handler failed"
            client.receivesReset()
        }
    }

    test("UNIX: a body that is cut off ends the connection before its own end") {
        Carrier.UNIX.connect { client, server ->
            val answer = AnswerChannel(server, AnswerChannel.CHUNKED)
            answer.writeStringUtf8("first")
            answer.flush()
            answer.cancel(IllegalStateException("the handler failed"))
            client.readChannel().toByteArray().decodeToString() shouldBe "5\r\nfirst\r\n"
        }
    }

    carried("a client that is gone is told as Ktor tells it") { client, server ->
        val answer = AnswerChannel(server, AnswerChannel.CHUNKED)
        client.reset()
        val failure = runCatching { while (true) answer.writeFully(bytes) }.exceptionOrNull()
        failure.shouldBeInstanceOf<IOException>().netparkCause().shouldNotBeNull()
        shouldThrow<ClosedWriteChannelException> { answer.writeByte(1) }
        answer.isComplete shouldBe false
    }

    for (carrier in Carrier.entries) {
        test("$carrier: a client that takes nothing is given up after the write timeout") {
            carrier.connect(Carrier.TIGHT) { _, server ->
                server.writeTimeout = 200.milliseconds
                val answer = AnswerChannel(server, AnswerChannel.CHUNKED)
                val failure = runCatching { while (true) answer.writeFully(bytes) }.exceptionOrNull()
                failure.shouldNotBeNull().netparkCause().shouldBeInstanceOf<NetparkException.TimedOut>()
                answer.isClosedForWrite shouldBe true
            }
        }

        test("$carrier: a flush that is cancelled in the middle keeps chunks whole") {
            carrier.connect(Carrier.TIGHT) { client, server ->
                val answer = AnswerChannel(server, AnswerChannel.CHUNKED)
                val isStuck = CompletableDeferred<Unit>()
                val writing = async {
                    var cancelled = 0
                    for (at in bytes.indices step 50_000) {
                        answer.writeFully(bytes, at, at + 50_000)
                        while (withTimeoutOrNull(2.milliseconds) { answer.flush() } == null) {
                            cancelled++
                            isStuck.complete(Unit)
                        }
                    }
                    answer.flushAndClose()
                    cancelled
                }
                isStuck.await()
                client.readChannel().chunks().contentEquals(bytes) shouldBe true
                (writing.await() > 0) shouldBe true
            }
        }
    }

    test("a body is complete whatever the size of the last part is") {
        for (length in listOf(1, 15, 16, 255, 256, 4095, 4096, 32_767, 32_768, 32_769, 65_535, 65_536)) {
            withClue("$length bytes") {
                Carrier.TCP.connect { client, server ->
                    val answer = AnswerChannel(server, AnswerChannel.CHUNKED)
                    launch {
                        answer.writeFully(bytes, 0, length)
                        answer.flushAndClose()
                    }
                    client.readChannel().chunks().contentEquals(bytes.copyOf(length)) shouldBe true
                }
            }
        }
    }
})

/** What chunks hold, up to the last. */
private suspend fun ByteReadChannel.chunks(): ByteArray {
    val all = ByteArrayOutputStream()
    while (true) {
        val size = checkNotNull(readLine()).toInt(16)
        if (size > 0) all.write(readByteArray(size))
        check(readLine() == "") { "a chunk without its end" }
        if (size == 0) return all.toByteArray()
    }
}
