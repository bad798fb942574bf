package io.netpark.samples.http

import java.util.UUID

/**
 * Several parts of a file as one body, multipart/byteranges (RFC 9110, 14.6): before each part stands where it is from, and
 * behind the last that there are no more.
 */
internal class ByteRanges(val ranges: List<ByteRange>, file: StaticFile) {

    /** In no part, but by a chance that there is not: nobody can foresee it, so nobody can have put it into the file. */
    private val boundary = UUID.randomUUID().toString()

    /** The type of the whole body. */
    val type: String = "multipart/byteranges; boundary=$boundary"

    /** What stands before each of [ranges]. */
    val heads: List<ByteArray> = ranges.mapIndexed { index, range ->
        val start = if (index == 0) "" else "\r\n"
        "$start--$boundary\r\nContent-Type: ${file.type}\r\nContent-Range: ${range.of(file.size)}\r\n\r\n".encodeToByteArray()
    }

    /** What stands behind the last. */
    val tail: ByteArray = "\r\n--$boundary--\r\n".encodeToByteArray()

    /** Of the whole body. */
    val length: Long = heads.sumOf { it.size.toLong() } + ranges.sumOf { it.length } + tail.size
}
