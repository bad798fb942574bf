package io.netpark.core.heap

import io.kotest.assertions.throwables.shouldThrow
import io.netpark.core.testing.eventually

private const val MIB = 1024 * 1024

/** Blocks up to a limit for direct memory of 64 MiB, and beyond. For a JVM of its own, which has that limit. */
fun main(arguments: Array<String>) {
    val source = sources().getValue(arguments.single())
    source.freedBlocksMakeRoom()
    source.nothingStaysCountedBeyondTheLimit()
    source.theCollectorGivesBack()
    println("given back")
}

private fun Block.Source.freedBlocksMakeRoom() = repeat(10) {
    List(16) { allocate(MIB) }.forEach(Block::free) // 160 MiB of 64
}

private fun Block.Source.nothingStaysCountedBeyondTheLimit() {
    val blocks = ArrayList<Block>()
    shouldThrow<OutOfMemoryError> { while (blocks.size < 1000) blocks += allocate(8 * MIB) }
    blocks.forEach(Block::free)
    List(blocks.size) { allocate(8 * MIB) }.forEach(Block::free)
}

private fun Block.Source.theCollectorGivesBack() {
    val most = generateSequence { runCatching { allocate(2 * MIB) }.getOrNull() }.take(1000).toList()
    most.forEach(Block::free)
    repeat(most.size) { allocate(2 * MIB) }
    eventually {
        System.gc()
        repeat(most.size) {
            try {
                allocate(2 * MIB).free()
            } catch (e: OutOfMemoryError) {
                error("not yet: $e")
            }
        }
    }
}
