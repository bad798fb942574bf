package io.netpark.samples.websocket

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.shouldBe
import io.netpark.core.buffer.LinkBuffer
import io.netpark.core.buffer.SegmentPool
import java.nio.ByteBuffer
import java.nio.charset.CharacterCodingException
import kotlin.random.Random

class MessageParserSpec : FunSpec({
    test("every violation is found, with its close code, however the bytes are split") {
        for ((name, violation) in VIOLATIONS) {
            val (code, bytes) = violation
            for (step in listOf(1, 2, 3, 1000, bytes.size)) {
                Parsing().use { parsing ->
                    val failure = shouldThrow<WebSocketFailure> { parsing.feed(bytes, step) }
                    Triple(name, step, failure.code) shouldBe Triple(name, step, code)
                }
            }
        }
    }

    test("a mistake in the head is found by its first two bytes") {
        Parsing().use { shouldThrow<WebSocketFailure> { it.feed(bytes(0xC1, 0x80), 2) }.code shouldBe 1002 }
        Parsing().use { shouldThrow<WebSocketFailure> { it.feed(bytes(0x81, 0x05), 2) }.code shouldBe 1002 }
    }

    test("messages of all sizes, fragmented and with control frames between, however the bytes are split") {
        val random = Random(6455)
        repeat(300) { round ->
            val expected = mutableListOf<Pair<Arrival, List<Byte>>>()
            val wire = LinkBuffer(SegmentPool.shared())
            repeat(random.nextInt(1, 6)) { wire.writeMessage(random, expected) }
            val bytes = wire.takeBytes(wire.available().toInt())
            wire.close()
            Parsing().use { parsing ->
                parsing.feed(bytes) { random.nextInt(1, 1 + (1 shl random.nextInt(1, 15))) }
                Pair(round, parsing.found == expected) shouldBe Pair(round, true)
            }
        }
    }

    test("the limit is one for all fragments, and the next message has it anew") {
        Parsing().use { parsing ->
            repeat(3) {
                parsing.feed(clientFrame(BINARY, ByteArray(40_000), fin = false), 9999)
                parsing.feed(clientFrame(CONTINUATION, ByteArray(25_536)), 9999)
            }
            parsing.found.map { it.second.size } shouldBe List(3) { 65_536 }
        }
    }

    test("control frames do not count: they come between the fragments of a message that is as large as may be") {
        for (size in listOf(65_500, 65_536)) {
            val head = "x".repeat(size)
            val tail = "y".repeat(65_536 - size)
            Parsing().use { parsing ->
                parsing.feed(clientFrame(TEXT, head, fin = false), 9999)
                parsing.feed(clientFrame(PING, "p".repeat(60)), 7)
                parsing.feed(clientFrame(PONG, "q".repeat(125)), 7)
                parsing.feed(clientFrame(CONTINUATION, tail), 9999)
                parsing.found.map { it.first to it.second.toByteArray().decodeToString() } shouldBe
                    listOf(Arrival.PING to "p".repeat(60), Arrival.PONG to "q".repeat(125), Arrival.TEXT to head + tail)
            }
            Parsing().use { parsing ->
                parsing.feed(clientFrame(TEXT, head, fin = false), 9999)
                val reason = "the window has been closed by its user"
                parsing.feed(clientFrame(CLOSE, closePayload(1001, reason.encodeToByteArray())), 7)
                parsing.parser.closeReason shouldBe reason
            }
        }
    }

    test("a close frame: code and reason, or none") {
        Parsing().use { parsing ->
            parsing.feed(clientFrame(CLOSE, closePayload(4321, "genug für heute".encodeToByteArray())), 3)
            parsing.parser.closeCode shouldBe 4321
            parsing.parser.closeReason shouldBe "genug für heute"
            parsing.feed(clientFrame(CLOSE), 1)
            parsing.parser.closeCode shouldBe null
            parsing.parser.closeReason shouldBe ""
        }
    }

    test("a parser between two messages holds no memory") {
        val pool = SegmentPool.builder().build()
        Parsing(pool).use { parsing ->
            val before = pool.statistics().lentSegments
            val bytes = clientFrame(TEXT, "x".repeat(60_000)) + clientFrame(PING, "are you there")
            parsing.feed(bytes, 777)
            parsing.parser.next(parsing.input) shouldBe null
            pool.statistics().lentSegments shouldBe before
        }
        pool.statistics().lentSegments shouldBe 0
    }

    test("UTF-8 is checked as strictly as the JDK's decoder does, in pieces") {
        val random = Random(3629)
        fun agree(bytes: ByteArray) {
            val decodes = try {
                Charsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes))
                true
            } catch (_: CharacterCodingException) {
                false
            }
            val check = Utf8Check()
            val split = random.nextInt(bytes.size + 1)
            val buffer = ByteBuffer.wrap(bytes)
            val accepted = check.accept(buffer, 0, split) && check.accept(buffer, split, bytes.size) && check.isComplete
            Pair(bytes.toList(), accepted) shouldBe Pair(bytes.toList(), decodes)
        }
        for (first in 0..255) for (second in 0..255) agree(bytes(first, second))
        val seconds = listOf(0x00, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xFF)
        for (first in 0xC0..0xFF) for (second in seconds) for (third in seconds) {
            agree(bytes(first, second, third))
            for (fourth in seconds) agree(bytes(first, second, third, fourth))
        }
        repeat(2_000) {
            val text = String(CharArray(random.nextInt(60)) { (if (random.nextInt(4) > 0) 'a' else '\u20ac') }) + "😀"
            val bytes = text.encodeToByteArray()
            agree(bytes)
            bytes[random.nextInt(bytes.size)] = random.nextInt().toByte()
            agree(bytes)
        }
    }

    test("a server's frames: the shortest form of the length, no mask, and the reason of a close cut between characters") {
        for (size in listOf(0, 1, 125, 126, 65_535, 65_536, 100_000)) {
            val payload = Random(size).nextBytes(size)
            val expected = clientFrame(BINARY, payload, mask = null)
            frame(Arrival.BINARY, payload).contentEquals(expected) shouldBe true
            LinkBuffer(SegmentPool.shared()).use { written ->
                written.writeFrameHead(Arrival.BINARY, size)
                written.put(payload)
                written.takeBytes(written.available().toInt()).contentEquals(expected) shouldBe true
            }
        }
        closeFrame(null).toList() shouldBe bytes(0x88, 0).toList()
        val close = closePayload(1000, "ende".encodeToByteArray())
        closeFrame(1000, "ende").toList() shouldBe clientFrame(CLOSE, close, mask = null).toList()
        for (length in 120..126) {
            val reason = closeFrame(1001, "x".repeat(length - 2) + "€€").drop(4).toByteArray()
            (reason.size <= 123) shouldBe true
            reason.decodeToString(throwOnInvalidSequence = true).trimEnd('€') shouldBe "x".repeat(length - 2).take(123)
        }
    }
})

