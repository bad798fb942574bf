package io.netpark.samples.http

import io.netpark.core.buffer.LinkBuffer
import io.netpark.core.sys.NetparkException.TimedOut
import io.netpark.core.sys.NetparkException.Timeout
import io.netpark.coroutines.Connection
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.withContext
import kotlin.time.TimeSource

/**
 * The requests of one connection, one after another, each answered before the next is looked at. This coroutine is all there is:
 * it parks when nothing has come, or when the client does not take what it has asked for.
 */
internal class HttpConnection(
    private val connection: Connection,
    private val site: Site,
) {
    private val reader = connection.reader
    private val writer = connection.writer
    private val head = RequestHead()
    private val answer = Answer(writer, site.common)
    private val fileAnswer = FileAnswer(connection, answer, head)
    private val limits = site.limits
    private var body: RequestBody? = null

    /** Answers until somebody has had enough. The connection is closed by whoever runs this. */
    suspend fun serve() {
        connection.idleTimeout = limits.idle
        try {
            exchange()
        } catch (refusal: Refusal) {
            answer.error(refusal.status, closes = true, head.method == Method.HEAD)
            connection.closeLingering(limits.parting)
        }
    }

    private suspend fun exchange() {
        while (true) {
            // What is answered goes out before the client is waited for: who has sent many requests gets many answers at once.
            if (reader.available() == 0L) {
                writer.flush()
                if (!connection.awaitRequest()) return
            }
            if (!head.parse(reader)) {
                if (!head.isBegun && reader.available() == 0L) continue // an empty line, and nothing else
                if (!awaitHead()) return
            }
            val isEcho = head.isPath(ECHO)
            // A body that nobody wants is not read: it ends the connection.
            val closes = !head.keepsAlive || connection.isDraining || head.hasBody && !(isEcho && head.method.writes)
            when {
                head.isPath(PLAINTEXT) -> page(HELLO, closes)
                head.isPath(JSON) -> page(HELLO_JSON, closes)
                isEcho -> echo(closes)
                else -> file(closes)
            }
            reader.release()
            // The client may still be talking; to close with its bytes unread could take the answer from it (RFC 9112, 9.6).
            if (closes) return connection.closeLingering(limits.parting)
            writer.flushIfFull()
        }
    }

    /** Waits for the rest of a head that has begun. All of it has to come in time, however it trickles. */
    private suspend fun awaitHead(): Boolean {
        writer.flush()
        connection.readDeadline = TimeSource.Monotonic.markNow() + limits.head
        try {
            do {
                if (!reader.await(reader.available().toInt() + 1)) return false
            } while (!head.parse(reader))
        } catch (late: TimedOut) {
            if (late.timeout() != Timeout.READ) throw late
            throw Refusal(Status.REQUEST_TIMEOUT, "no whole head within ${limits.head}")
        }
        connection.readDeadline = null
        return true
    }

    // What can be asked for

    private fun page(page: Page, closes: Boolean) {
        if (!head.method.reads) return notAllowed(READING, closes)
        answer.begin(Status.OK, closes, head.mustBeToldToStay)
        answer.page(page, head.method == Method.HEAD)
    }

    private suspend fun echo(closes: Boolean) {
        if (!head.method.writes) return notAllowed(WRITING, closes)
        LinkBuffer(site.pool).use { content ->
            if (head.hasBody) {
                val body = body ?: RequestBody(connection, limits.body, limits.bodyTime).also { body = it }
                body.readInto(content, head)
            }
            answer.begin(Status.OK, closes, head.mustBeToldToStay)
            answer.field("Content-Type", "application/octet-stream")
            answer.length(content.available())
            answer.end()
            writer.append(content)
        }
    }

    private suspend fun file(closes: Boolean) {
        if (!head.method.reads) return notAllowed(READING, closes)
        val path = head.path()
        // Set inside: what a cancelled withContext returns is lost, and that would be an open file.
        var file: StaticFile? = null
        try {
            site.folder?.let { folder -> withContext(Dispatchers.IO) { file = folder.open(path) } }
            val found = file ?: return answer.error(Status.NOT_FOUND, closes, head.method == Method.HEAD)
            fileAnswer.send(found, closes)
        } finally {
            file?.close()
        }
    }

    private fun notAllowed(allow: String, closes: Boolean) =
        answer.error(Status.METHOD_NOT_ALLOWED, closes, head.method == Method.HEAD, allow)

    private companion object {
        val PLAINTEXT = "/plaintext".encodeToByteArray()
        val JSON = "/json".encodeToByteArray()
        val ECHO = "/echo".encodeToByteArray()
        val HELLO = Page("text/plain", "Hello, World!")
        val HELLO_JSON = Page("application/json", """{"message":"Hello, World!"}""")
        const val READING = "GET, HEAD"
        const val WRITING = "POST, PUT"
    }
}
