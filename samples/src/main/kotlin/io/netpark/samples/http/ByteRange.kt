package io.netpark.samples.http

/** A part of something: [length] bytes from [offset] on. */
internal data class ByteRange(val offset: Long, val length: Long) {

    companion object {
        /** Asked for, and not there. */
        val NOTHING = ByteRange(0, 0)
        private val SINGLE = Regex("""bytes=[ \t]*(\d{0,18})-(\d{0,18})[ \t]*""", RegexOption.IGNORE_CASE)

        /**
         * What the value of a field Range asks for (RFC 9110, 14): one range, from a byte to another, or to the end, or the last
         * so many bytes. A server may ignore the field, and this does for several ranges, as for what is no range of bytes.
         *
         * @param size of the whole
         * @return null for the whole, [NOTHING] if the range has no byte of it
         */
        fun of(value: String, size: Long): ByteRange? {
            val (first, last) = (SINGLE.matchEntire(value) ?: return null).destructured
            if (first.isEmpty()) {
                val count = minOf(last.toLongOrNull() ?: return null, size)
                return if (count == 0L) NOTHING else ByteRange(size - count, count)
            }
            val from = first.toLong()
            val to = if (last.isEmpty()) Long.MAX_VALUE else last.toLong()
            return when {
                to < from -> null
                from >= size -> NOTHING
                else -> ByteRange(from, minOf(to, size - 1) - from + 1)
            }
        }
    }
}
