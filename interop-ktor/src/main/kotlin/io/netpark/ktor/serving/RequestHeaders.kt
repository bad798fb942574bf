package io.netpark.ktor.serving

import io.ktor.http.Headers
import java.nio.ByteBuffer
import java.util.Collections
import java.util.TreeMap
import kotlin.text.Charsets.ISO_8859_1

/**
 * The header fields of a request as they came, in order. Text is made when it is first asked for. Values are of ISO 8859-1: each
 * byte is a character, so nothing is lost. Nobody can change them, so requests that have the same share them.
 *
 * @param bytes name and value of each field, one after another
 * @param ends where each name and each value ends, by turns
 * @property count how many fields there are
 */
internal class RequestHeaders(private val bytes: ByteArray, private val ends: IntArray, val count: Int) : Headers {

    /** The value of each field that was asked for, alone in a list: that is how Ktor asks. Whoever comes second finds it here. */
    private var values: Array<List<String>?>? = null

    override val caseInsensitiveName: Boolean get() = true

    /** Whether a connection may keep them while it waits for the next request: an idle connection is to hold little. */
    val isShort: Boolean get() = count == 0 || ends[2 * count - 1] <= MOST_KEPT

    override fun get(name: String): String? {
        val index = find(name, 0)
        return if (index < 0) null else value(index)
    }

    override fun getAll(name: String): List<String>? {
        val first = find(name, 0)
        if (first < 0) return null
        val second = find(name, first + 1)
        if (second < 0) return alone(first)
        val all = mutableListOf(value(first))
        var index = second
        while (index >= 0) {
            all += value(index)
            index = find(name, index + 1)
        }
        return all
    }

    override fun contains(name: String): Boolean = find(name, 0) >= 0

    override fun contains(name: String, value: String): Boolean {
        var index = find(name, 0)
        while (index >= 0) {
            if (value(index) == value) return true
            index = find(name, index + 1)
        }
        return false
    }

    /** As the names came, each once. */
    override fun names(): Set<String> = byName().keys

    override fun entries(): Set<Map.Entry<String, List<String>>> = byName().entries

    override fun isEmpty(): Boolean = count == 0

    /** In alphabetical order, which is as good as any, and needs no text in lower case. */
    private fun byName(): Map<String, List<String>> {
        val all = TreeMap<String, MutableList<String>>(String.CASE_INSENSITIVE_ORDER)
        for (index in 0 until count) all.getOrPut(name(index)) { ArrayList(1) } += value(index)
        return Collections.unmodifiableMap(all)
    }

    /** The first field of this name from [from] on, or -1. */
    private fun find(name: String, from: Int): Int {
        for (index in from until count) {
            val start = if (index == 0) 0 else ends[2 * index - 1]
            if (ends[2 * index] - start == name.length && isText(start, name)) return index
        }
        return -1
    }

    private fun isText(at: Int, text: String): Boolean {
        for (i in text.indices) if (lower(bytes[at + i].toInt()) != lower(text[i].code)) return false
        return true
    }

    private fun name(index: Int): String {
        val start = if (index == 0) 0 else ends[2 * index - 1]
        return String(bytes, start, ends[2 * index] - start, ISO_8859_1)
    }

    private fun value(index: Int): String = alone(index)[0]

    /** A race makes it twice, and does no harm: it does not change. */
    private fun alone(index: Int): List<String> {
        val values = values ?: arrayOfNulls<List<String>>(count).also { values = it }
        return values[index] ?: Collections.singletonList(textOfValue(index)).also { values[index] = it }
    }

    private fun textOfValue(index: Int): String {
        val start = ends[2 * index]
        return String(bytes, start, ends[2 * index + 1] - start, ISO_8859_1)
    }

    // What HeadFields asks

    /** Whether the field of an index has this name and value, byte for byte. */
    fun isField(index: Int, line: ByteBuffer, name: Int, nameLength: Int, value: Int, valueLength: Int): Boolean {
        if (index >= count) return false
        val start = if (index == 0) 0 else ends[2 * index - 1]
        val middle = ends[2 * index]
        if (middle - start != nameLength || ends[2 * index + 1] - middle != valueLength) return false
        return isAt(line, name, start, nameLength) && isAt(line, value, middle, valueLength)
    }

    private fun isAt(line: ByteBuffer, at: Int, start: Int, length: Int): Boolean {
        for (i in 0 until length) if (line.get(at + i) != bytes[start + i]) return false
        return true
    }

    /** The first fields, so many. */
    fun first(count: Int): RequestHeaders = RequestHeaders(bytes, ends, count)

    /** Copies the first fields, so many, to other arrays. */
    fun copyFields(count: Int, toBytes: ByteArray, toEnds: IntArray) {
        if (count > 0) bytes.copyInto(toBytes, 0, 0, ends[2 * count - 1])
        ends.copyInto(toEnds, 0, 0, 2 * count)
    }

    override fun toString(): String = "Headers ${entries()}"

    companion object {
        val NONE: RequestHeaders = RequestHeaders(ByteArray(0), IntArray(0), 0)

        /** In bytes. */
        const val MOST_KEPT: Int = 1024

        private fun lower(code: Int): Int = if (code >= 'A'.code && code <= 'Z'.code) code + ('a' - 'A') else code
    }
}
