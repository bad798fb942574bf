package io.netpark.samples.http

import io.netpark.core.buffer.LinkBuffer
import io.netpark.coroutines.Connection
import io.netpark.http.BodyLimits
import io.netpark.http.Method
import io.netpark.http.Refusal
import io.netpark.http.RequestBody
import io.netpark.http.RequestHead
import io.netpark.http.Status
import io.netpark.http.awaitRest
import io.netpark.samples.http.answers.Answer
import io.netpark.samples.http.answers.Page
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.withContext

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
    private val fields = RequestFields()
    private val head = RequestHead(sink = fields)
    private val answer = Answer(writer, site.common)
    private val fileAnswer = FileAnswer(connection, answer, head, fields)
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
                if (!head.awaitRest(connection, limits.head)) return
            }
            val isEcho = head.target.isPath(ECHO)
            // A body that nobody wants is not read: it ends the connection.
            val closes = !head.keepsAlive || connection.isDraining || head.hasBody && !(isEcho && head.method.writes)
            when {
                head.target.isPath(PLAINTEXT) -> page(HELLO, closes)
                head.target.isPath(JSON) -> page(HELLO_JSON, closes)
                isEcho -> echo(closes)
                else -> file(closes)
            }
            reader.release()
            // The client may still be talking; to close with its bytes unread could take the answer from it (RFC 9112, 9.6).
            if (closes) return connection.closeLingering(limits.parting)
            writer.flushIfFull()
        }
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
                val body = body ?: newBody().also { body = it }
                body.begin(head)
                body.readInto(content)
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
        val path = head.target.path()
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

    private fun newBody() = RequestBody(connection, BodyLimits(limits.body, limits.bodyTime, rate = 0))

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

        /** Whether it asks for something that is there. */
        val Method?.reads: Boolean get() = this == Method.GET || this == Method.HEAD

        /** Whether it brings something. */
        val Method?.writes: Boolean get() = this == Method.POST || this == Method.PUT
    }
}
