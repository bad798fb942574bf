package io.netpark.samples.websocket

import java.io.IOException

/**
 * A request that is answered by an error, after which the connection is closed.
 *
 * @property status of RFC 9110, 15
 * @property fields what the answer has besides, such as what would be accepted
 */
class Refusal @JvmOverloads constructor(
    val status: Int,
    message: String,
    private val fields: Map<String, String> = emptyMap(),
) : IOException(message) {

    /** The whole answer. */
    fun response(): ByteArray = response(status, "text/plain; charset=utf-8", "$message\n".encodeToByteArray(), fields)

    override fun fillInStackTrace(): Throwable = this
}

/** An answer of HTTP/1.1, the last of its connection. */
fun response(
    status: Int,
    type: String,
    body: ByteArray,
    fields: Map<String, String> = emptyMap(),
    withBody: Boolean = true,
): ByteArray {
    val head = buildString {
        append("HTTP/1.1 $status ${REASONS.getValue(status)}\r\n")
        append("Content-Type: $type\r\nContent-Length: ${body.size}\r\n")
        append("X-Content-Type-Options: nosniff\r\n")
        for ((name, value) in fields) append("$name: $value\r\n")
        append(if ("Connection" in fields) "\r\n" else "Connection: close\r\n\r\n")
    }.encodeToByteArray()
    return if (withBody) head + body else head
}

private val REASONS = mapOf(
    200 to "OK",
    400 to "Bad Request",
    403 to "Forbidden",
    404 to "Not Found",
    405 to "Method Not Allowed",
    408 to "Request Timeout",
    426 to "Upgrade Required",
    431 to "Request Header Fields Too Large",
    505 to "HTTP Version Not Supported",
)
