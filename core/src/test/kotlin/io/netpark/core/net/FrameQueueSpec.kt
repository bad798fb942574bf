package io.netpark.core.net

import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldEndWith
import io.netpark.core.buffer.LinkBuffer
import io.netpark.core.buffer.SegmentPool
import io.netpark.core.fd.Descriptor
import io.netpark.core.fd.Direction
import io.netpark.core.sys.NetparkException
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.TestReactor
import io.netpark.core.testing.async
import io.netpark.core.testing.result
import io.netpark.core.testing.use
import java.nio.ByteBuffer
import java.util.Optional
import java.util.concurrent.CompletableFuture
import java.util.concurrent.TimeUnit

/** Frames beside what must not be there. */
class FrameQueueSpec : NetparkSpec(body = {
    fun FrameQueue.send(text: String): CompletableFuture<Optional<Exception>> {
        val outcome = CompletableFuture<Optional<Exception>>()
        val bytes = LinkBuffer(SegmentPool.shared()).apply { put(ByteBuffer.wrap(text.toByteArray())) }
        submit(object : FrameQueue.Frame(bytes) {
            override fun ended(failure: Exception?) {
                outcome.complete(Optional.ofNullable(failure))
            }
        })
        return outcome
    }

    fun CompletableFuture<Optional<Exception>>.failure(): Exception? = get(10, TimeUnit.SECONDS).orElse(null)

    test("a frame that meets another write is refused, and later ones are not") {
        TestReactor().use { reactor ->
            reactor.pair().use { client, server ->
                val queue = FrameQueue(client.connection, LinkBuffer(SegmentPool.shared()))
                queue.send("first").failure() shouldBe null
                client.connection.startWrite(ByteBuffer.allocate(20_000_000)) shouldBe Descriptor.PARK
                repeat(3) { (queue.send("refused").failure() is IllegalStateException) shouldBe true }
                client.connection.abandon(Direction.WRITE)
                val read = async { server.readAll() }
                queue.send("second").failure() shouldBe null
                client.connection.shutdownOutput()
                val all = read.result()
                all.take(5) shouldBe "first"
                all shouldEndWith "\u0000second"
            }
        }
    }

    test("a deadline that passes between frames fails those, and later ones are written; in the midst of one it is the end") {
        TestReactor().use { reactor ->
            reactor.pair().use { client, server ->
                val queue = FrameQueue(client.connection, LinkBuffer(SegmentPool.shared()))
                client.connection.setDeadline(Direction.WRITE, System.nanoTime() - 1)
                (queue.send("late").failure() is NetparkException.TimedOut) shouldBe true
                client.connection.clearDeadline(Direction.WRITE)
                queue.send("in time").failure() shouldBe null
                server.readText(7) shouldBe "in time"

                val long = queue.send("x".repeat(20_000_000))
                server.readText(1) shouldBe "x"
                client.connection.setDeadline(Direction.WRITE, System.nanoTime() - 1)
                (long.failure() is NetparkException.TimedOut) shouldBe true
                client.connection.clearDeadline(Direction.WRITE)
                (queue.send("never").failure() is NetparkException.TimedOut) shouldBe true
            }
        }
    }
})
