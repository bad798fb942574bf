package io.netpark.ktor.answers

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.assertions.withClue
import io.kotest.matchers.longs.shouldBeLessThan
import io.kotest.matchers.nulls.shouldBeNull
import io.kotest.matchers.nulls.shouldNotBeNull
import io.kotest.matchers.shouldBe
import io.kotest.matchers.types.shouldBeInstanceOf
import io.ktor.server.plugins.BadRequestException
import io.ktor.server.plugins.PayloadTooLargeException
import io.ktor.utils.io.ByteReadChannel
import io.ktor.utils.io.availableForRead
import io.ktor.utils.io.jvm.javaio.toInputStream
import io.ktor.utils.io.readAvailable
import io.ktor.utils.io.readByteArray
import io.ktor.utils.io.readLine
import io.ktor.utils.io.readBuffer
import io.ktor.utils.io.toByteArray
import io.netpark.core.net.options.NetOptions
import io.netpark.core.sys.NetparkException
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.race
import io.netpark.coroutines.Connection
import io.netpark.http.BodyLimits
import io.netpark.http.RequestBody
import io.netpark.http.RequestHead
import io.netpark.http.Status
import io.netpark.ktor.channels.Carrier
import io.netpark.ktor.channels.InputChannel
import io.netpark.ktor.channels.netparkCause
import io.netpark.ktor.channels.pattern
import java.io.ByteArrayOutputStream
import java.io.IOException
import kotlin.coroutines.Continuation
import kotlin.coroutines.EmptyCoroutineContext
import kotlin.coroutines.startCoroutine
import kotlin.coroutines.suspendCoroutine
import kotlin.random.Random
import kotlin.time.Duration.Companion.hours
import kotlin.time.Duration.Companion.milliseconds
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.delay
import kotlinx.coroutines.launch
import kotlinx.coroutines.withContext
import kotlinx.coroutines.withTimeoutOrNull
import kotlinx.io.readByteArray

