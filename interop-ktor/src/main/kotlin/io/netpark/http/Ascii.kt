package io.netpark.http

import java.nio.ByteBuffer

/** What bytes may stand where: RFC 9110, 5.5 and 5.6.2, and RFC 3986, 3.2.2. */
internal object Ascii {

    const val SPACE = ' '.code.toByte()
    const val CR = '\r'.code.toByte()
    const val LF = '\n'.code.toByte()

    private const val TOKEN = 1
    private const val VALUE = 2
    private const val HOST = 4

    private val kinds = ByteArray(256).also { kinds ->
        fun allow(kind: Int, code: Int) {
            kinds[code] = (kinds[code].toInt() or kind).toByte()
        }
        val alphanumeric = ('0'..'9') + ('a'..'z') + ('A'..'Z')
        (alphanumeric + "!#$%&'*+-.^_`|~".toList()).forEach { allow(TOKEN, it.code) }
        (alphanumeric + "-._~%!$&'()*+,;=:[]".toList()).forEach { allow(HOST, it.code) }
        (listOf('\t'.code) + (' '.code..'~'.code) + (0x80..0xFF)).forEach { allow(VALUE, it) }
    }

    /** In the name of a method or a field. */
    fun isToken(byte: Byte): Boolean = isA(TOKEN, byte)

    /** In the value of a field. */
    fun isFieldValue(byte: Byte): Boolean = isA(VALUE, byte)

    /** In a host and port. */
    fun isHost(byte: Byte): Boolean = isA(HOST, byte)

    private fun isA(kind: Int, byte: Byte) = kinds[byte.toInt() and 0xFF].toInt() and kind != 0

    /** A blank between the parts of a line. */
    fun isBlank(byte: Byte): Boolean = byte == SPACE || byte == '\t'.code.toByte()

    /** The code of a letter in lower case; of anything else its own. */
    fun lower(byte: Byte): Int = if (byte in 'A'.code..'Z'.code) byte + ('a' - 'A') else byte.toInt()

    /** The value of a decimal digit, or -1. */
    fun digit(byte: Byte): Int = if (byte in '0'.code..'9'.code) byte - '0'.code else -1

    /** The value of a hexadecimal digit, or -1. */
    fun hexadecimal(byte: Byte): Int = when (byte) {
        in '0'.code..'9'.code -> byte - '0'.code
        in 'a'.code..'f'.code -> byte - 'a'.code + 10
        in 'A'.code..'F'.code -> byte - 'A'.code + 10
        else -> -1
    }

    /** Whether these bytes stand at an index. */
    fun isAt(line: ByteBuffer, at: Int, bytes: ByteArray): Boolean {
        for (i in bytes.indices) if (line.get(at + i) != bytes[i]) return false
        return true
    }

    /** Whether this text stands at an index, without regard to case; [text] is in lower case. */
    fun isText(line: ByteBuffer, at: Int, text: String): Boolean {
        for (i in text.indices) if (lower(line.get(at + i)) != text[i].code) return false
        return true
    }
}
