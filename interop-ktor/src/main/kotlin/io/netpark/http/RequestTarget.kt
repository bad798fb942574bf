package io.netpark.http

import io.netpark.http.Lines.refuse
import java.nio.ByteBuffer
import java.nio.charset.CharacterCodingException

/**
 * What a request is for (RFC 9112, 3.2): a view of the request line, valid until the reader is released that the head was parsed
 * from.
 *
 * A whole URI, which servers must understand as well, is as good as the path and query in it. What stands before them is its
 * [authority].
 */
public class RequestTarget internal constructor(private val overTls: Boolean) {

    private var line: ByteBuffer = ByteBuffer.allocate(0)
    private var authorityFrom = 0
    private var pathFrom = 0
    private var pathTo = 0
    private var end = 0

    /** Takes the bytes from an index to another, and finds the path in them. */
    internal fun set(isOptions: Boolean, line: ByteBuffer, from: Int, to: Int) {
        this.line = line
        authorityFrom = from
        pathFrom = if (line.get(from) == SLASH) from else pathOfOtherForm(isOptions, line, from, to)
        pathTo = pathFrom
        while (pathTo < to && line.get(pathTo) != QUERY) pathTo++
        end = to
        for (i in pathFrom until to) if (line.get(i) == FRAGMENT) refuse("a fragment is not for servers")
    }

    /** An absolute URI, or the asterisk. */
    private fun pathOfOtherForm(isOptions: Boolean, line: ByteBuffer, from: Int, to: Int): Int {
        if (isOptions && to - from == 1 && line.get(from) == ASTERISK) return from
        authorityFrom = authorityOf(line, from, to)
        var path = authorityFrom
        while (path < to && line.get(path) != SLASH && line.get(path) != QUERY) {
            if (!Ascii.isHost(line.get(path))) refuse("a target without a host")
            path++
        }
        if (path == authorityFrom) refuse("a target without a host")
        return path
    }

    private fun authorityOf(line: ByteBuffer, from: Int, to: Int): Int = when {
        begins(line, from, to, SCHEME) -> from + SCHEME.length
        overTls && begins(line, from, to, TLS_SCHEME) -> from + TLS_SCHEME.length
        else -> refuse("a target that is no path")
    }

    private fun begins(line: ByteBuffer, from: Int, to: Int, scheme: String) =
        to - from > scheme.length && Ascii.isText(line, from, scheme)

    /** A URI may have no path, and means "/" then (RFC 9110, 4.2.3). */
    private val hasNoPath: Boolean get() = pathFrom == pathTo

    /** Whether it is the asterisk of OPTIONS: the server itself. */
    public val isAsterisk: Boolean get() = pathTo - pathFrom == 1 && line.get(pathFrom) == ASTERISK

    /** Whether the path is this one, byte for byte, without the query. */
    public fun isPath(path: ByteArray): Boolean {
        if (hasNoPath) return path.size == 1 && path[0] == SLASH
        return pathTo - pathFrom == path.size && Ascii.isAt(line, pathFrom, path)
    }

    /** Path and query as they came, from the first slash on, or `*`. Nothing is decoded: it is ASCII without blanks. */
    public fun text(): String {
        val text = FieldSink.text(line, pathFrom, end)
        return if (hasNoPath) "/$text" else text
    }

    /** As the other, and [likely] itself if that is it: then nothing is allocated. */
    internal fun text(likely: String): String = if (isText(likely)) likely else text()

    private fun isText(text: String): Boolean {
        if (hasNoPath || end - pathFrom != text.length) return false
        for (i in text.indices) if (line.get(pathFrom + i) != text[i].code.toByte()) return false
        return true
    }

    /** Host and port of a whole URI; null if it was none. It goes before the field Host (RFC 9112, 3.2.2). */
    public fun authority(): String? = if (authorityFrom == pathFrom) null else FieldSink.text(line, authorityFrom, pathFrom)

    /**
     * The path as text, decoded, without its first slash and without the query. It names something below a folder, and nothing
     * else: no segment is a dot or two, and neither a slash that was encoded nor a backslash nor a control character is in it. A
     * client that sends these has no good reason.
     *
     * @throws Refusal the path is malformed, or leads elsewhere
     */
    public fun path(): String {
        if (hasNoPath) return ""
        val decoded = ByteBuffer.allocate(pathTo - pathFrom)
        var i = pathFrom
        while (i < pathTo) {
            val byte = line.get(i++)
            if (byte != PERCENT) {
                decoded.put(byte)
                continue
            }
            if (i + 2 > pathTo) refuse("a percent sign without two digits")
            val high = Ascii.hexadecimal(line.get(i))
            val low = Ascii.hexadecimal(line.get(i + 1))
            if (high < 0 || low < 0) refuse("a percent sign without two digits")
            val value = (high shl 4 or low).toByte()
            if (value == SLASH) refuse("an encoded slash")
            decoded.put(value)
            i += 2
        }
        val path = utf8(decoded.flip())
        if (path.any { it < ' ' || it == '\\' || it == DELETE }) refuse("a character that no path has")
        if (path.split('/').any { it == "." || it == ".." }) refuse("a path that leads elsewhere")
        return path.substring(1)
    }

    private fun utf8(bytes: ByteBuffer): String = try {
        Charsets.UTF_8.newDecoder().decode(bytes).toString()
    } catch (_: CharacterCodingException) {
        refuse("a path that is no UTF-8")
    }

    private companion object {
        const val SCHEME = "http://"
        const val TLS_SCHEME = "https://"
        const val SLASH = '/'.code.toByte()
        const val QUERY = '?'.code.toByte()
        const val FRAGMENT = '#'.code.toByte()
        const val ASTERISK = '*'.code.toByte()
        const val PERCENT = '%'.code.toByte()
        const val DELETE = '\u007F'
    }
}
