package io.netpark.ktor.channels

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.assertions.withClue
import io.kotest.matchers.longs.shouldBeLessThan
import io.kotest.matchers.nulls.shouldBeNull
import io.kotest.matchers.nulls.shouldNotBeNull
import io.kotest.matchers.shouldBe
import io.kotest.matchers.types.shouldBeInstanceOf
import io.ktor.utils.io.ByteChannel
import io.ktor.utils.io.ByteReadChannel
import io.ktor.utils.io.ClosedByteChannelException
import io.ktor.utils.io.availableForRead
import io.ktor.utils.io.cancel
import io.ktor.utils.io.counted
import io.ktor.utils.io.discard
import io.ktor.utils.io.exhausted
import io.ktor.utils.io.jvm.javaio.toInputStream
import io.ktor.utils.io.peek
import io.ktor.utils.io.readAvailable
import io.ktor.utils.io.readBuffer
import io.ktor.utils.io.readByte
import io.ktor.utils.io.readByteArray
import io.ktor.utils.io.readDouble
import io.ktor.utils.io.readFloat
import io.ktor.utils.io.readFully
import io.ktor.utils.io.readInt
import io.ktor.utils.io.readLine
import io.ktor.utils.io.readLong
import io.ktor.utils.io.readPacket
import io.ktor.utils.io.readRemaining
import io.ktor.utils.io.readShort
import io.ktor.utils.io.readTo
import io.ktor.utils.io.readUntil
import io.ktor.utils.io.skipIfFound
import io.ktor.utils.io.toByteArray
import io.netpark.core.sys.NetparkException
import io.netpark.core.testing.NetparkSpec
import io.netpark.coroutines.Connection
import java.io.IOException
import kotlin.random.Random
import kotlin.time.Duration.Companion.milliseconds
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.delay
import kotlinx.coroutines.launch
import kotlinx.coroutines.withContext
import kotlinx.coroutines.withTimeoutOrNull
import kotlinx.io.Buffer
import kotlinx.io.bytestring.encodeToByteString
import kotlinx.io.readByteArray

