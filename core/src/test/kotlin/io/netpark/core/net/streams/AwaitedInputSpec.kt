package io.netpark.core.net.streams

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.nulls.shouldBeNull
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.kotest.matchers.string.shouldNotContain
import io.netpark.core.buffer.LinkBuffer
import io.netpark.core.buffer.OwnedBuffer
import io.netpark.core.buffer.SegmentPool
import io.netpark.core.framing.Framing
import io.netpark.core.net.streams.AwaitedInput.Part
import io.netpark.core.sys.NetparkException
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.TestReactor
import io.netpark.core.testing.use

private const val LIMIT = 16

/** The input of one connection, with bytes put into it as if they had come. */
private class Incoming(connection: ConnectionDescriptor) : AutoCloseable {
    private val owned = OwnedBuffer(connection, LinkBuffer(SegmentPool.shared()))
    val reader = owned.reader()
    val awaited = AwaitedInput(connection, owned, LIMIT, "the setting")

    fun come(text: String) = owned.writer().put(text.toByteArray())

    override fun close() {
        owned.end()
    }
}

class AwaitedInputSpec : NetparkSpec(body = {
    fun incoming(name: String, body: Incoming.(connection: ConnectionDescriptor) -> Unit) = test(name) {
        TestReactor().use { reactor ->
            reactor.pair().use { one, _ -> Incoming(one.connection).use { it.body(one.connection) } }
        }
    }

    incoming("more than the limit is refused, with the name of the setting, and is about the connection") { connection ->
        awaited.requireWithinLimit(LIMIT.toLong())
        val failure = shouldThrow<NetparkException.LimitExceeded> { awaited.requireWithinLimit(LIMIT + 1L) }
        failure.message shouldContain "await 17 bytes from "
        failure.message shouldContain "raise the setting"
        failure.isAbout(connection) shouldBe true
        awaited.atMost(5) shouldBe 5
        awaited.atMost(500) shouldBe LIMIT
        awaited.setLimit(500)
        awaited.requireWithinLimit(500)
        shouldThrow<IllegalArgumentException> { awaited.setLimit(0) }
    }

    incoming("views that are kept count, until they are released") {
        come("more than sixteen bytes of it")
        reader.next(reader.available().toInt())
        shouldThrow<NetparkException.LimitExceeded> { awaited.requireWithinLimit(1) }.message shouldContain "kept for views"
        shouldThrow<NetparkException.LimitExceeded> { awaited.atMost(1) }
        shouldThrow<NetparkException.LimitExceeded> { awaited.requireRoom(Framing.fixedLength(1)) }
        reader.release()
        awaited.requireWithinLimit(1)
    }

    incoming("a framing that allows more than fits is a mistake of the program") {
        awaited.requireRoom(Framing.fixedLength(LIMIT))
        shouldThrow<IllegalStateException> { awaited.requireRoom(Framing.fixedLength(LIMIT + 1)) }.message shouldContain "raise the setting"
    }

    incoming("a part is taken when it is whole, and not before") { connection ->
        come("line")
        awaited.hasLine(LIMIT) shouldBe false
        awaited.line(LIMIT).shouldBeNull()
        come("\r\nup;to,and")
        awaited.hasLine(LIMIT) shouldBe true
        awaited.line(LIMIT) shouldBe "line"
        awaited.until(';'.code.toByte(), LIMIT)!!.remaining() shouldBe 3
        awaited.until(",and".toByteArray(), LIMIT)!!.remaining() shouldBe 6
        awaited.message(Framing.fixedLength(2)).shouldBeNull()
        come("12")
        awaited.message(Framing.fixedLength(2))!!.remaining() shouldBe 2
        come("too long")
        for (take in listOf({ awaited.line(3) }, { awaited.hasLine(3) }, { awaited.until(0, 3) }, { awaited.until(ByteArray(2), 3) }, {
            awaited.message(Framing.lines(3))
        })) {
            shouldThrow<NetparkException.LimitExceeded> { take() }.isAbout(connection) shouldBe true
        }
        reader.takeString(8) shouldBe "too long"
    }

    incoming("an end is clean before the first byte, and truncates what has begun") { connection ->
        awaited.requireCleanEnd(Part.LINE)
        come("abc")
        val failure = shouldThrow<NetparkException.Truncated> { awaited.requireCleanEnd(Part.MESSAGE) }
        failure.message shouldContain "in the middle of a message, 3 bytes into it"
        failure.isAbout(connection) shouldBe true
        awaited.endedBefore(4).message shouldContain "the input ended after 3 of 4 bytes"
        awaited.endedBefore(4).message shouldNotContain "null"
        reader.takeString(3) shouldBe "abc"
    }
})
