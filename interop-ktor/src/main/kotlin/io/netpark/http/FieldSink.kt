package io.netpark.http

import java.nio.ByteBuffer
import kotlin.text.Charsets.ISO_8859_1

/**
 * Is told of every field of a head, in order, as it is parsed. The parser has checked by then that name and value have no byte
 * that they must not have. It calls on the thread that parses.
 */
public fun interface FieldSink {

    /** A head, or a body with trailers, begins. What is known of the one before is over. */
    public fun begin() {}

    /**
     * A field. The bytes are the parser's and may be looked at until this returns. A name is ASCII in any case. A value has no
     * blanks around it, and may have bytes above 127.
     *
     * @param line what the indexes are of
     * @param name where the name begins
     * @param nameEnd the index behind the name
     * @param value where the value begins
     * @param valueEnd the index behind the value
     * @throws Refusal the request is to be refused because of it
     */
    public fun field(line: ByteBuffer, name: Int, nameEnd: Int, value: Int, valueEnd: Int)

    /** What sinks do with the bytes of a line. */
    public companion object {

        /** Whether the bytes from [from] to [to] are [text], which is in lower case, without regard to case. */
        @JvmStatic
        public fun isText(line: ByteBuffer, from: Int, to: Int, text: String): Boolean =
            to - from == text.length && Ascii.isText(line, from, text)

        /** The bytes from [from] to [to] as text of ISO 8859-1: every byte is a character, so nothing is lost. */
        @JvmStatic
        public fun text(line: ByteBuffer, from: Int, to: Int): String {
            val bytes = ByteArray(to - from)
            line.get(from, bytes)
            return String(bytes, ISO_8859_1)
        }
    }
}
