package io.netpark.ktor.serving

import io.ktor.http.HttpMethod
import io.netpark.http.Method
import io.netpark.http.RequestHead

/**
 * Makes of each head of a connection what Ktor asks about it. A request that is the same as the one before, as it often is, is told
 * by the same object.
 */
internal class RequestPoints(private val head: RequestHead, private val fields: HeadFields, private val origin: Origin) {

    private var before: NetparkConnectionPoint? = null

    /** The head is whole. What is taken of it does not lie in the connection's memory. */
    fun take(): NetparkConnectionPoint {
        val before = before
        val headers = fields.take()
        val authority = head.target.authority()
        val uri = head.target.text(likely = before?.uri.orEmpty())
        val method = methodOf(head)
        val version = versionOf(head)
        if (before != null && before.isOf(headers, authority, method, uri, version)) return before
        val point = NetparkConnectionPoint(origin, headers, authority, method, uri, version)
        this.before = if (headers.isShort && uri.length <= RequestHeaders.MOST_KEPT) point else null
        return point
    }

    private companion object {

        fun methodOf(head: RequestHead): HttpMethod = when (head.method) {
            Method.GET -> HttpMethod.Get
            Method.HEAD -> HttpMethod.Head
            Method.POST -> HttpMethod.Post
            Method.PUT -> HttpMethod.Put
            Method.DELETE -> HttpMethod.Delete
            Method.OPTIONS -> HttpMethod.Options
            Method.PATCH -> HttpMethod.Patch
            Method.TRACE, null -> HttpMethod.parse(head.methodText())
        }

        fun versionOf(head: RequestHead): String = when (head.minorVersion) {
            0 -> "HTTP/1.0"
            1 -> "HTTP/1.1"
            else -> "HTTP/1.${head.minorVersion}"
        }
    }
}
