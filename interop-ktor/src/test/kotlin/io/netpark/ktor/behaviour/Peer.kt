package io.netpark.ktor.behaviour

import java.io.BufferedInputStream
import java.io.ByteArrayOutputStream
import java.io.EOFException
import java.io.IOException
import java.net.Socket
import java.net.SocketTimeoutException

/** A client that sends just the bytes it is told to, and reads answers strictly: what is not HTTP/1.1 fails the test. */
class Peer(private val socket: Socket, private val plain: Socket) : AutoCloseable {

    private val input = BufferedInputStream(socket.getInputStream())

    fun send(bytes: ByteArray) = socket.getOutputStream().run {
        write(bytes)
        flush()
    }

    /** With the line ends as they are. */
    fun send(text: String) = send(text.toByteArray(Charsets.ISO_8859_1))

    /** Lines, each ended by CRLF, and the empty line after them. */
    fun sendHead(vararg lines: String) = send(head(*lines))

    /** The next answer, with its body, but for those to HEAD. */
    fun answer(method: String = "GET"): Answer {
        val head = answerHead()
        head.body = when {
            method == "HEAD" || head.status in 100..199 || head.status == 204 || head.status == 304 -> ByteArray(0)
            head.isChunked -> chunks()
            head.length != null -> exactly(head.length.toInt())
            else -> input.readAllBytes()
        }
        return head
    }

    /** The next answer, or null if the connection ends before its end. */
    fun answerOrCut(): Answer? = try {
        answer()
    } catch (e: SocketTimeoutException) {
        throw e
    } catch (_: IOException) {
        null
    }

    /** The next answer up to the end of its head. */
    fun answerHead(): Answer {
        val status = line()
        val match = checkNotNull(STATUS_LINE.matchEntire(status)) { "not a status line: $status" }
        val fields = ArrayList<Pair<String, String>>()
        while (true) {
            val line = line()
            if (line.isEmpty()) break
            val field = checkNotNull(FIELD_LINE.matchEntire(line)) { "not a field line: $line" }
            fields += field.groupValues[1] to field.groupValues[2]
        }
        return Answer(match.groupValues[1].toInt(), match.groupValues[2], fields)
    }

    /** A line, without its CRLF; a bare LF is a failure. */
    fun line(): String {
        val line = StringBuilder()
        while (true) {
            val char = input.read().also { if (it < 0) throw EOFException("the end after \"$line\"") }.toChar()
            check(char != '\n') { "a bare LF after \"$line\"" }
            if (char == '\r') {
                check(input.read() == '\n'.code) { "a bare CR after \"$line\"" }
                return "$line"
            }
            line.append(char)
        }
    }

    fun exactly(count: Int): ByteArray = input.readNBytes(count).also {
        if (it.size < count) throw EOFException("the end after ${it.size} bytes of $count")
    }

    fun text(count: Int): String = String(exactly(count), Charsets.ISO_8859_1)

    private fun chunks(): ByteArray {
        val all = ByteArrayOutputStream()
        while (true) {
            val chunk = chunk() ?: return all.toByteArray()
            all.write(chunk)
        }
    }

    /** The next chunk; null if it is the last. */
    fun chunk(): ByteArray? {
        val size = line().toInt(16)
        val chunk = exactly(size)
        if (size == 0) {
            skipTrailers()
            return null
        }
        check(line().isEmpty()) { "no CRLF after a chunk" }
        return chunk
    }

    private fun skipTrailers() {
        do {
            val line = line()
        } while (line.isNotEmpty())
    }

    /** What comes until the other side ends its output. */
    fun rest(): String = String(input.readAllBytes(), Charsets.ISO_8859_1)

    /** Waits until the other side has closed or reset the connection; false if something else came. */
    fun isEnded(): Boolean = try {
        input.read() == -1
    } catch (e: IOException) {
        if (e is SocketTimeoutException) throw e
        true
    }

    fun endOutput() = socket.shutdownOutput()

    /** Gone without a word: over TLS without close_notify, as when a process dies. */
    fun cut() = plain.close()

    /** Gone at once, and the other side is told so by a reset. */
    fun reset() {
        plain.setSoLinger(true, 0)
        plain.close()
    }

    /**
     * Over TLS 1.3, the JDK's socket first waits for a byte of the other side if it has a time limit for reads, and as long as that. A
     * server that has nothing to say owes it none: close_notify ends one direction only (RFC 8446, 6.1).
     */
    override fun close() {
        if (!plain.isClosed) plain.soTimeout = 0
        socket.close()
    }

    private companion object {
        val STATUS_LINE = Regex("HTTP/1\\.[01] ([1-5][0-9][0-9]) (.*)")
        val FIELD_LINE = Regex("([!#$%&'*+\\-.^_`|~0-9A-Za-z]+): ?(.*)")
    }
}

/** An answer, read byte by byte. */
class Answer(val status: Int, val reason: String, val fields: List<Pair<String, String>>) {

    var body: ByteArray = ByteArray(0)

    val text: String get() = String(body, Charsets.UTF_8)

    fun all(name: String): List<String> = fields.filter { it.first.equals(name, ignoreCase = true) }.map { it.second }

    /** The only value of a field, or null. */
    operator fun get(name: String): String? = all(name).also { check(it.size <= 1) { "$name: $it" } }.singleOrNull()

    val length: Long? = get("Content-Length")?.toLong()

    val isChunked: Boolean = get("Transfer-Encoding")
        .also { check(it == null || it == "chunked") { "Transfer-Encoding: $it" } } != null

    init {
        check(length == null || !isChunked) { "both a length and chunks: $fields" }
    }

    /** Whether the connection is said to be closed after it. */
    val endsConnection: Boolean get() = all("Connection").any { it.equals("close", ignoreCase = true) }

    override fun toString() = "$status $reason $fields"
}

/** Lines, each ended by CRLF, and the empty line after them. */
fun head(vararg lines: String): String = lines.joinToString("") { "$it\r\n" } + "\r\n"

/** The simplest request of a path. */
fun get(path: String, vararg fields: String): String = head("GET $path HTTP/1.1", "Host: localhost", *fields)

/** A request with a body of known length. */
fun post(path: String, body: String, vararg fields: String): String =
    head("POST $path HTTP/1.1", "Host: localhost", "Content-Length: ${body.length}", *fields) + body
