package io.netpark.core.memory

import com.sun.jna.Native
import com.sun.jna.Pointer
import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.netpark.core.testing.NetparkSpec
import java.nio.ByteBuffer

class DirectBuffersSpec : NetparkSpec(body = {
    test("the address is that of index 0, wherever the position is") {
        val buffer = ByteBuffer.allocateDirect(64)
        val base = Pointer.nativeValue(Native.getDirectBufferPointer(buffer))
        DirectBuffers.address(buffer) shouldBe base
        buffer.position(10).limit(20)
        DirectBuffers.address(buffer) shouldBe base
        DirectBuffers.address(buffer.position(20)) shouldBe base
    }

    test("a slice, a duplicate and a read-only view have addresses of their own") {
        val buffer = ByteBuffer.allocateDirect(64)
        val base = DirectBuffers.address(buffer)
        val slice = buffer.slice(16, 32)
        DirectBuffers.address(slice) shouldBe base + 16
        DirectBuffers.address(slice.slice(8, 8).position(4)) shouldBe base + 24
        DirectBuffers.address(buffer.duplicate()) shouldBe base
        DirectBuffers.address(slice.asReadOnlyBuffer().position(3)) shouldBe base + 16
        DirectBuffers.address(buffer.slice(64, 0)) shouldBe base + 64
    }

    test("bytes written through the address are those of the buffer") {
        val buffer = ByteBuffer.allocateDirect(8)
        Pointer(DirectBuffers.address(buffer)).setByte(5, 42)
        buffer.get(5) shouldBe 42
    }

    test("a heap buffer is refused") {
        shouldThrow<IllegalArgumentException> { DirectBuffers.address(ByteBuffer.allocate(8)) }
            .message!! shouldContain "not a direct buffer"
        shouldThrow<IllegalArgumentException> { DirectBuffers.address(ByteBuffer.wrap(ByteArray(8)).asReadOnlyBuffer()) }
    }

    test("native memory is zeroed, aligned to 8 and knows its size") {
        val memory = NativeMemory.allocate(100)
        memory.size() shouldBe 100
        memory.address() % 8 shouldBe 0
        (0 until 100).all { memory.buffer().get(it) == 0.toByte() } shouldBe true
    }
})
