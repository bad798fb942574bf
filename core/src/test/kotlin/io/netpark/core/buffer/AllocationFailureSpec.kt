package io.netpark.core.buffer

import io.kotest.assertions.throwables.shouldThrowAny
import io.kotest.assertions.withClue
import io.kotest.matchers.shouldBe
import io.netpark.core.heap.Block
import io.netpark.core.testing.NetparkSpec
import java.nio.ByteBuffer

private const val SIZE = 73_000

/** What a chain is after an operation that has found no memory half way: as it was, or a step further, and nothing is lost or leaked. */
class AllocationFailureSpec : NetparkSpec(body = {
    val data = ByteArray(SIZE) { (it * 31 + (it shr 8)).toByte() }
    val more = ByteArray(200_000) { (it * 7 + (it shr 9)).toByte() }
    val text = "äbc€d".repeat(20_000)

    /** Whether what is left of both, one behind the other, is what it was; or, of one that is written to, the beginning of what it should be. */
    class Operation(val name: String, val grows: ByteArray? = null, val run: (source: LinkBuffer, target: LinkBuffer) -> Any?)

    val operations = listOf(
        Operation("append all") { source, target -> target.append(source) },
        Operation("append some") { source, target -> target.append(source, 70_500L) },
        Operation("slice") { source, target -> source.slice(70_500).use { target.append(it) } },
        Operation("next") { source, _ -> source.peek(71_000) },
        Operation("write an array", more) { _, target -> target.put(more) },
        Operation("write a buffer", more) { _, target -> target.put(ByteBuffer.wrap(more)) },
        Operation("write a text", text.toByteArray()) { _, target -> target.putString(text) },
        Operation("write a text of another charset", text.toByteArray(Charsets.UTF_16BE)) { _, target ->
            target.putString(text, Charsets.UTF_16BE)
        },
        Operation("write a long", ByteArray(8)) { _, target -> target.putLong(0) },
        Operation("reserve") { _, target -> target.reserve(100_000) },
        Operation("open room") { _, target -> target.openRoom().also { target.filled(0) } },
        Operation("trim") { source, _ -> source.trim() },
    )

    for (operation in operations) {
        for (viewed in listOf(false, true)) {
            test("${operation.name}${if (viewed) " with views out" else ""}: no memory at any point leaves all bytes, and leaks none") {
                var allocations = 0
                do {
                    var left = Int.MAX_VALUE
                    var failed = false
                    val pool = SegmentPool.builder().retained(0).leakDetection(LeakDetection.OFF)
                        .memory { if (left-- > 0) Block.allocate(it) else throw OutOfMemoryError("none left") }.build()
                    val source = LinkBuffer(pool)
                    val target = LinkBuffer(pool)
                    source.put(data, 0, 500)
                    source.link(ByteBuffer.wrap(data, 500, 2000))
                    source.put(data, 2500, SIZE - 2500)
                    target.put(more, 0, 3)
                    if (viewed) source.peek(3)
                    pool.close() // it keeps nothing: all has to be allocated
                    left = allocations
                    try {
                        operation.run(source, target)
                    } catch (_: OutOfMemoryError) {
                        failed = true
                    }
                    left = Int.MAX_VALUE
                    source.link(ByteBuffer.wrap(byteArrayOf(1, 2, 3)))
                    target.link(ByteBuffer.wrap(byteArrayOf(4, 5, 6)))
                    withClue("after $allocations allocations") {
                        val got = target.takeBytes(target.available().toInt())
                        val rest = source.takeBytes(source.available().toInt())
                        got.takeLast(3) shouldBe listOf<Byte>(4, 5, 6)
                        rest.takeLast(3) shouldBe listOf<Byte>(1, 2, 3)
                        val written = got.copyOfRange(3, got.size - 3)
                        if (operation.grows != null) {
                            written.contentEquals(operation.grows.copyOf(written.size)) shouldBe true
                            if (!failed) written.size shouldBe operation.grows.size
                            rest.dropLast(3).toByteArray().contentEquals(data) shouldBe true
                        } else {
                            (written + rest.copyOf(rest.size - 3)).contentEquals(data) shouldBe true
                        }
                    }
                    source.close()
                    target.close()
                    pool.statistics().apply {
                        lentSegments() shouldBe 0
                        allocatedBytes() shouldBe 0
                    }
                    allocations++
                } while (failed)
            }
        }
    }

    test("a text that throws leaves no empty link behind") {
        val pool = SegmentPool.builder().leakDetection(LeakDetection.OFF).build()
        for (charset in listOf(Charsets.UTF_8, Charsets.UTF_16)) {
            LinkBuffer(pool).use { buffer ->
                shouldThrowAny { // an encoder wraps it
                    buffer.putString(object : CharSequence by "text" {
                        override fun get(index: Int): Char = error("no character")
                    }, charset)
                }
                pool.statistics().lentSegments() shouldBe 0
                buffer.link(ByteBuffer.wrap(byteArrayOf(1)))
                buffer.takeByte() shouldBe 1
            }
        }
        pool.close()
    }

    test("an owner that is told by a task for which there is no memory, or that throws, harms nobody who reads") {
        val pool = SegmentPool.builder().leakDetection(LeakDetection.OFF).build()
        LinkBuffer(pool).use { buffer ->
            buffer.link(ByteBuffer.wrap(ByteArray(2000))) { throw OutOfMemoryError("the owner's") }
            buffer.put(ByteArray(3000))
            buffer.next(4000).remaining() shouldBe 4000
            buffer.available() shouldBe 1000
        }
        pool.statistics().lentSegments() shouldBe 0
        pool.close()
    }
})
