package io.netpark.http

import io.netpark.core.buffer.LinkBuffer
import io.netpark.core.buffer.SegmentPool
import kotlin.random.Random

/** What a parser has understood: the requests as text, and the status of the refusal that was the end. */
data class Understood(val requests: List<String>, val refusal: Int?)

/** A request line, fields, body and trailers, as [understand] writes them. */
fun asText(line: String, fields: List<String>, body: String, trailers: List<String>): String =
    (listOf(line) + fields + "[$body]" + trailers).joinToString("\n")

/**
 * Has the parser read requests that come in pieces, of sizes that [nextPiece] says. Fails if bytes get lost or are made up, if it
 * does not come to an end, and if anything but a [Refusal] is thrown.
 */
fun understand(pool: SegmentPool, bytes: ByteArray, limits: BodyLimits = BodyLimits(), nextPiece: () -> Int): Understood =
    LinkBuffer(pool).use { buffer -> Conversation(buffer, bytes, limits).run(nextPiece) }

private class Conversation(private val buffer: LinkBuffer, private val bytes: ByteArray, limits: BodyLimits) {
    private val fields = Fields()
    private val trailers = Fields()
    private val head = RequestHead(sink = fields, anyMethod = true)
    private val framing = BodyFraming(buffer, limits, trailers)
    private val requests = mutableListOf<String>()
    private val body = StringBuilder()
    private var line: String? = null
    private var steps = 0

    fun run(nextPiece: () -> Int): Understood {
        var come = 0
        var refusal: Int? = null
        try {
            while (true) {
                while (step()) check(++steps <= 10 * bytes.size + 10) { "it goes round in circles" }
                if (come == bytes.size) break
                val count = nextPiece().coerceIn(1, bytes.size - come)
                buffer.put(bytes, come, count)
                come += count
            }
        } catch (e: Refusal) {
            refusal = e.status.code
        }
        buffer.release()
        val rest = buffer.available().toInt()
        val isEnd = buffer.takeBytes(rest).contentEquals(bytes.copyOfRange(come - rest, come))
        check(isEnd) { "what is left is not the end of what came" }
        return Understood(requests, refusal)
    }

    /** Goes on by a head or a part of a body; false if there is no more of it. */
    private fun step(): Boolean {
        if (line == null) {
            if (!head.parse(buffer)) return false
            line = "${head.methodText()} ${head.target.authority()} ${head.target.text()} 1.${head.minorVersion}"
            framing.begin(head)
        }
        val count = framing.available().toInt()
        if (count > 0) {
            body.append(buffer.takeString(count, Charsets.ISO_8859_1))
            framing.took(count.toLong())
            return true
        }
        if (!framing.isOver) return false
        requests += asText(line!!, fields.lines, body.toString(), trailers.lines)
        line = null
        body.clear()
        return true
    }
}

/** A request by chance, as it is sent and as it is to be [understood][asText]. */
class ChanceRequest(random: Random) {
    private val wire = StringBuilder()
    val text: String
    val bytes: ByteArray

    init {
        val method = listOf("GET", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "PROPFIND", "M-SEARCH").random(random)
        val authority = if (random.nextInt(8) == 0) "h${random.nextInt()}.example:80".replace('-', 'n') else null
        val path = "/" + word(random, "abc/%2e~-._!$&'()*+,;=:@?", random.nextInt(60))
        repeat(random.nextInt(3)) { if (random.nextInt(10) == 0) wire.append("\r\n") }
        wire.append("$method ${authority?.let { "http://$it" } ?: ""}$path HTTP/1.1\r\n")
        val fields = mutableListOf("Host: x")
        val content = word(random, "abc\r\n0;\u00e9\u0000", random.nextInt(if (random.nextInt(10) == 0) 20_000 else 100))
        val trailers = mutableListOf<String>()
        val kind = random.nextInt(3)
        if (kind == 1) fields += "Content-Length: ${content.length}"
        if (kind == 2) fields += "Transfer-Encoding: chunked"
        repeat(random.nextInt(if (random.nextInt(5) == 0) 90 else 10)) { fields += field(random) }
        fields.shuffle(random)
        fields.forEach { wire.append(withBlanks(it, random)) }
        wire.append("\r\n")
        if (kind == 1) wire.append(content)
        if (kind == 2) chunks(content, trailers, random)
        bytes = wire.toString().toByteArray(Charsets.ISO_8859_1)
        text = asText("$method $authority $path 1.1", fields, if (kind == 0) "" else content, trailers)
    }

    private fun chunks(content: String, trailers: MutableList<String>, random: Random) {
        for (chunk in content.chunked(random.nextInt(1, 3000))) {
            val size = chunk.length.toString(16)
            wire.append("0".repeat(random.nextInt(3))).append(if (random.nextBoolean()) size.uppercase() else size)
            if (random.nextInt(100) == 0) wire.append(" ;a=\"b\"")
            wire.append("\r\n$chunk\r\n")
        }
        wire.append("0\r\n")
        repeat(random.nextInt(3)) { trailers += field(random) }
        trailers.forEach { wire.append(withBlanks(it, random)) }
        wire.append("\r\n")
    }

    private fun field(random: Random): String {
        val value = word(random, "aB \t:;\u00e9\u00ff\"\\,", random.nextInt(80)).trim(' ', '\t')
        return "X-${word(random, "aB!#$%&'*+-.^_`|~9", random.nextInt(1, 12))}: $value"
    }

    private fun withBlanks(field: String, random: Random): String {
        val (name, value) = field.split(": ", limit = 2)
        return "$name:${word(random, " \t", random.nextInt(3))}$value${word(random, " \t", random.nextInt(3))}\r\n"
    }

    private fun word(random: Random, letters: String, length: Int) = String(CharArray(length) { letters.random(random) })
}
