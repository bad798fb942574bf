package io.netpark.samples.http

import io.netpark.core.net.files.OpenFile
import io.netpark.core.sys.NetparkException
import io.netpark.coroutines.Connection
import io.netpark.coroutines.transfer.sendFile
import java.io.IOException
import java.util.concurrent.TimeUnit

/**
 * An open file, with what clients may ask about it. All of that is asked of what is open: its path may have become another's.
 * Owns it, so it is to be closed.
 *
 * @throws IOException it cannot be looked at: it is closed
 */
internal class StaticFile(private val file: OpenFile, val type: String) : AutoCloseable {

    val size: Long
    val validators: Validators

    init {
        try {
            size = file.size()
            validators = Validators(file.lastModified().to(TimeUnit.NANOSECONDS), size)
        } catch (failure: IOException) {
            file.close()
            throw failure
        }
    }

    /** What parts of it are wanted: null for the whole, also if the client has a part of another version; none if it has none. */
    fun rangesFor(fields: RequestFields): List<ByteRange>? {
        val range = fields.range ?: return null
        if (!validators.isOfThisVersion(fields.ifRange)) return null
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