/** A parser at work, and what it has found. */
private class Parsing(pool: SegmentPool = SegmentPool.shared()) : AutoCloseable {
    val parser = MessageParser(65_536, pool)
    val input = LinkBuffer(pool)
    val found = mutableListOf<Pair<Arrival, List<Byte>>>()

    fun feed(bytes: ByteArray, step: Int) = feed(bytes) { step }

    fun feed(bytes: ByteArray, step: () -> Int) {
        var at = 0
        while (at < bytes.size) {
            val count = minOf(step(), bytes.size - at)
            input.put(bytes, at, count)
            at += count
            while (true) {
                val arrival = parser.next(input) ?: break
                found += arrival to parser.payload.takeBytes(parser.payload.available().toInt()).toList()
            }
        }
    }

    override fun close() {
        parser.close()
        input.close()
    }
}

/** A message in fragments, some of them empty, with control frames between them. */
private fun LinkBuffer.writeMessage(random: Random, expected: MutableList<Pair<Arrival, List<Byte>>>) {
    val isText = random.nextBoolean()
    val size = random.nextInt(1 shl random.nextInt(1, 15))
    val payload = if (isText) "aé€😀".repeat(size / 10).encodeToByteArray() else random.nextBytes(size)
    var at = 0
    var opcode = if (isText) TEXT else BINARY
    do {
        val count = if (random.nextInt(3) == 0) payload.size - at else random.nextInt(payload.size - at + 1)
        at += count
        put(clientFrame(opcode, payload.copyOfRange(at - count, at), fin = at == payload.size, mask = random.nextBytes(4)))
        opcode = CONTINUATION
        if (at < payload.size && random.nextInt(3) == 0) {
            val control = random.nextBytes(random.nextInt(126))
            val isPing = random.nextBoolean()
            put(clientFrame(if (isPing) PING else PONG, control, mask = random.nextBytes(4)))
            expected += (if (isPing) Arrival.PING else Arrival.PONG) to control.toList()
        }
    } while (at < payload.size)
    expected += (if (isText) Arrival.TEXT else Arrival.BINARY) to payload.toList()
}