/** Bodies of requests as handlers read them. */
class BodyReadChannelSpec : NetparkSpec(body = {
    fun carried(
        name: String,
        options: NetOptions = NetOptions.DEFAULT,
        body: suspend CoroutineScope.(client: Connection, server: Connection) -> Unit,
    ) {
        for (carrier in Carrier.entries) test("$carrier: $name") { carrier.connect(options, body = body) }
    }

    val bytes = pattern(300_000)

    for (seed in 1..3) {
        carried("bodies by length and in chunks are read to their end, and no further (seed $seed)") { client, server ->
            val chance = Random(seed)
            val bodies = List(12) { if (chance.nextBoolean()) chance.nextInt(60_000) else chance.nextInt(40) }
            launch {
                val all = ByteArrayOutputStream()
                for (length in bodies) {
                    all.write(if (chance.nextBoolean()) byLength(bytes, length) else inChunks(bytes, length, chance))
                }
                client.sendInPieces(all.toByteArray(), chance)
            }
            val requests = Requests(server)
            for ((number, length) in bodies.withIndex()) {
                withClue("body $number of $length bytes") {
                    val body = requests.next()
                    body.toByteArray().contentEquals(bytes.copyOf(length)) shouldBe true
                    body.isClosedForRead shouldBe true
                    body.closedCause.shouldBeNull()
                    requests.body.isOver shouldBe true
                    body.awaitContent() shouldBe false
                }
            }
        }
    }

    carried("a body is read as it comes") { client, server ->
        client.write("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nfirst\n\r\n".toByteArray())
        val body = Requests(server).next()
        body.readLine() shouldBe "first"
        withTimeoutOrNull(20.milliseconds) { body.awaitContent() }.shouldBeNull()
        client.write("7\r\nsecond\n\r\n".toByteArray())
        body.readLine() shouldBe "second"
        body.isClosedForRead shouldBe false
        client.write("0\r\n\r\n".toByteArray())
        body.readLine().shouldBeNull()
        body.isClosedForRead shouldBe true
    }

    carried("a request without a body has an empty one") { client, server ->
        client.write("GET / HTTP/1.1\r\nHost: h\r\n\r\n".toByteArray())
        val body = Requests(server).next()
        body.isClosedForRead shouldBe true
        body.toByteArray().size shouldBe 0
    }

    carried("what was left of a body is thrown away before the next request") { client, server ->
        launch { client.sendInPieces(inChunks(bytes, 50_000, Random(1)) + byLength(bytes, 3), Random(2)) }
        val requests = Requests(server)
        val first = requests.next()
        first.readByteArray(10)
        first.cancel(IOException("the call is over"))
        first.isCutOff shouldBe false
        requests.body.discard(1L shl 20) shouldBe true
        requests.next().toByteArray().contentEquals(bytes.copyOf(3)) shouldBe true
        shouldThrow<IOException> { first.readBuffer() }.cause?.message shouldBe "the call is over"
    }

    carried("a body is read by blocking code on a thread of its own") { client, server ->
        launch { client.sendInPieces(inChunks(bytes, 200_000, Random(3)), Random(4)) }
        val body = Requests(server).next()
        withContext(Dispatchers.IO) { body.toInputStream().readBytes() }.contentEquals(bytes.copyOf(200_000)) shouldBe true
    }

    carried("each part may be read by another thread") { client, server ->
        launch { client.sendInPieces(inChunks(bytes, 200_000, Random(5)), Random(6)) }
        val body = Requests(server).next()
        val all = ByteArrayOutputStream()
        val threads = listOf(Dispatchers.IO, Dispatchers.Default, server.dispatcher)
        val some = ByteArray(5000)
        var turn = 0
        while (true) {
            val count = withContext(threads[turn++ % threads.size]) { body.readAvailable(some) }
            if (count < 0) break
            all.write(some, 0, count)
        }
        all.toByteArray().contentEquals(bytes.copyOf(200_000)) shouldBe true
    }

    carried("little is taken ahead") { client, server ->
        launch { runCatching { client.write(byLength(bytes, 50_000_000)) } }
        val body = Requests(server).next()
        body.awaitContent()
        delay(50.milliseconds)
        body.availableForRead.toLong() shouldBeLessThan InputChannel.TAKEN + 1
        server.reader.available() shouldBeLessThan (1L shl 20)
        server.reset()
    }

    carried("a client that waits to be told so is told to go on when the body is read, and not before") { client, server ->
        client.write("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n".toByteArray())
        val body = Requests(server).next()
        withTimeoutOrNull(20.milliseconds) { client.reader.await() }.shouldBeNull()
        val read = async { body.toByteArray().decodeToString() }
        client.reader.awaitLine() shouldBe "HTTP/1.1 100 Continue"
        client.write("body".toByteArray())
        read.await() shouldBe "body"
    }

    // Failures

    carried("a malformed body is a bad request") { client, server ->
        client.write("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabNO\r\n".toByteArray())
        val body = Requests(server).next()
        shouldThrow<BadRequestException> { body.readBuffer() }
        shouldThrow<BadRequestException> { body.awaitContent() }
        body.refusal.shouldNotBeNull().status shouldBe Status.BAD_REQUEST
        body.isClosedForRead shouldBe true
    }

    carried("a body that is too long is one for Ktor as well") { client, server ->
        client.write("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n6\r\n123456\r\n".toByteArray())
        val body = Requests(server, BodyLimits(bytes = 5)).next()
        shouldThrow<PayloadTooLargeException> { body.readBuffer() }.message.orEmpty().contains("5") shouldBe true
        body.refusal.shouldNotBeNull().status shouldBe Status.CONTENT_TOO_LARGE
    }

    carried("a client that is too slow is an IOException") { client, server ->
        client.write("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\n\r\n123".toByteArray())
        val body = Requests(server, BodyLimits(time = 100.milliseconds)).next()
        shouldThrow<IOException> { body.readBuffer() }
        body.refusal.shouldNotBeNull().status shouldBe Status.REQUEST_TIMEOUT
    }

    carried("a body whose client ends its output before is a bad request for Ktor") { client, server ->
        client.write("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\n\r\n123".toByteArray())
        client.shutdownOutput()
        val body = Requests(server).next()
        shouldThrow<BadRequestException> { body.readBuffer() }.netparkCause().shouldBeInstanceOf<NetparkException.Truncated>()
        body.refusal.shouldNotBeNull().status shouldBe Status.BAD_REQUEST
    }

    carried("a client that resets is told with the cause") { client, server ->
        client.write("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\n\r\n123".toByteArray())
        val body = Requests(server).next()
        client.reset()
        val failure = shouldThrow<Exception> { body.readBuffer() }
        when (failure.netparkCause().shouldNotBeNull()) {
            is NetparkException.Truncated -> failure.shouldBeInstanceOf<BadRequestException>() // unix sockets know no reset
            else -> failure.shouldBeInstanceOf<IOException>()
        }
    }

    carried("a body that is cancelled wakes its reader, and is cut off") { client, server ->
        client.write("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\n\r\n123".toByteArray())
        val body = Requests(server).next()
        val reading = async(Dispatchers.Default, CoroutineStart.UNDISPATCHED) { runCatching { body.readByteArray(6) } }
        body.cancel(IOException("the call is over"))
        reading.await().exceptionOrNull().shouldBeInstanceOf<IOException>().cause?.message shouldBe "the call is over"
    }

    carried("a body that is cancelled while an earlier answer is on its way is not waited for", Carrier.TIGHT) { client, server ->
        client.write("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\n\r\n123".toByteArray())
        val body = Requests(server, BodyLimits(time = 1.hours)).next()
        val answer = bytes.copyOf(100_000) // more than the kernel takes
        server.writer.put(answer)
        val reading = async(Dispatchers.Default, CoroutineStart.UNDISPATCHED) { runCatching { body.readByteArray(6) } }
        body.cancel(IOException("the call is over"))
        client.reader.awaitBytes(answer.size).contentEquals(answer) shouldBe true
        reading.await().exceptionOrNull().shouldBeInstanceOf<IOException>().cause?.message shouldBe "the call is over"
    }

    test("whoever leaves a body that others read, and cancel, knows for certain whether it is cut off") {
        Carrier.TCP.connect { _, server ->
            lateinit var body: NeverComes
            var wasCutOff = false
            race(
                3000,
                { body.cancel(IOException("nobody wants it any more")) },
                {
                    body.leave(IOException("the call is over"))
                    wasCutOff = body.isCutOff
                },
                beforeEach = {
                    body = NeverComes(server)
                    suspend { body.awaitContent() }.startCoroutine(Continuation(EmptyCoroutineContext) {})
                },
                afterEach = { wasCutOff shouldBe body.isCutOff },
            )
        }
    }

    carried("a reader that is cancelled has lost nothing") { client, server ->
        client.write("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\n\r\n123".toByteArray())
        val body = Requests(server).next()
        withTimeoutOrNull(20.milliseconds) { body.awaitContent(6) }.shouldBeNull()
        client.write("456".toByteArray())
        body.toByteArray().decodeToString() shouldBe "123456"
    }

    // Much

    val much = System.getProperty("netpark.test.body")?.toLong() ?: (16L shl 20)

    for (isChunked in listOf(false, true)) {
        carried("a body of $much bytes ${if (isChunked) "in chunks" else "by length"} needs little memory") { client, server ->
            launch(Dispatchers.Default) {
                val head = if (isChunked) "Transfer-Encoding: chunked" else "Content-Length: $much"
                client.writer.putString("POST / HTTP/1.1\r\nHost: h\r\n$head\r\n\r\n")
                var left = much
                while (left > 0) {
                    val part = minOf(left, bytes.size.toLong()).toInt()
                    if (isChunked) client.writer.putString(part.toString(16) + "\r\n")
                    client.writer.write(bytes, 0, part)
                    if (isChunked) client.writer.putString("\r\n")
                    left -= part
                }
                if (isChunked) client.writer.putString("0\r\n\r\n")
                client.writer.flush()
            }
            val body = Requests(server).next()
            val some = ByteArray(64 * 1024)
            var read = 0L
            var most = 0L
            withContext(server.dispatcher) {
                while (true) {
                    val count = body.readAvailable(some)
                    if (count < 0) break
                    check(some[0] == bytes[(read % bytes.size).toInt()]) { "another byte at $read" }
                    read += count
                    most = maxOf(most, body.availableForRead + server.reader.available())
                }
            }
            read shouldBe much
            most shouldBeLessThan (2L shl 20)
        }
    }
})

