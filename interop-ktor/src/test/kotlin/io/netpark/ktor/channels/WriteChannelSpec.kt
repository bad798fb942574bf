package io.netpark.ktor.channels

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.longs.shouldBeLessThan
import io.kotest.matchers.nulls.shouldBeNull
import io.kotest.matchers.nulls.shouldNotBeNull
import io.kotest.matchers.shouldBe
import io.kotest.matchers.types.shouldBeInstanceOf
import io.ktor.utils.io.ByteReadChannel
import io.ktor.utils.io.ByteWriteChannel
import io.ktor.utils.io.ClosedWriteChannelException
import io.ktor.utils.io.copyAndClose
import io.ktor.utils.io.copyTo
import io.ktor.utils.io.counted
import io.ktor.utils.io.jvm.javaio.toOutputStream
import io.ktor.utils.io.toByteArray
import io.ktor.utils.io.write
import io.ktor.utils.io.writeByte
import io.ktor.utils.io.writeByteArray
import io.ktor.utils.io.writeDouble
import io.ktor.utils.io.writeFloat
import io.ktor.utils.io.writeFully
import io.ktor.utils.io.writeInt
import io.ktor.utils.io.writeLong
import io.ktor.utils.io.writePacket
import io.ktor.utils.io.writeShort
import io.ktor.utils.io.writeSource
import io.ktor.utils.io.writeString
import io.ktor.utils.io.writeStringUtf8
import io.ktor.utils.io.writer
import io.netpark.core.net.options.NetOptions
import io.netpark.core.sys.NetparkException
import io.netpark.core.testing.NetparkSpec
import io.netpark.coroutines.Buffering
import io.netpark.coroutines.Connection
import java.io.IOException
import kotlin.random.Random
import kotlin.time.Duration.Companion.milliseconds
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.delay
import kotlinx.coroutines.launch
import kotlinx.coroutines.withContext
import kotlinx.coroutines.withTimeoutOrNull
import kotlinx.io.Buffer

