package io.netpark.core.net.transfer

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.shouldBe
import io.netpark.core.buffer.LinkBuffer
import io.netpark.core.buffer.OwnedBuffer
import io.netpark.core.buffer.SegmentPool
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.StubOwner
import io.netpark.core.testing.TestReactor

class HeldBuffersSpec : NetparkSpec(body = {
    fun owned(reactor: TestReactor) = OwnedBuffer(StubOwner(reactor.loop), LinkBuffer(SegmentPool.shared()))

    test("what a copy holds outlives the end of its owner, until the copy drops it") {
        TestReactor().use { reactor ->
            val owner = owned(reactor)
            owner.writer().put("read ahead".toByteArray())
            val held = HeldBuffers()
            val buffer = held.hold(owner)
            owner.end()
            buffer.available() shouldBe 10
            held.drop()
            buffer.available() shouldBe 0
        }
    }

    test("a buffer that is dropped goes on, and one that is refused is not held") {
        TestReactor().use { reactor ->
            val owner = owned(reactor)
            val refused = owned(reactor).apply { refuse("it is another's") }
            val held = HeldBuffers()
            held.hold(owner)
            shouldThrow<IllegalStateException> { held.hold(refused) }.message shouldBe "it is another's"
            held.drop()
            held.drop() // once more is nothing
            owner.writer().put("abc".toByteArray())
            owner.size() shouldBe 3
            owner.end()
        }
    }
})
