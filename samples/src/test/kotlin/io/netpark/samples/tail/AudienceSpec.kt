package io.netpark.samples.tail

import io.kotest.matchers.collections.shouldBeEmpty
import io.kotest.matchers.ints.shouldBeGreaterThan
import io.kotest.matchers.shouldBe
import io.netpark.callback.CallbackConnection
import io.netpark.callback.CallbackServer
import io.netpark.core.loop.EventLoopGroup
import io.netpark.samples.PATIENCE_SECONDS
import io.netpark.samples.SampleSpec
import io.netpark.samples.soon
import java.io.BufferedReader
import java.net.InetAddress
import java.net.InetSocketAddress
import java.net.Socket
import java.nio.ByteBuffer
import java.util.concurrent.LinkedBlockingQueue
import java.util.concurrent.TimeUnit

/** What clients get of lines, and of pieces of long ones, block by block. */
class AudienceSpec : SampleSpec({
    test("a client that has got the beginning of a line is told that the rest is missing, where a line begins") {
        Listening(lines = 0).use { listening ->
            val client = listening.dial()
            listening.send("begun ")
            val pieces = listening.fillUp(client, PIECE)
            listening.send("lost")
            listening.send(" end\nlost as well\n")
            client.line() shouldBe "begun " + PIECE.repeat(pieces)
            client.line() shouldBe "-- the rest of that line and 1 lines skipped: this client reads too slowly --"
            listening.send("after\n")
            client.line() shouldBe "after"
        }
    }

    test("a line that it has missed the beginning of is skipped to its end, and counted") {
        Listening(lines = 0).use { listening ->
            val client = listening.dial()
            val lines = listening.fillUp(client, "$PIECE\n")
            listening.send("lost\nlost, too: begun")
            repeat(lines) { client.line() shouldBe PIECE }
            soon { client.connection.isWritable shouldBe true }
            listening.send(" and going on")
            listening.send(" to the end\nnext\n")
            client.line() shouldBe "-- 2 lines skipped: this client reads too slowly --"
            client.line() shouldBe "next"
        }
    }

    test("when that line ends, and nothing else comes, it is told at once") {
        Listening(lines = 0).use { listening ->
            val client = listening.dial()
            listening.send("begun ")
            val pieces = listening.fillUp(client, PIECE)
            listening.send("lost")
            client.read(6 + pieces * PIECE.length)
            soon { client.connection.isWritable shouldBe true }
            listening.send(" end\n")
            client.line() shouldBe ""
            client.line() shouldBe "-- the rest of that line skipped: this client reads too slowly --"
        }
    }

    for (lines in 0..3) {
        test("who comes in the midst of a line gets it from its beginning, --lines $lines") {
            Listening(lines).use { listening ->
                listening.send("first\nsecond\nbegun")
                val client = listening.dial()
                listening.send(" and ended\n")
                for (line in listOf("first", "second").takeLast(lines)) client.line() shouldBe line
                client.line() shouldBe "begun and ended"
            }
        }

        test("or, if that is not kept any more, the next one first, --lines $lines") {
            Listening(lines).use { listening ->
                listening.send("first\nsecond\nbegun")
                repeat(2 * KEPT / PIECE.length) { listening.send(PIECE) }
                val client = listening.dial()
                listening.send("more")
                listening.send(" and ended\nnext\n")
                client.line() shouldBe "next"
            }
        }
    }
}) {
    /** An audience, and the server by which it comes, on one event loop. */
    private class Listening(lines: Int) : AutoCloseable {
        private val group = EventLoopGroup.builder().loops(1).open()
        private val loop = group.next()
        private val audience = Audience(Recent(KEPT), lines)
        private val arrived = LinkedBlockingQueue<CallbackConnection>()
        private val server = CallbackServer.builder()
            .group(group)
            .ignoreInput()
            .highWaterMark(PIECE.length)
            .onConnect { arrived += it }
            .onWritable { client -> loop.tryExecute { audience.catchUp(client) } }
            .listen(InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
        private val clients = mutableListOf<Client>()

        /** A client that is in the audience. */
        fun dial(): Client {
            val socket = Socket().apply {
                receiveBufferSize = 8 * 1024
                connect(server.localAddress())
                soTimeout = TimeUnit.SECONDS.toMillis(PATIENCE_SECONDS).toInt()
            }
            val client = Client(socket, arrived.take()).also { clients += it }
            onLoop { audience.add(client.connection) }
            return client
        }

        fun send(text: String) = onLoop { audience.send(ByteBuffer.wrap(text.encodeToByteArray())) }

        /** Sends until the client can take no more. Returns how often that was. The kernel makes room later: full is what stays full. */
        fun fillUp(client: Client, text: String): Int {
            var count = 0
            var calm = 0
            while (calm < 100) {
                if (client.connection.isWritable) {
                    send(text)
                    count++
                    calm = 0
                } else {
                    calm++
                    Thread.sleep(5)
                    onLoop {} // a loop that is held up tells of no room, though there is some
                }
            }
            count shouldBeGreaterThan 1
            return count
        }

        private fun onLoop(action: Runnable) {
            loop.submit(action).get()
        }

        override fun close() {
            server.close()
            group.close()
            clients.forEach { client ->
                client.use { it.rest().shouldBeEmpty() } // nothing has been left over
            }
        }
    }

    private class Client(private val socket: Socket, val connection: CallbackConnection) : AutoCloseable by socket {
        private val input: BufferedReader = socket.getInputStream().bufferedReader()

        fun line(): String? = input.readLine()

        fun read(count: Int) = repeat(count) { check(input.read() >= 0) { "the stream has ended" } }

        fun rest(): List<String> = input.readLines()
    }

    private companion object {
        const val KEPT = 100_000
        val PIECE = "x".repeat(20_000)
    }
}
