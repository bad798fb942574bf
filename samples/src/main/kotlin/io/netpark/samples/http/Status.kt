package io.netpark.samples.http

/** What an answer says first (RFC 9110, 15). */
enum class Status(val code: Int, private val reason: String) {
    CONTINUE(100, "Continue"),
    OK(200, "OK"),
    PARTIAL_CONTENT(206, "Partial Content"),
    NOT_MODIFIED(304, "Not Modified"),
    BAD_REQUEST(400, "Bad Request"),
    NOT_FOUND(404, "Not Found"),
    METHOD_NOT_ALLOWED(405, "Method Not Allowed"),
    REQUEST_TIMEOUT(408, "Request Timeout"),
    PRECONDITION_FAILED(412, "Precondition Failed"),
    CONTENT_TOO_LARGE(413, "Content Too Large"),
    URI_TOO_LONG(414, "URI Too Long"),
    RANGE_NOT_SATISFIABLE(416, "Range Not Satisfiable"),
    EXPECTATION_FAILED(417, "Expectation Failed"),
    FIELDS_TOO_LARGE(431, "Request Header Fields Too Large"),
    NOT_IMPLEMENTED(501, "Not Implemented"),
    SERVICE_UNAVAILABLE(503, "Service Unavailable"),
    VERSION_NOT_SUPPORTED(505, "HTTP Version Not Supported");

    /** As the first line, with its end. */
    val line: ByteArray = "HTTP/1.1 $this\r\n".encodeToByteArray()

    override fun toString(): String = "$code $reason"
}

/**
 * A request that cannot be understood, or is too much. It is answered with [status], and that is the end of its connection: where
 * the next request would begin nobody can tell, and who guesses can be made to see a request that nobody sent.
 */
class Refusal(val status: Status, why: String) : Exception(why, null, false, false) // thrown often by who means no good: no stack
