package io.netpark.samples.http

import io.netpark.http.FieldSink
import io.netpark.http.Refusal
import io.netpark.http.Status
import java.nio.ByteBuffer

/** The fields of a request that say which part of a file is wanted, and whether it is (RFC 9110, 13 and 14). */
internal class RequestFields : FieldSink {

    /** The value of the field Range, or null. */
    var range: String? = null
        private set

    /** The value of the field If-Range, or null. */
    var ifRange: String? = null
        private set

    /** The value of the field If-Match, or null. */
    var ifMatch: String? = null
        private set

    /** The value of the field If-Unmodified-Since, or null. */
    var ifUnmodifiedSince: String? = null
        private set

    /** The value of the field If-None-Match, or null. */
    var ifNoneMatch: String? = null
        private set

    /** The value of the field If-Modified-Since, or null. */
    var ifModifiedSince: String? = null
        private set

    override fun begin() {
        range = null
        ifRange = null
        ifMatch = null
        ifUnmodifiedSince = null
        ifNoneMatch = null
        ifModifiedSince = null
    }

    override fun field(line: ByteBuffer, name: Int, nameEnd: Int, value: Int, valueEnd: Int) {
        fun isCalled(text: String) = FieldSink.isText(line, name, nameEnd, text)
        fun text() = FieldSink.text(line, value, valueEnd)
        fun once(known: String?) = if (known == null) text() else throw Refusal(Status.BAD_REQUEST, "a field twice")
        fun joined(known: String?) = if (known == null) text() else known + ", " + text()
        when (nameEnd - name) { // a name's length says at once which it could be
            5 -> if (isCalled("range")) range = once(range)
            8 -> if (isCalled("if-range")) ifRange = once(ifRange) else if (isCalled("if-match")) ifMatch = joined(ifMatch)
            13 -> if (isCalled("if-none-match")) ifNoneMatch = joined(ifNoneMatch)
            17 -> if (isCalled("if-modified-since")) ifModifiedSince = once(ifModifiedSince)
            19 -> if (isCalled("if-unmodified-since")) ifUnmodifiedSince = once(ifUnmodifiedSince)
        }
    }
}
