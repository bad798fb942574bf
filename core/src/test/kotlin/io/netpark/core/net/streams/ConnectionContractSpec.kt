package io.netpark.core.net.streams

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.netpark.core.fd.Direction
import io.netpark.core.sys.NetparkException
import io.netpark.core.testing.BlockingConnection
import io.netpark.core.testing.Flavour
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.TestReactor
import io.netpark.core.testing.async
import io.netpark.core.testing.awaitParkedThreads
import io.netpark.core.testing.failure
import io.netpark.core.testing.fromNow
import io.netpark.core.testing.result
import io.netpark.core.testing.use
import java.net.InetSocketAddress
import java.nio.ByteBuffer
import java.nio.ReadOnlyBufferException
import java.util.Random
import kotlin.time.Duration.Companion.milliseconds

/** What a connection promises, over every binding, poller and address family. */
class ConnectionContractSpec : NetparkSpec(body = {
    for (flavour in Flavour.all) for (host in listOf("127.0.0.1", "::1")) {
        context("$flavour $host") {
            suspend fun pair(name: String, body: (client: BlockingConnection, server: BlockingConnection) -> Unit) =
                test(name) { TestReactor(flavour, loops = 2).use { it.pair(host).use(body) } }

            pair("bytes go both ways") { client, server ->
                client.write("ping")
                server.readText(4) shouldBe "ping"
                server.write("pong")
                client.readText(4) shouldBe "pong"
            }

            pair("each side knows both addresses, also once it is closed") { client, server ->
                client.connection.remoteAddress() shouldBe server.connection.localAddress()
                server.connection.remoteAddress() shouldBe client.connection.localAddress()
                client.ip().address.hostAddress shouldBe server.ip().address.hostAddress
                val local = client.connection.localAddress()
                client.close()
                client.connection.localAddress() shouldBe local
                client.connection.toString() shouldContain client.ip().port.toString()
            }

            pair("a reader that waits gets what comes; a read takes what there is and no more") { client, server ->
                val reader = async { server.readSome(100) }
                awaitParkedThreads()
                client.write("abc")
                reader.result() shouldBe "abc"
                val target = ByteBuffer.allocateDirect(10).position(3).limit(5)
                client.write("defg")
                server.read(target) shouldBe 2
                target.position() shouldBe 5
                server.readSome() shouldBe "fg"
            }

            pair("no room reads nothing, nothing to write writes nothing") { client, server ->
                client.write("x")
                server.read(ByteBuffer.allocate(0)) shouldBe 0
                server.read(ByteBuffer.allocateDirect(0)) shouldBe 0
                server.read(arrayOf(ByteBuffer.allocate(0), ByteBuffer.allocateDirect(0))) shouldBe 0
                server.read(emptyArray()) shouldBe 0
                server.write(ByteBuffer.allocate(0))
                server.write(emptyArray<ByteBuffer>())
                server.readSome() shouldBe "x"
                server.read(ByteBuffer.allocate(0)) shouldBe 0
            }

            pair("a read-only target is refused before anything is read") { client, server ->
                client.write("x")
                val readOnly = ByteBuffer.allocateDirect(8).asReadOnlyBuffer()
                shouldThrow<ReadOnlyBufferException> { server.read(readOnly) }
                shouldThrow<ReadOnlyBufferException> { server.read(arrayOf(ByteBuffer.allocate(1), readOnly)) }
                server.readSome() shouldBe "x"
            }

            pair("megabytes arrive intact, through direct and heap buffers of any kind") { client, server ->
                val bytes = ByteArray(3_000_000).also { Random(1).nextBytes(it) }
                val sources = listOf(
                    ByteBuffer.wrap(bytes, 0, 1_000_000),
                    ByteBuffer.allocateDirect(1_000_000).put(bytes, 1_000_000, 1_000_000).flip().asReadOnlyBuffer(),
                    ByteBuffer.wrap(bytes).asReadOnlyBuffer().slice(2_000_000, 1_000_000),
                )
                val writer = async { sources.forEach(client::write) }
                val received = ByteBuffer.allocate(3_000_000)
                server.readFully(received.slice(0, 1_500_000))
                val direct = ByteBuffer.allocateDirect(1_500_000)
                received.put(1_500_000, server.readFully(direct), 0, 1_500_000)
                received.array().contentEquals(bytes) shouldBe true
                writer.result()
                sources.forEach { it.hasRemaining() shouldBe false }
            }

            pair("a gather beyond IOV_MAX parts keeps their order, heap and direct ones mixed") { client, server ->
                val bytes = ByteArray(400_000).also { Random(2).nextBytes(it) }
                val random = Random(3)
                val parts = mutableListOf<ByteBuffer>()
                var from = 0
                while (from < bytes.size) {
                    val length = minOf(random.nextInt(200), bytes.size - from)
                    parts += if (random.nextBoolean()) ByteBuffer.wrap(bytes, from, length)
                    else ByteBuffer.allocateDirect(length).put(bytes, from, length).flip()
                    from += length
                }
                (parts.size > 3000) shouldBe true
                val writer = async { client.write(parts.toTypedArray()) }
                server.readFully(bytes.size).contentEquals(bytes) shouldBe true
                writer.result()
                parts.forEach { it.hasRemaining() shouldBe false }
            }

            pair("a gather of heap buffers beyond the scratch memory is not reordered") { client, server ->
                val bytes = ByteArray(600_000).also { Random(4).nextBytes(it) }
                val direct = ByteBuffer.allocateDirect(10_000).put(bytes, 200_000, 10_000).flip()
                val parts = arrayOf(ByteBuffer.wrap(bytes, 0, 200_000), direct, ByteBuffer.wrap(bytes, 210_000, 390_000))
                val writer = async { client.write(parts) }
                server.readFully(bytes.size).contentEquals(bytes) shouldBe true
                writer.result()
            }

            pair("a scatter fills its buffers one after another") { client, server ->
                client.write("abcdefghij")
                val targets = arrayOf(
                    ByteBuffer.allocate(3), ByteBuffer.allocateDirect(0), ByteBuffer.allocateDirect(4), ByteBuffer.allocate(100),
                )
                var read = 0
                while (read < 10) read += server.read(targets)
                targets.joinToString(",") { Charsets.UTF_8.decode(it.flip()).toString() } shouldBe "abc,,defg,hij"
                val waiting = async { targets.forEach(ByteBuffer::clear); server.read(targets) }
                client.write("k")
                waiting.result() shouldBe 1
            }

            pair("half-close: the other direction goes on, both ways round") { client, server ->
                client.write("request")
                client.connection.shutdownOutput()
                client.connection.shutdownOutput()
                server.readText(7) shouldBe "request"
                server.readIsAtEnd() shouldBe true
                server.readIsAtEnd() shouldBe true
                server.write("answer")
                client.readText(6) shouldBe "answer"
                shouldThrow<NetparkException.Reset> { client.write("more") }.message!! shouldContain "EPIPE"
                server.connection.shutdownOutput()
                client.readIsAtEnd() shouldBe true
            }

            pair("a parked reader learns of the peer's half-close, and of its own") { client, server ->
                val theirs = async { server.readIsAtEnd() }
                awaitParkedThreads()
                client.connection.shutdownOutput()
                theirs.result() shouldBe true
                val own = async { client.readIsAtEnd() }
                awaitParkedThreads()
                client.connection.shutdownInput()
                own.result() shouldBe true
                server.write("the peer is not told")
            }

            pair("a reset is told from the end of the stream") { client, server ->
                val reader = async { server.readIsAtEnd() }
                awaitParkedThreads()
                client.connection.resetOnClose()
                client.close()
                reader.failure().let {
                    (it is NetparkException.Reset) shouldBe true
                    it.message!! shouldContain "read from"
                    it.message!! shouldContain server.ip().port.toString()
                }
                shouldThrow<NetparkException.Reset> { repeat(3) { server.write("x") } }
            }

            pair("a parked writer goes on when the peer reads, and is reset when it goes") { client, server ->
                server.keepReceiveBufferSmall()
                val bytes = ByteArray(8_000_000)
                val writer = async { client.write(bytes) }
                awaitParkedThreads()
                writer.isDone shouldBe false
                server.readFully(bytes.size)
                writer.result()
                val stuck = async { client.write(bytes) }
                awaitParkedThreads()
                server.close()
                (stuck.failure() is NetparkException.Reset) shouldBe true
            }

            pair("deadlines end a read and a write, say which, and leave the connection usable") { client, server ->
                server.connection.setDeadline(Direction.READ, fromNow(20.milliseconds))
                val read = shouldThrow<NetparkException.TimedOut> { server.readSome() }
                read.timeout() shouldBe NetparkException.Timeout.READ
                read.message!! shouldContain "deadline"
                client.connection.setDeadline(Direction.WRITE, fromNow(20.milliseconds))
                val source = ByteBuffer.allocateDirect(8_000_000)
                shouldThrow<NetparkException.TimedOut> { client.write(source) }.timeout() shouldBe NetparkException.Timeout.WRITE
                server.connection.clearDeadline(Direction.READ)
                client.connection.clearDeadline(Direction.WRITE)
                server.readFully(source.position())
                client.write("still here")
                server.readText(10) shouldBe "still here"
            }

            pair("everything says closed once it is closed here") { client, _ ->
                client.close()
                shouldThrow<NetparkException.Closed> { client.readSome() }.message!! shouldContain "closed here"
                shouldThrow<NetparkException.Closed> { client.write("x") }
                shouldThrow<NetparkException.Closed> { client.connection.shutdownOutput() }
                shouldThrow<NetparkException.Closed> { client.connection.resetOnClose() }
                client.connection.isClosed shouldBe true
            }
        }
    }
})

private fun BlockingConnection.ip() = connection.remoteAddress() as InetSocketAddress
