package io.netpark.core.net.frames

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
        submit(object : Frame(bytes) {
            override fun ended(failure: Exception?) {
                outcome.complete(Optional.ofNullable(failure))
            }
        })
        return outcome
    }

    fun CompletableFuture<Optional<Exception>>.failure(): Exception? = get(10, TimeUnit.SECONDS).orElse(null)

    test("a frame that meets another write waits for its end, and for the end of one that is broken off") {
        TestReactor().use { reactor ->
            reactor.pair().use { client, server ->
                val queue = FrameQueue(client.connection, LinkBuffer(SegmentPool.shared()))
                queue.send("first").failure() shouldBe null
                val other = ByteBuffer.allocate(20_000_000)
                client.connection.startWrite(other) shouldBe Descriptor.PARK
                val waiting = List(3) { queue.send("waited$it") }
                Thread.yield()
                waiting.none { it.isDone } shouldBe true
                val read = async { server.readAll() }
                client.connection.abandon(Direction.WRITE)
                waiting.forEach { it.failure() shouldBe null }
                client.connection.shutdownOutput()
                val all = read.result()
                all.take(5) shouldBe "first"
                all.length shouldBe 5 + other.position() + 21
                all shouldEndWith "\u0000waited0waited1waited2"
            }
        }
    }

    test("another write has its turn between the frames before it and those behind it, and its lock until it drops it") {
        TestReactor().use { reactor ->
            reactor.pair().use { client, server ->
                val queue = FrameQueue(client.connection, LinkBuffer(SegmentPool.shared()))
                fun turn(begin: () -> Boolean) = object : FrameTurn() {
                    override fun begin() = begin()

                    override fun ended(failure: Exception) = throw failure
                }
                val begun = CompletableFuture<Unit>()
                val before = queue.send("before,")
                queue.submit(turn { false }) // nobody wants it any more
                queue.submit(turn { begun.complete(Unit) })
                val behind = queue.send("behind")
                before.failure() shouldBe null
                begun.get(10, TimeUnit.SECONDS)
                behind.isDone shouldBe false
                client.connection.retryWrite(ByteBuffer.wrap("between,".toByteArray())) shouldBe 0
                behind.failure() shouldBe null
                server.readText(21) shouldBe "before,between,behind"
            }
        }
    }

    test("frames and turns that wait are told when the stream is closed, or another write has broken it") {
        for (held in listOf(false, true)) for (close in listOf(false, true)) {
            TestReactor().use { reactor ->
                reactor.pair().use { client, _ ->
                    val queue = FrameQueue(client.connection, LinkBuffer(SegmentPool.shared()))
                    client.connection.reserve(Direction.WRITE) shouldBe true
                    if (held) client.connection.hold(client) shouldBe false
                    val first = queue.send("never")
                    val turn = CompletableFuture<Optional<Exception>>()
                    queue.submit(object : FrameTurn() {
                        override fun begin() = turn.complete(Optional.empty())

                        override fun ended(failure: Exception) {
                            turn.complete(Optional.of(failure))
                        }
                    })
                    if (held) client.connection.abandon(Direction.WRITE)
                    if (close) client.close() else queue.breakOff(NetparkException.Closed("broken"))
                    (first.failure() is NetparkException.Closed) shouldBe true
                    (turn.failure() is NetparkException.Closed) shouldBe true
                    (queue.send("nor this").failure() is NetparkException.Closed) shouldBe true
                    if (!close && !held) client.connection.abandon(Direction.WRITE)
                }
            }
        }
    }

    test("frames and turns behind a write that has cut the output off are told, whether or not anybody says why") {
        TestReactor().use { reactor ->
            reactor.pair().use { client, _ ->
                val queue = FrameQueue(client.connection, LinkBuffer(SegmentPool.shared()))
                client.connection.startWhole(ByteBuffer.allocate(20_000_000)) shouldBe Descriptor.PARK
                val waiting = queue.send("never")
                val turn = CompletableFuture<Optional<Exception>>()
                queue.submit(object : FrameTurn() {
                    override fun begin() = turn.complete(Optional.empty())

                    override fun ended(failure: Exception) {
                        turn.complete(Optional.of(failure))
                    }
                })
                client.connection.abandon(Direction.WRITE)
                (waiting.failure() is NetparkException.Closed) shouldBe true
                (turn.failure() is NetparkException.Closed) shouldBe true
                (queue.send("nor this").failure() is NetparkException.Closed) shouldBe true
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
