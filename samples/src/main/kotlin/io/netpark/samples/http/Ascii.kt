package io.netpark.samples.http

/** What bytes may stand where: RFC 9110, 5.5 and 5.6.2, and RFC 3986, 3.2.2. */
internal object Ascii {

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

    /** The code of a letter in lower case; of anything else its own. */
    fun lower(byte: Byte): Int = if (byte in 'A'.code..'Z'.code) byte + ('a' - 'A') else byte.toInt()

    /** The value of a hexadecimal digit, or -1. */
    fun hexadecimal(byte: Byte): Int = Character.digit(byte.toInt(), 16)
}
