package io.netpark.core.net.streams

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.longs.shouldBeGreaterThanOrEqual
import io.kotest.matchers.shouldBe
import io.netpark.core.sys.Due
import io.netpark.core.sys.NetparkException
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.TestReactor
import io.netpark.core.testing.eventually
import io.netpark.core.testing.result
import io.netpark.core.testing.use
import java.nio.ByteBuffer
import java.util.concurrent.atomic.AtomicInteger
import java.util.concurrent.atomic.AtomicLong
import kotlin.time.Duration.Companion.milliseconds

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
})
