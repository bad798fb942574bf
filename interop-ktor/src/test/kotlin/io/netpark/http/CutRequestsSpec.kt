package io.netpark.http

import io.kotest.assertions.withClue
import io.kotest.matchers.comparables.shouldBeGreaterThan
import io.kotest.matchers.shouldBe
import io.netpark.core.buffer.LeakDetection
import io.netpark.core.buffer.SegmentPool
import io.netpark.core.testing.NetparkSpec
import kotlin.random.Random

/** How many requests are mutated. */
private val MUTATIONS = (System.getProperty("netpark.http.mutations") ?: "2000").toInt()

/** The seed of the first. */
private val SEED = (System.getProperty("netpark.http.mutations.seed") ?: "1").toLong()

/** However requests come, in whichever pieces, they are understood alike. */
class CutRequestsSpec : NetparkSpec(body = {
    val pool = SegmentPool.builder().leakDetection(LeakDetection.PARANOID).build()
    afterTest { pool.statistics().lentSegments() shouldBe 0 }

    test("pipelined requests that are cut at every byte") {
        val text = "\r\nGET http://h:1/p%20q?r HTTP/1.1\r\nHost: h\r\nB: c\r\n\r\n" +
            "POST /1 HTTP/1.1\r\nContent-Length: 5\r\nHost: h\r\n\r\nab\r\ncGET / HTTP/1.0\r\n\r\n" +
            "PUT /2 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" +
            "3;x=\"y\"\r\nabc\r\n0A\r\n0123456789\r\n0\r\nT: 1\r\n\r\n" +
            "DELETE /3 HTTP/1.1\r\nHost: h\r\n\r\n"
        val bytes = text.encodeToByteArray()
        val expected = Understood(
            listOf(
                asText("GET h:1 /p%20q?r 1.1", listOf("Host: h", "B: c"), "", listOf()),
                asText("POST null /1 1.1", listOf("Content-Length: 5", "Host: h"), "ab\r\nc", listOf()),
                asText("GET null / 1.0", listOf(), "", listOf()),
                asText("PUT null /2 1.1", listOf("Host: h", "Transfer-Encoding: chunked"), "abc0123456789", listOf("T: 1")),
                asText("DELETE null /3 1.1", listOf("Host: h"), "", listOf()),
            ),
            null,
        )
        for (cut in 1..bytes.size) {
            val pieces = ArrayDeque(listOf(cut))
            withClue("cut at $cut") { understand(pool, bytes) { pieces.removeFirstOrNull() ?: bytes.size } shouldBe expected }
        }
        understand(pool, bytes) { 1 } shouldBe expected
    }

    test("requests by chance, cut by chance, are what they were") {
        for (seed in 1L..75) {
            val random = Random(seed)
            val requests = List(random.nextInt(1, 6)) { ChanceRequest(random) }
            val bytes = requests.map { it.bytes }.reduce { all, more -> all + more }
            val expected = Understood(requests.map { it.text }, null)
            val largest = listOf(1, 5, 100, 5000, 100_000).random(random)
            withClue("seed $seed") {
                understand(pool, bytes) { random.nextInt(1, largest + 1) } shouldBe expected
                understand(pool, bytes, BodyLimits(quotedLineEnds = true)) { bytes.size } shouldBe expected
            }
        }
    }

    test("$MUTATIONS mutated requests are refused or understood, and alike in one piece and in many") {
        var refused = 0
        var understood = 0
        for (seed in SEED until SEED + MUTATIONS) {
            val random = Random(seed)
            var bytes = (ChanceRequest(random).bytes + ChanceRequest(random).bytes)
            repeat(random.nextInt(1, 5)) { bytes = mutated(bytes, random) }
            withClue("-Dnetpark.http.mutations.seed=$seed -Dnetpark.http.mutations=1") {
                val limits = BodyLimits(bytes = 10_000, quotedLineEnds = random.nextBoolean())
                val inOne = understand(pool, bytes, limits) { bytes.size }
                val largest = listOf(3, 50, 1000).random(random)
                understand(pool, bytes, limits) { random.nextInt(1, largest + 1) } shouldBe inOne
                if (inOne.refusal != null) refused++ else understood++
            }
        }
        if (MUTATIONS >= 1000) { // it would be no test otherwise
            refused shouldBeGreaterThan MUTATIONS / 10
            understood shouldBeGreaterThan MUTATIONS / 10
        }
    }
})

private val WORDS = listOf(
    "\r\n", "\n", "\r", "\r\n\r\n", " ", "\t", ":", "\u0000", "\u00ff", ";", "\"", "0\r\n\r\n", "ffffffffffffffff\r\n", "-1", "+5",
    "Content-Length: 5\r\n", "Content-Length: 99999999999999999999\r\n", "Transfer-Encoding: chunked\r\n",
    "Transfer-Encoding : chunked\r\n", "Host: y\r\n", "Expect: 100-continue\r\n", "Connection: close, upgrade\r\n", " folded\r\n",
    "GET / HTTP/1.1\r\n",
    "http://", "%", "#",
).map { it.toByteArray(Charsets.ISO_8859_1) }

private fun mutated(bytes: ByteArray, random: Random): ByteArray {
    if (bytes.isEmpty()) return bytes
    // Most of what matters is near the beginning: the rest is body.
    val at = random.nextInt(if (random.nextBoolean()) minOf(bytes.size, 300) else bytes.size)
    val end = minOf(bytes.size, at + random.nextInt(1, 20))
    val before = bytes.copyOfRange(0, at)
    val part = bytes.copyOfRange(at, end)
    val after = bytes.copyOfRange(end, bytes.size)
    return when (random.nextInt(7)) {
        0 -> bytes.copyOf().also { it[at] = random.nextInt().toByte() }
        1 -> bytes.copyOf().also { it[at] = (it[at].toInt() xor (1 shl random.nextInt(8))).toByte() }
        2 -> before + after
        3 -> before + part + part + after
        4 -> before + WORDS.random(random) + part + after
        5 -> before + WORDS.random(random) + after
        else -> if (random.nextInt(4) == 0) before else before + part.reversedArray() + after
    }
}
