package io.netpark.ktor.serving

import io.netpark.http.FieldSink
import java.nio.ByteBuffer

/**
 * Makes [RequestHeaders] of the fields of each head. The heads of a client are much alike, and often the same but for the request
 * line. So the fields are compared, as they come, with those of the head before. As long as they are the same, nothing is copied,
 * and if all are, the headers are the same object. Otherwise they have arrays of their own, as large as those of the head before.
 */
internal class HeadFields : FieldSink {

    private var before = RequestHeaders.NONE

    /** Whether all fields so far are those of the head [before]. */
    private var isSame = true
    private var bytes = EMPTY
    private var ends = NO_ENDS
    private var size = 0
    private var count = 0
    private var sizeBefore = FIRST_SIZE
    private var countBefore = FIRST_COUNT

    override fun begin() {
        isSame = true
        size = 0
        count = 0
    }

    override fun field(line: ByteBuffer, name: Int, nameEnd: Int, value: Int, valueEnd: Int) {
        val nameLength = nameEnd - name
        val valueLength = valueEnd - value
        if (isSame && !before.isField(count, line, name, nameLength, value, valueLength)) part()
        if (!isSame) {
            reserve(nameLength + valueLength)
            line.get(name, bytes, size, nameLength)
            line.get(value, bytes, size + nameLength, valueLength)
            ends[2 * count] = size + nameLength
            ends[2 * count + 1] = size + nameLength + valueLength
        }
        size += nameLength + valueLength
        count++
    }

    /** From here on the fields are others than those of the head before. */
    private fun part() {
        isSame = false
        bytes = ByteArray(maxOf(size, sizeBefore))
        ends = IntArray(2 * maxOf(count, countBefore))
        before.copyFields(count, bytes, ends)
    }

    private fun reserve(more: Int) {
        if (size + more > bytes.size) bytes = bytes.copyOf(maxOf(size + more, 2 * size))
        if (2 * count == ends.size) ends = ends.copyOf(maxOf(2, 4 * count))
    }

    /** The head is whole. What is told from now on is of another. */
    fun take(): RequestHeaders {
        val taken = when {
            !isSame -> RequestHeaders(bytes, ends, count)
            count == before.count -> before
            else -> before.first(count)
        }
        if (count > 0) {
            sizeBefore = size
            countBefore = count
        }
        before = if (taken.isShort) taken else RequestHeaders.NONE
        bytes = EMPTY
        ends = NO_ENDS
        begin()
        return taken
    }

    private companion object {
        const val FIRST_SIZE = 256
        const val FIRST_COUNT = 8
        val EMPTY = ByteArray(0)
        val NO_ENDS = IntArray(0)
    }
}