/** The input of a connection as Ktor reads it. What Ktor's own channel gives is the measure. */
@Suppress("DEPRECATION") // programs still call what is deprecated
class ReadChannelSpec : NetparkSpec(body = {
    fun carried(
        name: String,
        carriers: List<Carrier> = Carrier.entries,
        body: suspend CoroutineScope.(client: Connection, server: Connection) -> Unit,
    ) {
        for (carrier in carriers) test("$carrier: $name") { carrier.connect(body = body) }
    }

    /** Sends [bytes] in pieces of which the reader sees some together. */
    suspend fun Connection.send(bytes: ByteArray, chance: Random) {
        var at = 0
        while (at < bytes.size) {
            val length = minOf(bytes.size - at, if (chance.nextBoolean()) 1 + chance.nextInt(8) else 1 + chance.nextInt(20_000))
            write(bytes, at, length)
            at += length
            if (chance.nextInt(4) == 0) delay(1.milliseconds)
        }
        shutdownOutput()
    }

    /**
     * What [read] makes of the input, to be the same by our channel as by Ktor's. The outcome has to have an equality of its
     * own.
     */
    fun same(name: String, input: ByteArray, read: suspend (ByteReadChannel) -> Any?) {
        for (carrier in Carrier.entries) {
            test("$carrier: $name as Ktor's own channel does it") {
                val expected = runCatching { read(ByteReadChannel(input)) }
                var seed = 0
                carrier.connect(times = 3) { client, server ->
                    withClue("seed ${++seed}") {
                        launch { client.send(input, Random(seed)) }
                        val found = runCatching { read(server.readChannel()) }
                        found.getOrNull() shouldBe expected.getOrNull()
                        found.exceptionOrNull()?.javaClass shouldBe expected.exceptionOrNull()?.javaClass
                    }
                }
            }
        }
    }

    val bytes = pattern(100_000)
    val text = (1..300).joinToString("") { "line $it with äöü" + if (it % 3 == 0) "\r\n" else "\n" } + "the last"

    same("everything is read", bytes) { it.toByteArray().toList() }
    same("readRemaining reads to the end", bytes) { it.readRemaining().readByteArray().toList() }
    same("readRemaining stops at its limit", bytes) { channel ->
        listOf(channel.readRemaining(70_001).readByteArray().toList(), channel.readRemaining().readByteArray().toList())
    }
    same("readBuffer reads to the end", bytes) { it.readBuffer().readByteArray().toList() }
    same("readBuffer reads at most so much", bytes) { channel ->
        listOf(channel.readBuffer(12_345).readByteArray().toList(), channel.readBuffer().readByteArray().toList())
    }
    same("numbers are read", bytes.copyOf(27)) {
        listOf(it.readByte(), it.readShort(), it.readInt(), it.readLong(), it.readFloat(), it.readDouble())
    }
    same("a number of which a part is missing fails", bytes.copyOf(7)) { listOf(it.readInt(), it.readInt()) }
    same("readFully reads all of an array", bytes) { channel ->
        ByteArray(33_333).also { channel.readFully(it) }.toList() + ByteArray(1).also { channel.readFully(it) }.toList()
    }
    same("readFully fails if there is less", bytes.copyOf(10)) { channel -> channel.readFully(ByteArray(11)) }
    same("readPacket reads so many bytes", bytes) { it.readPacket(50_000).readByteArray().toList() }
    same("readPacket fails if there are fewer", bytes.copyOf(10)) { it.readPacket(11) }
    same("readByteArray reads so many bytes", bytes) { it.readByteArray(50_000).toList() }
    same("readAvailable reads to the end", bytes) { channel ->
        val all = Buffer()
        val some = ByteArray(1000)
        while (true) {
            val count = channel.readAvailable(some)
            if (count < 0) break
            all.write(some, 0, count)
        }
        all.readByteArray().toList()
    }
    same("lines are read", text.toByteArray()) { it.lines() }
    same("an end without a line is no line", ByteArray(0)) { it.readLine() }
    same("discard forgets so many bytes", bytes) { channel -> listOf(channel.discard(99_000), channel.toByteArray().toList()) }
    same("discard ends at the end", bytes) { channel -> channel.discard() }
    same("readTo copies to a sink", bytes) { channel -> Buffer().also { channel.readTo(it) }.readByteArray().toList() }
    same("readUntil stops behind a delimiter", text.toByteArray()) { channel ->
        val before = ByteChannel()
        channel.readUntil("line 250".encodeToByteString(), before)
        before.flushAndClose()
        listOf(before.toByteArray().toList(), channel.toByteArray().toList())
    }
    same("what is found is skipped", text.toByteArray()) { channel ->
        listOf("line 1", "line").map { channel.skipIfFound(it.encodeToByteString()) } + channel.lines()
    }
    same("peek takes nothing", text.toByteArray()) { channel -> listOf(channel.peek(6), channel.lines()) }
    same("a counted channel counts", bytes) { channel ->
        channel.counted().run { listOf(toByteArray().toList(), totalBytesRead) }
    }
    same("exhausted is true at the end only", bytes.copyOf(3)) { channel ->
        List(4) { if (channel.exhausted()) null else channel.readByte() }
    }
    same("blocking code reads a stream", bytes) { channel ->
        withContext(Dispatchers.IO) { channel.toInputStream().readBytes().toList() }
    }

    carried("the end is known when all has been read, and is no failure") { client, server ->
        val channel = server.readChannel()
        client.write("end".toByteArray())
        client.shutdownOutput()
        channel.isClosedForRead shouldBe false
        channel.awaitContent(3) shouldBe true
        channel.awaitContent(4) shouldBe false
        channel.isClosedForRead shouldBe false
        channel.readRemaining().readByteArray().decodeToString() shouldBe "end"
        channel.isClosedForRead shouldBe true
        channel.closedCause.shouldBeNull()
        channel.awaitContent() shouldBe false
    }

    carried("bytes that the connection's reader has are the first") { client, server ->
        client.write("beforebehind".toByteArray())
        client.shutdownOutput()
        server.reader.awaitString(6) shouldBe "before"
        server.readChannel().toByteArray().decodeToString() shouldBe "behind"
    }

    carried("no more is taken ahead than is allowed, and the peer has to wait") { client, server ->
        val channel = server.readChannel()
        val much = ByteArray(64 shl 20)
        client.write(ByteArray(1)) // the rest may find no time to begin
        val sent = async { withTimeoutOrNull(100.milliseconds) { client.write(much) } }
        channel.awaitContent()
        sent.await().shouldBeNull()
        channel.availableForRead.toLong() shouldBeLessThan InputChannel.TAKEN + 1
        server.reader.available() shouldBeLessThan (1L shl 20)
    }

    carried("a wait that is cancelled has lost nothing") { client, server ->
        val channel = server.readChannel()
        client.write("some".toByteArray())
        withTimeoutOrNull(50.milliseconds) { channel.awaitContent(8) }.shouldBeNull()
        client.write("thing".toByteArray())
        channel.awaitContent(9) shouldBe true
        channel.readByteArray(9).decodeToString() shouldBe "something"
    }

    carried("a channel that is cancelled wakes its reader and tells why") { _, server ->
        val channel = server.readChannel()
        val reader = async(Dispatchers.Default, CoroutineStart.UNDISPATCHED) { runCatching { channel.awaitContent() } }
        channel.cancel(IOException("enough"))
        val failure = reader.await().exceptionOrNull().shouldBeInstanceOf<ClosedByteChannelException>()
        failure.cause?.message shouldBe "enough"
        channel.isClosedForRead shouldBe true
        shouldThrow<ClosedByteChannelException> { channel.readByte() }.cause?.message shouldBe "enough"
        server.isOpen shouldBe true
    }

    carried("a channel that is cancelled reads nothing") { client, server ->
        val channel = server.readChannel()
        client.write("unread".toByteArray())
        channel.cancel()
        channel.isClosedForRead shouldBe true
        shouldThrow<IOException> { channel.awaitContent() }
        server.reader.awaitString(6) shouldBe "unread"
    }

    carried("a peer that resets is told as Ktor tells it, with the cause", Carrier.RESETTING) { client, server ->
        val channel = server.readChannel()
        val reader = async { runCatching { channel.readRemaining() } }
        delay(20.milliseconds)
        client.reset()
        val failure = reader.await().exceptionOrNull().shouldBeInstanceOf<ClosedByteChannelException>()
        failure.netparkCause().shouldNotBeNull()
        channel.closedCause.shouldBeInstanceOf<IOException>()
        channel.isClosedForRead shouldBe true
    }

    carried("a connection that is closed here ends its channel") { _, server ->
        val channel = server.readChannel()
        val reader = async { runCatching { channel.awaitContent() } }
        delay(20.milliseconds)
        server.close()
        reader.await().exceptionOrNull().shouldNotBeNull().netparkCause().shouldBeInstanceOf<NetparkException.Closed>()
    }

    carried("each part may be read by another thread") { client, server ->
        val channel = server.readChannel()
        val input = pattern(300_000)
        launch { client.send(input, Random(7)) }
        val all = Buffer()
        val threads = listOf(Dispatchers.IO, Dispatchers.Default, server.dispatcher)
        var turn = 0
        while (!channel.exhausted()) {
            withContext(threads[turn++ % threads.size]) {
                channel.readBuffer(minOf(10_000L, channel.availableForRead.toLong())).transferTo(all)
            }
        }
        all.readByteArray().contentEquals(input) shouldBe true
    }
})

private suspend fun ByteReadChannel.lines(): List<String> = buildList { while (true) add(readLine() ?: break) }
