package io.netpark.http

import java.nio.ByteBuffer

/**
 * Fields that mean nothing behind a body (RFC 9110, 6.5.1): they are about framing, routing, authentication, the handling of the
 * request and the form of the content, and all of that was decided before the body.
 */
internal object Trailers {

    private val FORBIDDEN = listOf(
        "authorization", "cache-control", "connection", "content-encoding", "content-length", "content-range", "content-type",
        "cookie", "expect", "host", "if-match", "if-modified-since", "if-none-match", "if-range", "if-unmodified-since",
        "keep-alive", "max-forwards", "pragma", "proxy-authorization", "proxy-connection", "range", "set-cookie", "te", "trailer",
        "transfer-encoding", "upgrade",
    )

    fun isForbidden(line: ByteBuffer, from: Int, to: Int): Boolean = FORBIDDEN.any { FieldSink.isText(line, from, to, it) }
}
