package io.netpark.samples.http

import io.netpark.core.net.OpenFile
import io.netpark.coroutines.Connection
import io.netpark.coroutines.sendFile

/** An open file, with what clients may ask about it. To be closed. */
internal class StaticFile(private val file: OpenFile, private val modified: Long, val type: String) : AutoCloseable {

    val size: Long = file.size()

    /** Another one for every version of the file, as far as the file system's clock tells them apart. */
    val tag: String = "\"%x-%x\"".format(modified, size)

    private val modifiedSecond = Math.floorDiv(modified, 1_000_000_000L)

    val lastModified: String = HttpDate.text(modifiedSecond)

    /** Whether the client has this very version already (RFC 9110, 13.2.2). */
    fun isKnownTo(head: RequestHead): Boolean {
        val tags = head.ifNoneMatch
        if (tags != null) return tags == "*" || tags.split(',').any { it.trim().removePrefix("W/") == tag }
        val since = HttpDate.parse(head.ifModifiedSince ?: return false) ?: return false
        return modifiedSecond <= since
    }

    /** What part of it the client wants; null for the whole, also if it has a part of another version. */
    fun rangeFor(head: RequestHead): ByteRange? {
        val range = head.range ?: return null
        val condition = head.ifRange
        if (condition != null && condition != tag && condition != lastModified) return null
        return ByteRange.of(range, size)
    }

    /** Sends a part of it, after what the connection's writer has: by sendfile(2), so the bytes never come here. */
    suspend fun send(connection: Connection, part: ByteRange) {
        connection.sendFile(file, part.offset, part.length)
    }

    override fun close(): Unit = file.close()
}
