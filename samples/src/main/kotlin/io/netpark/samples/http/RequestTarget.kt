package io.netpark.samples.http

import io.netpark.samples.http.RequestHead.Companion.refuse
import java.nio.ByteBuffer
import java.nio.charset.CharacterCodingException

/** What a request is for (RFC 9112, 3.2): a view of the request line. */
internal class RequestTarget {

    private var line: ByteBuffer = ByteBuffer.allocate(0)
    private var from = 0
    private var to = 0

    /** Takes the bytes from an index to another, and finds the path in them. */
    fun set(method: Method, line: ByteBuffer, from: Int, to: Int) {
        this.line = line
        this.from = if (line.get(from) == SLASH) from else pathOfOtherForm(method, line, from, to)
        this.to = this.from
        while (this.to < to && line.get(this.to) != QUERY) this.to++
        for (i in this.from until to) if (line.get(i) == FRAGMENT) refuse("a fragment is not for servers")
        if (this.from == this.to) { // a URI may have no path, and means this one (RFC 9110, 4.2.3)
            this.line = ROOT
            this.from = 0
            this.to = ROOT.limit()
        }
    }

    /** An absolute URI, which servers must understand as well, or the asterisk. */
    private fun pathOfOtherForm(method: Method, line: ByteBuffer, from: Int, to: Int): Int {
        if (method == Method.OPTIONS && to - from == 1 && line.get(from) == ASTERISK) return from
        if (to - from <= SCHEME.length) refuse("a target that is no path")
        for (i in SCHEME.indices) if (Ascii.lower(line.get(from + i)) != SCHEME[i].code) refuse("a target that is no path")
        var path = from + SCHEME.length
        while (path < to && line.get(path) != SLASH && line.get(path) != QUERY) {
            if (!Ascii.isHost(line.get(path))) refuse("a target without a host")
            path++
        }
        if (path == from + SCHEME.length) refuse("a target without a host")
        return path
    }

    fun isPath(path: ByteArray): Boolean {
        if (to - from != path.size) return false
        for (i in path.indices) if (line.get(from + i) != path[i]) return false
        return true
    }

    /**
     * The path as text, without its first slash. It names something below a folder, and nothing else: no segment is a dot or two,
     * and neither a slash that was encoded nor a backslash nor a control character is in it. Who sends such has no good reason.
     */
    fun path(): String {
        val decoded = ByteBuffer.allocate(to - from)
        var i = from
        while (i < to) {
            val byte = line.get(i++)
            if (byte != PERCENT) {
                decoded.put(byte)
                continue
            }
            if (i + 2 > to) refuse("a percent sign without two digits")
            val high = Ascii.hexadecimal(line.get(i))
            val low = Ascii.hexadecimal(line.get(i + 1))
            if (high < 0 || low < 0) refuse("a percent sign without two digits")
            val value = (high shl 4 or low).toByte()
            if (value == SLASH) refuse("an encoded slash")
            decoded.put(value)
            i += 2
        }
        val path = text(decoded.flip())
        if (path.any { it < ' ' || it == '\\' || it == DELETE }) refuse("a character that no path has")
        if (path.split('/').any { it == "." || it == ".." }) refuse("a path that leads elsewhere")
        return path.substring(1)
    }

    private fun text(bytes: ByteBuffer): String = try {
        Charsets.UTF_8.newDecoder().decode(bytes).toString()
    } catch (_: CharacterCodingException) {
        refuse("a path that is no UTF-8")
    }

    private companion object {
        val ROOT: ByteBuffer = ByteBuffer.wrap("/".encodeToByteArray()).asReadOnlyBuffer()
        const val SCHEME = "http://"
        const val SLASH = '/'.code.toByte()
        const val QUERY = '?'.code.toByte()
        const val FRAGMENT = '#'.code.toByte()
        const val ASTERISK = '*'.code.toByte()
        const val PERCENT = '%'.code.toByte()
        const val DELETE = '\u007F'
    }
}