/** An input that is waited for in vain. */
private class NeverComes(connection: Connection) : InputChannel(connection, connection.reader) {
    override val isOver get() = false
    override fun available() = 0L
    override suspend fun await(): Boolean = suspendCoroutine {}
    override fun took(count: Int) {}
}

/** The requests of a connection, of which only the bodies matter. */
private class Requests(private val connection: Connection, private val limits: BodyLimits = BodyLimits()) {
    private val head = RequestHead()
    val body = RequestBody(connection, limits)

    suspend fun next(): BodyReadChannel {
        while (!head.parse(connection.reader)) check(connection.reader.awaitMore()) { "there is no request" }
        body.begin(head)
        return BodyReadChannel(body, connection, limits.bytes)
    }
}

private fun byLength(bytes: ByteArray, length: Int): ByteArray =
    "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: $length\r\n\r\n".toByteArray() + bytes.copyOf(length)

private fun inChunks(bytes: ByteArray, length: Int, chance: Random): ByteArray {
    val all = ByteArrayOutputStream()
    all.write("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n".toByteArray())
    var at = 0
    while (at < length) {
        val part = minOf(length - at, 1 + chance.nextInt(if (chance.nextBoolean()) 10 else 20_000))
        all.write((part.toString(16) + "\r\n").toByteArray())
        all.write(bytes, at, part)
        all.write("\r\n".toByteArray())
        at += part
    }
    all.write("0\r\n\r\n".toByteArray())
    return all.toByteArray()
}

private suspend fun Connection.sendInPieces(bytes: ByteArray, chance: Random) {
    var at = 0
    while (at < bytes.size) {
        val length = minOf(bytes.size - at, 1 + chance.nextInt(if (chance.nextInt(3) == 0) 20 else 20_000))
        write(bytes, at, length)
        at += length
        if (chance.nextInt(5) == 0) delay(1.milliseconds)
    }
}
