package io.netpark.ktor.serving

import io.ktor.server.response.ResponseHeaders

/** The header fields of an answer, in the order in which they were set. Ktor has checked the names. */
internal class AnswerFields : ResponseHeaders() {

    /** Names and values, by turns. */
    private var texts = arrayOfNulls<String>(FIRST_SIZE)

    /** How many fields there are. */
    var count: Int = 0
        private set

    /** The head is on its way, and no field can be added. */
    var isSent: Boolean = false

    fun name(index: Int): String = texts[2 * index]!!

    fun value(index: Int): String = texts[2 * index + 1]!!

    override fun engineAppendHeader(name: String, value: String) {
        if (isSent) throw UnsupportedOperationException("the header $name comes too late: the answer's head has been sent")
        requireText(name, value)
        if (2 * count == texts.size) texts = texts.copyOf(2 * texts.size)
        texts[2 * count] = name
        texts[2 * count + 1] = value
        count++
    }

    override fun get(name: String): String? {
        for (i in 0 until count) if (name(i).equals(name, ignoreCase = true)) return value(i)
        return null
    }

    override fun getEngineHeaderNames(): List<String> = List(count) { name(it) }

    override fun getEngineHeaderValues(name: String): List<String> {
        var values: MutableList<String>? = null
        for (i in 0 until count) {
            if (name(i).equals(name, ignoreCase = true)) values = (values ?: ArrayList(1)).also { it += value(i) }
        }
        return values ?: emptyList()
    }

    /**
     * What the answer says about its length; -1 if it says nothing.
     *
     * @throws IllegalStateException it says two things, or no number
     */
    fun contentLength(): Long {
        var length = NOT_SAID
        for (i in 0 until count) if (isLength(i)) length = agreed(length, lengthAt(i))
        return length
    }

    /**
     * As [contentLength], for an answer that has no body, as one to HEAD. What it says is what another answer would have. Ktor says 0
     * of a content without bytes, and that gives way to a length that the program has set.
     */
    fun promisedLength(): Long {
        var isNothingSaid = false
        var length = NOT_SAID
        for (i in 0 until count) {
            if (!isLength(i)) continue
            val said = lengthAt(i)
            if (said == 0L) isNothingSaid = true else length = agreed(length, said)
        }
        return if (length == NOT_SAID && isNothingSaid) 0 else length
    }

    private fun isLength(index: Int) = name(index).equals("Content-Length", ignoreCase = true)

    private fun lengthAt(index: Int): Long =
        value(index).toLongOrNull()?.takeIf { it >= 0 } ?: error("no Content-Length: ${value(index)}")

    private fun agreed(length: Long, said: Long): Long {
        check(length == NOT_SAID || length == said) { "two lengths for one answer: $length and $said" }
        return said
    }

    companion object {
        const val NOT_SAID: Long = -1
        private const val FIRST_SIZE = 12
        private const val DELETE = '\u007F'

        /** A line break in a value would begin a field, or an answer, that nobody has meant. */
        fun requireText(name: String, value: String) {
            for (char in value) {
                require(char >= ' ' && char != DELETE || char == '\t') { "the value of $name has a control character" }
            }
        }
    }
}
