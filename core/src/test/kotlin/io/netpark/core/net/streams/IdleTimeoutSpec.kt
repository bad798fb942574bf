package io.netpark.core.net.streams

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.longs.shouldBeGreaterThanOrEqual
import io.kotest.matchers.shouldBe
import io.netpark.core.linux.Linux
import io.netpark.core.sys.Due
import io.netpark.core.sys.LibC
import io.netpark.core.sys.NetparkException
import io.netpark.core.testing.Bindings
import io.netpark.core.testing.HandMovedClock
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.TestReactor
import io.netpark.core.testing.async
import io.netpark.core.testing.eventually
import io.netpark.core.testing.result
import io.netpark.core.testing.use
import java.nio.ByteBuffer
import java.util.concurrent.CountDownLatch
import java.util.concurrent.CyclicBarrier
import java.util.concurrent.atomic.AtomicInteger
import java.util.concurrent.atomic.AtomicLong
import kotlin.time.Duration.Companion.hours
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.seconds

private val TIMEOUT = 100.milliseconds

private class Owner(private val atWorkFor: Int = 0) : IdleOwner {
    val asked = AtomicInteger()
    val idleNanos = AtomicLong()

    override fun isAtWork() = asked.getAndIncrement() < atWorkFor

    override fun idleFor(nanos: Long) = idleNanos.set(nanos)
}

/** What the adapters' specs do not tell apart. */
class IdleTimeoutSpec : NetparkSpec(body = {
    fun stream(name: String, body: (stream: ConnectionDescriptor) -> Unit) = test(name) {
        TestReactor().use { reactor -> reactor.pair().use { one, _ -> body(one.connection) } }
    }

    stream("a stream without an owner is closed, and says why") { stream ->
        stream.setIdleTimeout(TIMEOUT.inWholeNanoseconds)
        eventually { stream.isClosed shouldBe true }
        shouldThrow<NetparkException.TimedOut> { stream.startRead(ByteBuffer.allocateDirect(1)) }
            .timeout() shouldBe NetparkException.Timeout.IDLE
    }

    stream("an owner is told once, and the stream is its to close") { stream ->
        val owner = Owner()
        stream.setIdleTimeout(TIMEOUT.inWholeNanoseconds, owner)
        eventually { owner.idleNanos.get() shouldBe TIMEOUT.inWholeNanoseconds }
        stream.isClosed shouldBe false
    }

    test("an owner that throws, for want of memory say, is told again") {
        TestReactor().use { reactor ->
            reactor.pair().use { one, _ ->
                val told = AtomicInteger()
                one.connection.setIdleTimeout(
                    TIMEOUT.inWholeNanoseconds,
                    object : IdleOwner {
                        override fun isAtWork() = false

                        override fun idleFor(nanos: Long) {
                            if (told.getAndIncrement() == 0) throw OutOfMemoryError("as a test wants it")
                        }
                    },
                )
                eventually { told.get() shouldBe 2 }
                reactor.reporter.drain().size shouldBe 1
            }
        }
    }

    stream("the silence of a side that is at work does not count") { stream ->
        val start = System.nanoTime()
        val owner = Owner(atWorkFor = 20)
        stream.setIdleTimeout(TIMEOUT.inWholeNanoseconds, owner)
        eventually { owner.idleNanos.get() shouldBe TIMEOUT.inWholeNanoseconds }
        // Each look is at least an eighth of the time after the one before.
        System.nanoTime() - start shouldBeGreaterThanOrEqual TIMEOUT.inWholeNanoseconds * 20 / 8
    }

    stream("a timeout that is taken away tells nobody") { stream ->
        val owner = Owner()
        stream.loop().submit { // which has no time to look in between
            stream.setIdleTimeout(TIMEOUT.inWholeNanoseconds, owner)
            stream.setIdleTimeout(Due.FOREVER)
            stream.restartIdleTime()
        }.result()
        Thread.sleep(2 * TIMEOUT.inWholeMilliseconds)
        owner.idleNanos.get() shouldBe 0
        stream.isClosed shouldBe false
        stream.idleTimeoutNanos() shouldBe Due.FOREVER
    }

    test("two threads that set the first timeout at the same time set one, which can be taken away") {
        val clock = HandMovedClock()
        TestReactor { clock(clock) }.use { reactor ->
            repeat(200) {
                reactor.pair().use { one, _ ->
                    val barrier = CyclicBarrier(2)
                    List(2) {
                        async {
                            barrier.await()
                            one.connection.setIdleTimeout(1.hours.inWholeNanoseconds)
                        }
                    }.forEach { it.result() }
                    one.connection.setIdleTimeout(Due.FOREVER)
                    clock.pass(2.hours, reactor)
                    one.connection.isClosed shouldBe false
                }
            }
        }
    }

    test("a byte that is read while the kernel is asked what the peer has taken begins the time anew") {
        val clock = HandMovedClock()
        val asked = CountDownLatch(1)
        val go = CountDownLatch(1)
        val libc = object : LibC by Bindings.best {
            override fun getsockopt(fd: Int, level: Int, name: Int, value: Long, length: Long): Int {
                if (level == Linux.SOL_SOCKET && name == Linux.SO_MEMINFO) {
                    asked.countDown()
                    go.await()
                }
                return Bindings.best.getsockopt(fd, level, name, value, length)
            }
        }
        TestReactor(libc) { clock(clock) }.use { reactor ->
            reactor.pair().use { one, peer ->
                one.connection.setIdleTimeout(8.seconds.inWholeNanoseconds)
                reactor.onLoop {} // it counts from here
                clock.move(1.seconds, reactor.group)
                asked.await()
                clock.move(3.seconds, reactor.group)
                peer.write("x")
                eventually { one.connection.peekInput() shouldBe 1 } // a read that had to wait would need the loop
                one.readText(1) shouldBe "x" // here, not on the loop, which is held
                go.countDown()
                clock.pass(4.seconds, reactor) // 8 s since it was set, 4 s since the byte
                one.connection.isClosed shouldBe false
                clock.pass(4.seconds, reactor)
                one.connection.isClosed shouldBe true
            }
        }
    }
})
