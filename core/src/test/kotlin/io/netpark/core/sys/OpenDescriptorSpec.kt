package io.netpark.core.sys

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.longs.shouldBeGreaterThanOrEqual
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.netpark.core.testing.Bindings
import io.netpark.core.testing.FaultyLibC
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.openDescriptors
import io.netpark.core.testing.race
import java.nio.ByteBuffer
import java.time.Duration
import java.util.concurrent.atomic.AtomicInteger

private fun bytes(text: String) = ByteBuffer.wrap(text.toByteArray())

/** Counts how often each number is closed, and whether it was used afterwards. */
private class Closes(private val real: LibC) : LibC by real {
    val count = AtomicInteger()

    @Volatile
    var usedAfterwards = false

    override fun close(fd: Int): Int {
        count.incrementAndGet()
        return real.close(fd)
    }

    override fun write(fd: Int, address: Long, length: Long): Long {
        if (count.get() > 0) usedAfterwards = true
        val result = real.write(fd, address, length)
        if (count.get() > 0) usedAfterwards = true
        return result
    }
}

class OpenDescriptorSpec : NetparkSpec(body = {
    for (libc in Bindings.all.flatMap { listOf(it, FaultyLibC(it)) }) context("$libc") {
        test("a pipe carries bytes from direct and heap buffers, until its ends are closed") {
            OpenPipe.open(libc).use { pipe ->
                val (reads, writes) = pipe.readEnd to pipe.writeEnd
                reads.read(ByteBuffer.allocate(4)) shouldBe 0
                writes.write(bytes("hello")) shouldBe 5
                val direct = ByteBuffer.allocateDirect(3)
                reads.read(direct) shouldBe 3
                direct.position() shouldBe 3
                val heap = ByteBuffer.allocate(10).position(2)
                reads.read(heap) shouldBe 2
                String(heap.array(), 2, 2) shouldBe "lo"
                writes.write(direct.flip()) shouldBe 3
                writes.close()
                reads.read(heap) shouldBe 3
                reads.read(heap) shouldBe OpenDescriptor.END_OF_STREAM
            }
        }

        test("a full pipe takes nothing, and one that nobody reads says so") {
            OpenPipe.open(libc).use { pipe ->
                val (reads, writes) = pipe.readEnd to pipe.writeEnd
                val chunk = ByteBuffer.allocateDirect(1 shl 20)
                while (writes.write(chunk.clear()) > 0) Unit
                chunk.position() shouldBe 0
                reads.close()
                shouldThrow<NetparkException.Reset> { writes.write(bytes("x")) }.message!! shouldContain "write descriptor"
            }
        }

        test("an eventfd counts its signals") {
            EventFd.open(libc, 3).use { event ->
                event.signal()
                event.take() shouldBe 4
                event.take() shouldBe 0
            }
            shouldThrow<IllegalArgumentException> { EventFd.open(libc, -1) }
        }

        test("a timerfd expires once, or again and again, or not any more") {
            Calls(Bindings.best).use { calls ->
                TimerFd.open(libc).use { timer ->
                    timer.takeExpirations() shouldBe 0
                    timer.arm(Duration.ofMillis(1))
                    calls.awaitReadable(timer.number())
                    timer.takeExpirations() shouldBe 1
                    timer.takeExpirations() shouldBe 0
                    timer.arm(Duration.ofMillis(-5), Duration.ofNanos(1_000_000))
                    var expired = 0L
                    while (expired < 5) {
                        calls.awaitReadable(timer.number())
                        val more = timer.takeExpirations()
                        more shouldBeGreaterThanOrEqual 1
                        expired += more
                    }
                    timer.disarm()
                    timer.takeExpirations() shouldBe 0
                    timer.arm(Duration.ofSeconds(Long.MAX_VALUE)) // never
                    timer.takeExpirations() shouldBe 0
                    shouldThrow<IllegalArgumentException> { timer.arm(Duration.ZERO, Duration.ofNanos(-1)) }
                }
            }
        }
    }

    test("it is closed once, and says so when it is used afterwards") {
        val closes = Closes(Bindings.best)
        val event = EventFd.open(closes, 0)
        event.isOpen shouldBe true
        val number = event.number()
        event.close()
        event.close()
        closes.count.get() shouldBe 1
        event.isOpen shouldBe false
        shouldThrow<IllegalStateException> { event.number() }.message!! shouldContain "event descriptor $number"
        shouldThrow<IllegalStateException> { event.release() }
        shouldThrow<NetparkException.Closed> { event.signal() }
        shouldThrow<NetparkException.Closed> { event.take() }
    }

    test("what is released is the caller's to close") {
        val before = openDescriptors()
        val event = OpenDescriptor.eventFd(0)
        val number = event.release()
        event.isOpen shouldBe false
        event.close()
        shouldThrow<IllegalStateException> { event.release() }.message!! shouldContain "taken over"
        openDescriptors() shouldBe before + 1
        OpenDescriptor.of(number).close()
        openDescriptors() shouldBe before
        shouldThrow<IllegalArgumentException> { OpenDescriptor.of(-1) }
    }

    test("an owner that refuses it leaves it as it was, and closed if it was closed meanwhile") {
        val closes = Closes(Bindings.best)
        val event = EventFd.open(closes, 0)
        shouldThrow<IllegalStateException> { event.handOver<Unit, RuntimeException> { error("no") } }
        event.isOpen shouldBe true
        event.signal()
        shouldThrow<IllegalStateException> {
            event.handOver<Unit, RuntimeException> {
                shouldThrow<IllegalStateException> { event.release() }.message!! shouldContain "another thread"
                event.close()
                closes.count.get() shouldBe 0
                error("no")
            }
        }
        closes.count.get() shouldBe 1
    }

    test("of an owner and a close at the same time only one gets it") {
        var event = EventFd.open(Bindings.best, 0)
        var closes = Closes(Bindings.best)
        var taken = -1
        race(
            2000,
            { event.close() },
            { runCatching { event.handOver<Unit, RuntimeException> { taken = it } } },
            { runCatching { event.signal() } },
            beforeEach = {
                event.close()
                closes = Closes(Bindings.best)
                event = EventFd.open(closes, 0)
                taken = -1
            },
            afterEach = {
                event.isOpen shouldBe false
                closes.count.get() shouldBe if (taken < 0) 1 else 0
                closes.usedAfterwards shouldBe false
                if (taken >= 0) Bindings.best.close(taken)
            },
        )
    }
})
