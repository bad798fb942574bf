package io.netpark.samples.http

/** A part of something: [length] bytes from [offset] on; at least one. */
internal data class ByteRange(val offset: Long, val length: Long) {

    /** The first byte behind it. */
    val end: Long get() = offset + length

    /** As Content-Range names it, of so many bytes in all. */
    fun of(size: Long): String = "bytes $offset-${end - 1}/$size"

    /** The least that has both, and what is between them. */
    private fun with(other: ByteRange): ByteRange {
        val from = minOf(offset, other.offset)
        return ByteRange(from, maxOf(end, other.end) - from)
    }

    private fun isNear(other: ByteRange) = offset <= other.end + NEAR && other.offset <= end + NEAR

    companion object {
        /** More are no reader's, and each costs the server more than the client. */
        const val MOST = 32
        /** About what the head of a part takes: to send what is between two ranges is no more than to send them apart. */
        private const val NEAR = 100L
        private val UNIT = Regex("""bytes=(.*)""", RegexOption.IGNORE_CASE)
        private val SPEC = Regex("""(\d*)-(\d*)""")

        /**
         * What the value of a field Range asks for (RFC 9110, 14): each range from a byte to another, or to the end, or the last
         * so many bytes. Those that overlap or nearly touch come as one, so all of them together are never more than the whole;
         * the rest are in the order in which they were asked for.
         *
         * A server may ignore the field, and this does for what is no range of bytes, and for more than [MOST].
         *
         * @param size of the whole
         * @return null for the whole; nothing if no range has a byte of it
         */
        fun of(value: String, size: Long): List<ByteRange>? {
            val set = (UNIT.matchEntire(value) ?: return null).groupValues[1]
            val specs = set.split(',').map { it.trim(' ', '\t') }.filter { it.isNotEmpty() } // a list may have empty elements
            if (specs.isEmpty() || specs.size > MOST) return null
            val ranges = ArrayList<ByteRange>()
            for (spec in specs) {
                val (first, last) = (SPEC.matchEntire(spec) ?: return null).destructured
                val from = number(first)
                val to = number(last)
                val range = when {
                    from == null -> last(to ?: return null, size)
                    to == null -> between(from, Long.MAX_VALUE, size)
                    to < from -> return null
                    else -> between(from, to, size)
                }
                if (range != null) add(range, ranges)
            }
            return ranges
        }

        /** Digits that are no long are more than any size. */
        private fun number(digits: String): Long? = if (digits.isEmpty()) null else digits.toLongOrNull() ?: Long.MAX_VALUE

        private fun last(count: Long, size: Long): ByteRange? =
            minOf(count, size).let { if (it == 0L) null else ByteRange(size - it, it) }

        private fun between(from: Long, to: Long, size: Long): ByteRange? =
            if (from >= size) null else ByteRange(from, minOf(to, size - 1) - from + 1)

        /** Adds a range; those that it is near to become one with it, where the first of them is. */
        private fun add(range: ByteRange, ranges: MutableList<ByteRange>) {
            var sum = range
            var place = ranges.size
            while (true) {
                val near = ranges.indexOfFirst { it.isNear(sum) }
                if (near < 0) break
                sum = sum.with(ranges.removeAt(near))
                place = minOf(place, near)
            }
            ranges.add(minOf(place, ranges.size), sum)
        }
    }
}
