package io.netpark.core.framing

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.collections.shouldBeEmpty
import io.kotest.matchers.collections.shouldContainExactly
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.netpark.core.buffer.LinkBuffer
import io.netpark.core.buffer.SegmentPool
import io.netpark.core.sys.NetparkException
import io.netpark.core.testing.NetparkSpec
import java.nio.ByteBuffer

class FramingSpec : NetparkSpec(body = {

    fun ByteBuffer.text() = ByteArray(remaining()).also { get(it) }.toString(Charsets.ISO_8859_1)

    /** All messages that come whole when these bytes come in these pieces. */
    fun Framing.cut(vararg pieces: ByteArray): List<String> {
        val messages = mutableListOf<String>()
        LinkBuffer(SegmentPool.shared()).use { buffer ->
            for (piece in pieces) {
                buffer.put(piece)
                while (true) {
                    messages += (take(buffer) ?: break).text()
                    buffer.release()
                }
            }
        }
        return messages
    }

    fun bytes(text: String) = text.toByteArray(Charsets.ISO_8859_1)
    fun bytes(vararg values: Int) = ByteArray(values.size) { values[it].toByte() }

    class Case(val name: String, val framing: Framing, val stream: ByteArray, vararg val messages: String)

    val cases = listOf(
        Case("1 byte of length", Framing.lengthField(1, 255), bytes(3, 1, 2, 3, 0, 1, 65), "\u0001\u0002\u0003", "", "A"),
        Case("2 bytes of length", Framing.lengthField(2, 300), bytes(0, 2, 65, 66, 0, 1, 67), "AB", "C"),
        Case("3 bytes, the least first", Framing.lengthField(3, 300).littleEndian(), bytes(2, 0, 0, 65, 66), "AB"),
        Case("4 bytes of length", Framing.lengthField(4, 300), bytes(0, 0, 0, 2, 65, 66, 0, 0, 0, 0), "AB", ""),
        Case("8 bytes, the least first", Framing.lengthField(8, 300).littleEndian(), bytes(1, 0, 0, 0, 0, 0, 0, 0, 65), "A"),
        Case("a length that counts itself", Framing.lengthField(2, 300).adjustment(-2), bytes(0, 4, 65, 66, 0, 2), "AB", ""),
        Case("a type in front, kept", Framing.lengthField(1, 9).offset(1).headerKept(), bytes(84, 2, 65, 66, 85, 0), "T\u0002AB", "U\u0000"),
        Case("a check sum behind, which is not counted", Framing.lengthField(1, 9).adjustment(1), bytes(1, 65, 99), "Ac"),
        Case("a delimiter of one byte", Framing.delimiter(bytes(0), 5), bytes("one\u0000\u0000three\u0000"), "one", "", "three"),
        Case("a delimiter that begins as it goes on", Framing.delimiter(bytes("aab"), 5), bytes("xaaabyaab"), "xa", "y"),
        Case("a delimiter that is kept", Framing.delimiter(bytes("--"), 5).kept(), bytes("one----x--"), "one--", "--", "x--"),
        Case("lines", Framing.lines(5), bytes("one\ntwo\r\n\n\r\nfiv\re\n"), "one", "two", "", "", "fiv\re"),
        Case("a fixed length", Framing.fixedLength(2), bytes("aabbcc"), "aa", "bb", "cc"),
    )

    for (case in cases) {
        test("${case.name}: messages are the same wherever the stream is cut, and at every byte") {
            case.framing.cut(case.stream).shouldContainExactly(*case.messages)
            for (split in 0..case.stream.size) {
                case.framing.cut(case.stream.copyOfRange(0, split), case.stream.copyOfRange(split, case.stream.size))
                    .shouldContainExactly(*case.messages)
            }
            case.framing.cut(*Array(case.stream.size) { byteArrayOf(case.stream[it]) }).shouldContainExactly(*case.messages)
        }

        test("${case.name}: a message that has not come whole has not been taken") {
            LinkBuffer(SegmentPool.shared()).use { buffer ->
                case.framing.take(buffer) shouldBe null
                buffer.put(case.stream, 0, case.stream.size - 1)
                while (case.framing.take(buffer) != null) buffer.release()
                val left = buffer.available()
                case.framing.take(buffer) shouldBe null
                buffer.available() shouldBe left
            }
        }
    }

    test("a message within a segment is a view, and one across two is whole") {
        LinkBuffer(SegmentPool.shared()).use { buffer ->
            val large = ByteArray(150_000) { it.toByte() }
            buffer.putInt(large.size)
            buffer.put(large)
            val message = Framing.lengthField(4, 200_000).take(buffer)!!
            ByteArray(message.remaining()).also { message.get(it) }.contentEquals(large) shouldBe true
        }
    }

    test("a message that is longer than the limit is refused by its length, before it has come") {
        for (framing in listOf(Framing.lengthField(2, 10), Framing.lengthField(2, 10).headerKept(), Framing.lengthField(2, 10).adjustment(5))) {
            shouldThrow<NetparkException.LimitExceeded> { framing.cut(bytes(0, 11)) }.message shouldContain "0 to 10"
        }
        Framing.lengthField(2, 10).cut(bytes(0, 10)).shouldBeEmpty()
    }

    test("a length that makes no sense is refused") {
        shouldThrow<NetparkException.LimitExceeded> { Framing.lengthField(8, 10).cut(ByteArray(8) { -1 }) }.message shouldContain
            "18446744073709551615"
        shouldThrow<NetparkException.LimitExceeded> { Framing.lengthField(4, 10).cut(ByteArray(4) { -1 }) }
        shouldThrow<NetparkException.LimitExceeded> { Framing.lengthField(2, 10).adjustment(-2).cut(bytes(0, 1)) }
    }

    test("a delimiter that does not come within the limit is not waited for") {
        Framing.delimiter(bytes("ab"), 3).cut(bytes("xxxa")).shouldBeEmpty()
        shouldThrow<NetparkException.LimitExceeded> { Framing.delimiter(bytes("ab"), 3).cut(bytes("xxxxa")) }
        shouldThrow<NetparkException.LimitExceeded> { Framing.delimiter(bytes("ab"), 3).cut(bytes("xxxxab")) }
        Framing.lines(3).cut(bytes("xxx\r")).shouldBeEmpty()
        shouldThrow<NetparkException.LimitExceeded> { Framing.lines(3).cut(bytes("xxxx")) }
        shouldThrow<NetparkException.LimitExceeded> { Framing.lines(3).cut(bytes("xxxx\n")) }
    }

    test("the longest message needs as much room as it says") {
        for (case in cases) {
            LinkBuffer(SegmentPool.shared()).use { buffer ->
                // So many bytes that are no end of anything, unless a length is among them.
                buffer.put(ByteArray(case.framing.longest()) { 'x'.code.toByte() })
                val outcome = runCatching { case.framing.take(buffer) }
                (outcome.isFailure || outcome.getOrNull() != null) shouldBe true
            }
        }
        Framing.lengthField(4, 100).longest() shouldBe 104
        Framing.lengthField(4, Int.MAX_VALUE - 4).longest() shouldBe Int.MAX_VALUE
    }

    test("what cannot be meant is refused when it is said") {
        for (wrong in listOf<() -> Framing>(
            { Framing.lengthField(5, 10) },
            { Framing.lengthField(0, 10) },
            { Framing.lengthField(4, 0) },
            { Framing.lengthField(4, 10).offset(-1) },
            { Framing.delimiter(byteArrayOf(), 10) },
            { Framing.delimiter(bytes("x"), 0) },
            { Framing.lines(-1) },
            { Framing.fixedLength(0) },
            { Framing.lengthField(4, Int.MAX_VALUE) },
            { Framing.lengthField(4, 1000).offset(Int.MAX_VALUE) },
        )) {
            shouldThrow<IllegalArgumentException> { wrong() }
        }
    }
})
