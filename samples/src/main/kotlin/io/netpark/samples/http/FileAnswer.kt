package io.netpark.samples.http

import io.netpark.coroutines.Connection
import io.netpark.http.Method
import io.netpark.http.RequestHead
import io.netpark.http.Status
import io.netpark.samples.http.answers.Answer

/** Answers requests of one connection for files: with the whole, a part or several, or with why not. */
internal class FileAnswer(
    private val connection: Connection,
    private val answer: Answer,
    private val head: RequestHead,
    private val fields: RequestFields,
) {

    suspend fun send(file: StaticFile, closes: Boolean) {
        val obstacle = file.validators.check(fields)
        if (obstacle == Status.PRECONDITION_FAILED) return answer.error(obstacle, closes, head.method == Method.HEAD)
        if (obstacle == Status.NOT_MODIFIED) {
            begin(obstacle, file, closes)
            return answer.end()
        }
        val ranges = if (head.method == Method.GET) file.rangesFor(fields) else null // RFC 9110, 14.2
        when (ranges?.size) {
            null -> whole(file, closes)
            0 -> answer.error(Status.RANGE_NOT_SATISFIABLE, closes, range = "bytes */${file.size}")
            1 -> part(file, ranges.single(), closes)
            else -> parts(file, ByteRanges(ranges, file), closes)
        }
    }

    private fun begin(status: Status, file: StaticFile, closes: Boolean) {
        answer.begin(status, closes, head.mustBeToldToStay)
        answer.field("ETag", file.validators.tag)
        answer.field("Last-Modified", file.validators.lastModified)
        answer.field("Accept-Ranges", "bytes")
    }

    private suspend fun whole(file: StaticFile, closes: Boolean) {
        begin(Status.OK, file, closes)
        answer.field("Content-Type", file.type)
        answer.length(file.size)
        answer.end()
        if (head.method != Method.HEAD && file.size > 0) file.send(connection, ByteRange(0, file.size))
    }

    private suspend fun part(file: StaticFile, range: ByteRange, closes: Boolean) {
        begin(Status.PARTIAL_CONTENT, file, closes)
        answer.field("Content-Type", file.type)
        answer.field("Content-Range", range.of(file.size))
        answer.length(range.length)
        answer.end()
        file.send(connection, range)
    }

    private suspend fun parts(file: StaticFile, parts: ByteRanges, closes: Boolean) {
        begin(Status.PARTIAL_CONTENT, file, closes)
        answer.field("Content-Type", parts.type)
        answer.length(parts.length)
        answer.end()
        for ((range, partHead) in parts.ranges zip parts.heads) {
            connection.writer.put(partHead)
            file.send(connection, range)
        }
        connection.writer.put(parts.tail)
    }
}
