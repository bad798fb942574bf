package io.netpark.samples.redis

import io.kotest.assertions.withClue
import io.kotest.core.spec.style.scopes.FunSpecContainerScope
import io.kotest.matchers.collections.shouldBeEmpty
import io.kotest.matchers.shouldBe
import io.netpark.samples.SampleSpec
import io.netpark.samples.needs
import java.io.ByteArrayOutputStream

/** Byte by byte what Debian's redis-server has answered, and still does where it is installed: in `replies.txt`. */
class RedisRepliesSpec : SampleSpec({

    suspend fun FunSpecContainerScope.repliesRightly(port: () -> Int) {
        test("${EXCHANGES.size} requests") {
            for ((line, sent, expected) in EXCHANGES) {
                withClue(line) { shown(replies(port(), sent), line) shouldBe shown(expected, line) }
            }
        }
    }

    for (loops in listOf("1", "2")) {
        context("the sample with --loops $loops") {
            RunningRedis("--loops", loops, "--longest-value", "512").use { redis ->
                repliesRightly { redis.port }
                redis.program.errorLines().shouldBeEmpty()
            }
        }
    }

    context("redis-server").config(enabledOrReasonIf = { needs("redis-server", "--version") }) {
        GenuineRedis().use { redis -> repliesRightly { redis.port } }
    }
}) {
    private companion object {

        /** A line of the file, what is sent, and what comes back. */
        data class Exchange(val line: String, val sent: ByteArray, val reply: ByteArray)

        val EXCHANGES: List<Exchange> = checkNotNull(RedisRepliesSpec::class.java.getResource("replies.txt")).readText()
            .replace("\n    ", "").lines().filterNot { it.isEmpty() || it.startsWith('#') }.map(::exchange)

        fun exchange(line: String): Exchange {
            val sent = line.substringBefore(" =>")
            val isRaw = sent.startsWith("! ")
            val bytes = if (isRaw) unescaped(sent.drop(2)) else request(*sent.split(' ').map(::word).toTypedArray())
            return Exchange(line, bytes, unescaped(line.substringAfter(" =>").removePrefix(" ")))
        }

        fun word(text: String): ByteArray = if (text == "\"\"") ByteArray(0) else unescaped(text)

        fun unescaped(text: String): ByteArray {
            val bytes = ByteArrayOutputStream()
            var at = 0
            while (at < text.length) {
                val char = text[at++]
                if (char != '\\') {
                    bytes.write(char.code)
                    continue
                }
                when (val escaped = text[at++]) {
                    'r' -> bytes.write('\r'.code)
                    'n' -> bytes.write('\n'.code)
                    't' -> bytes.write('\t'.code)
                    '\\' -> bytes.write('\\'.code)
                    'x' -> bytes.write(text.substring(at, at + 2).toInt(16)).also { at += 2 }
                    else -> error("\\$escaped in $text")
                }
            }
            return bytes.toByteArray()
        }

        /** Sends it, ends the stream, and returns all that comes until its other end. */
        fun replies(port: Int, sent: ByteArray): ByteArray = Client(port).use { client ->
            client.send(sent)
            client.socket.shutdownOutput()
            client.rest()
        }

        /** What differs from server to server, and from connection to connection. */
        val VERSION = Regex("""version\r\n\$\d+\r\n[\d.]+\r\n""")
        val NUMBER = Regex("""id\r\n:\d+\r\n""")

        /** To compare and to read; keys come in any order. */
        fun shown(reply: ByteArray, line: String): String {
            val text = reply.toString(Charsets.ISO_8859_1)
                .replace(VERSION, "version\r\n\\${'$'}V\r\n").replace(NUMBER, "id\r\n:N\r\n")
            return if (line.startsWith("KEYS ")) text.split("\r\n").sorted().joinToString("\r\n") else text
        }
    }
}
