package io.netpark.samples.http

import io.netpark.core.net.OpenFile
import io.netpark.core.sys.NetparkException
import io.netpark.coroutines.Connection
import io.netpark.coroutines.sendFile

/** An open file, with what clients may ask about it. To be closed. */
internal class StaticFile(private val file: OpenFile, modifiedNanos: Long, val type: String) : AutoCloseable {

    val size: Long = file.size()
    val validators = Validators(modifiedNanos, size)

    /** What parts of it are wanted: null for the whole, also if the client has a part of another version; none if it has none. */
    fun rangesFor(head: RequestHead): List<ByteRange>? {
        val range = head.range ?: return null
        if (head.method != Method.GET || !validators.isOfThisVersion(head.ifRange)) return null // RFC 9110, 14.2
        return ByteRange.of(range, size)
    }

    /**
     * Sends a part of it, after what the connection's writer has: by sendfile(2), so the bytes never come here.
     *
     * @throws NetparkException.Truncated the file has been cut off since it was opened: what was promised is not there
     */
    suspend fun send(connection: Connection, part: ByteRange) {
        if (file.size() < part.end) throw NetparkException.Truncated("$file has been cut off")
        connection.sendFile(file, part.offset, part.length)
    }

    override fun close(): Unit = file.close()
}
