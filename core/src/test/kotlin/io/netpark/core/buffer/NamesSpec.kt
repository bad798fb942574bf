package io.netpark.core.buffer

import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.collections.shouldBeEmpty
import io.kotest.matchers.shouldBe
import java.lang.reflect.Modifier

/** A name tells whether it waits: nothing of a buffer does, so nothing is named as what waits is. */
class NamesSpec : FunSpec({
    val waits = listOf("read", "write", "await", "flush", "send", "copy")

    fun methods(type: Class<*>) = type.methods.filter { !Modifier.isStatic(it.modifiers) }

    test("no method of a buffer's reader or writer is named like one that waits") {
        for (type in listOf(BufferReader::class.java, BufferWriter::class.java)) {
            methods(type).map { it.name }.filter { name -> waits.any { name.startsWith(it) } }.shouldBeEmpty()
        }
    }

    test("what can be put can be taken, and looked at where it is") {
        val taken = methods(BufferReader::class.java).map { it.name }.toSet()
        val put = methods(BufferWriter::class.java).map { it.name }.filter { it.startsWith("put") && it != "put" }.toSet() -
            "putDecimal" // where digits end only the protocol knows
        put.filter { it.replaceFirst("put", "take") !in taken }.shouldBeEmpty()
        listOf("getByte", "getShort", "getInt", "getLong").filter { it !in taken }.shouldBeEmpty()
        put.size shouldBe 8
    }

    test("a number is put as its digits") {
        LinkBuffer(SegmentPool.shared()).use { buffer ->
            for (value in listOf(0L, 7, 10, 99, 100, -1, -10, 1234567890123456789, Long.MAX_VALUE, Long.MIN_VALUE)) {
                buffer.putDecimal(value)
                buffer.takeString(buffer.available().toInt()) shouldBe value.toString()
            }
        }
    }

    test("an unsigned number is taken as one, at both ends of its range") {
        LinkBuffer(SegmentPool.shared()).use { buffer ->
            for (value in listOf(0, 1, 0x7F, 0x80, 0xFF)) {
                buffer.putByte(value)
                buffer.takeUnsignedByte() shouldBe value
            }
            for (value in listOf(0, 1, 0x7FFF, 0x8000, 0xFFFF)) {
                buffer.putShort(value)
                buffer.takeUnsignedShort() shouldBe value
                buffer.putShortLe(value)
                buffer.takeUnsignedShortLe() shouldBe value
            }
            for (value in listOf(0L, 1L, 0x7FFF_FFFFL, 0x8000_0000L, 0xFFFF_FFFFL)) {
                buffer.putInt(value.toInt())
                buffer.takeUnsignedInt() shouldBe value
                buffer.putIntLe(value.toInt())
                buffer.takeUnsignedIntLe() shouldBe value
            }
        }
    }
})