/** The output of a connection as Ktor writes it. What arrives through Ktor's own channel is the measure. */
class WriteChannelSpec : NetparkSpec(body = {
    fun carried(
        name: String,
        options: NetOptions = NetOptions.DEFAULT,
        carriers: List<Carrier> = Carrier.entries,
        body: suspend CoroutineScope.(client: Connection, server: Connection) -> Unit,
    ) {
        for (carrier in carriers) test("$carrier: $name") { carrier.connect(options, body = body) }
    }

    /** What [write] writes is to arrive as it does through Ktor's own channel, whatever the peer does meanwhile. */
    fun same(name: String, write: suspend (ByteWriteChannel) -> Unit) {
        for (carrier in Carrier.entries) {
            test("$carrier: $name as Ktor's own channel does it") {
                carrier.connect(buffering = { Buffering(it, outputLimit = 48 * 1024) }) { client, server ->
                    val expected = coroutineScope { writer(Dispatchers.Default) { write(channel) }.channel.toByteArray() }
                    val channel = server.writeChannel()
                    val writing = launch {
                        write(channel)
                        channel.flushAndClose()
                    }
                    client.readChannel().toByteArray().contentEquals(expected) shouldBe true
                    writing.join()
                    channel.isClosedForWrite shouldBe true
                    channel.closedCause.shouldBeNull()
                }
            }
        }
    }

    val bytes = pattern(1_000_000)

    same("numbers are written") {
        it.writeByte(-1)
        it.writeShort(-2)
        it.writeInt(-3)
        it.writeLong(-4)
        it.writeFloat(0.5f)
        it.writeDouble(-0.25)
    }
    same("text is written") {
        it.writeStringUtf8("äöü")
        it.writeString("and more")
    }
    same("arrays are written") {
        it.writeFully(bytes, 5, 500_000)
        it.writeByteArray(bytes)
    }
    same("sources are written") {
        it.writeSource(Buffer().apply { write(bytes) })
        it.writePacket(Buffer().apply { write(bytes) })
    }
    same("memory is filled in place") { channel ->
        repeat(1000) {
            channel.write(10) { array, start, end ->
                array.fill(it.toByte(), start, end)
                end - start
            }
        }
    }
    same("a channel is copied") { ByteReadChannel(bytes).copyTo(it) }
    same("a part of a channel is copied") { ByteReadChannel(bytes).copyTo(it, 123_456) }
    same("a channel is copied, and the output ended") { ByteReadChannel(bytes).copyAndClose(it) }
    same("a counted channel writes") { channel ->
        channel.counted().run {
            writeFully(bytes)
            flush()
            totalBytesWritten shouldBe bytes.size
        }
    }
    same("blocking code writes a stream") { channel ->
        withContext(Dispatchers.IO) { channel.toOutputStream().use { out -> repeat(10) { out.write(bytes, it, 50_000) } } }
    }
    for (seed in 1..3) {
        same("pieces of any size, flushed now and then, are written (seed $seed)") { channel ->
            val chance = Random(seed)
            repeat(200) {
                val length = if (chance.nextInt(10) == 0) chance.nextInt(200_000) else chance.nextInt(500)
                channel.writeFully(bytes, 0, length)
                if (chance.nextInt(3) == 0) channel.flush()
            }
        }
    }

    carried("nothing is sent before a flush, and all of it by one") { client, server ->
        val channel = server.writeChannel()
        channel.writeStringUtf8("wait for it")
        withTimeoutOrNull(50.milliseconds) { client.reader.await() }.shouldBeNull()
        channel.flush()
        client.reader.awaitString(11) shouldBe "wait for it"
    }

    carried("what the connection's writer has goes first") { client, server ->
        val channel = server.writeChannel()
        channel.writeStringUtf8("behind")
        server.writer.putString("before")
        channel.flush()
        client.reader.awaitString(12) shouldBe "beforebehind"
    }

    carried("the output ends, and the input goes on") { client, server ->
        val channel = server.writeChannel()
        channel.writeStringUtf8("the end")
        channel.flushAndClose()
        client.readChannel().toByteArray().decodeToString() shouldBe "the end"
        client.write("answer".toByteArray())
        server.reader.awaitString(6) shouldBe "answer"
        channel.flushAndClose() // has no effect
        shouldThrow<ClosedWriteChannelException> { channel.writeByte(1) }
    }

    carried("a channel that is cancelled resets the connection", carriers = Carrier.RESETTING) { client, server ->
        val channel = server.writeChannel()
        channel.writeStringUtf8("a part")
        channel.flush()
        channel.cancel(IOException("enough"))
        channel.isClosedForWrite shouldBe true
        shouldThrow<IOException> { channel.writeByte(1) }.cause?.message shouldBe "enough"
        shouldThrow<IOException> { channel.flush() }
        channel.flushAndClose() // has no effect
        runCatching { client.readChannel().toByteArray() }.exceptionOrNull().shouldNotBeNull().netparkCause().shouldNotBeNull()
    }

    carried("a peer that is gone is told as Ktor tells it, with the cause") { client, server ->
        val channel = server.writeChannel()
        client.reset()
        val failure = runCatching { while (true) channel.writeFully(bytes) }.exceptionOrNull()
        failure.shouldBeInstanceOf<IOException>().netparkCause().shouldNotBeNull()
        channel.isClosedForWrite shouldBe true
        channel.closedCause.shouldBeInstanceOf<IOException>()
        shouldThrow<ClosedWriteChannelException> { channel.writeByte(1) }
    }

    carried("a connection that is closed here ends its channel") { _, server ->
        val channel = server.writeChannel()
        channel.writeByte(1)
        server.close()
        shouldThrow<ClosedWriteChannelException> { channel.flush() }.netparkCause().shouldBeInstanceOf<NetparkException.Closed>()
    }

    carried("a writer waits for a slow reader, and holds little meanwhile", Carrier.TIGHT) { client, server ->
        val channel = server.writeChannel()
        var written = 0L
        val writing = launch {
            repeat(1000) {
                channel.writeFully(bytes, 0, 10_000)
                written += 10_000
            }
            channel.flushAndClose()
        }
        client.reader.await()
        delay(100.milliseconds)
        written shouldBeLessThan 5_000_000
        server.writer.buffered() shouldBeLessThan 200_000
        client.readChannel().toByteArray().size shouldBe 10_000_000
        writing.join()
    }

    carried("a flush that is cancelled is gone on with exactly", Carrier.TIGHT) { client, server ->
        val channel = server.writeChannel()
        val isStuck = CompletableDeferred<Unit>()
        val writing = async {
            var cancelled = 0
            channel.writeFullyUnflushed(bytes)
            while (withTimeoutOrNull(5.milliseconds) { channel.flush() } == null) {
                cancelled++
                isStuck.complete(Unit)
            }
            channel.flushAndClose()
            cancelled
        }
        isStuck.await()
        client.readChannel().toByteArray().contentEquals(bytes) shouldBe true
        (writing.await() > 0) shouldBe true
    }

    carried("each part may be written by another thread") { client, server ->
        val channel = server.writeChannel()
        launch {
            val threads = listOf(Dispatchers.IO, Dispatchers.Default, server.dispatcher)
            for (at in bytes.indices step 10_000) {
                withContext(threads[at / 10_000 % threads.size]) { channel.writeFully(bytes, at, at + 10_000) }
            }
            channel.flushAndClose()
        }
        client.readChannel().toByteArray().contentEquals(bytes) shouldBe true
    }
})

/** Without the flush that comes with so much. */
@OptIn(io.ktor.utils.io.InternalAPI::class)
private fun ByteWriteChannel.writeFullyUnflushed(bytes: ByteArray) = writeBuffer.write(bytes)
