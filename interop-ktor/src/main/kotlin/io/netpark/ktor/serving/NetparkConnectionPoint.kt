package io.netpark.ktor.serving

import io.ktor.http.HttpMethod
import io.ktor.http.RequestConnectionPoint

/**
 * What Ktor asks about one request and its connection. Nothing of it changes, so requests that are the same share it.
 *
 * [remoteHost] and [localHost] are looked up only by a caller that may wait: on an event loop they are addresses, or `localhost`.
 *
 * @param authority host and port of a request for a whole URI, which go before the field Host (RFC 9112, 3.2.2)
 */
internal class NetparkConnectionPoint(
    private val origin: Origin,
    val headers: RequestHeaders,
    private val authority: String?,
    override val method: HttpMethod,
    override val uri: String,
    override val version: String,
) : RequestConnectionPoint {

    override val scheme: String get() = origin.scheme
    override val localPort: Int get() = origin.localPort
    override val localHost: String get() = origin.localHost
    override val localAddress: String get() = origin.localAddress
    override val remotePort: Int get() = origin.remotePort
    override val remoteHost: String get() = origin.remoteHost
    override val remoteAddress: String get() = origin.remoteAddress

    @Deprecated("Use localHost or serverHost instead")
    override val host: String get() = localHost

    @Deprecated("Use localPort or serverPort instead")
    override val port: Int get() = localPort

    override val serverHost: String
        get() {
            val named = named() ?: return localHost
            val colon = portColon(named)
            return if (colon < 0) named else named.substring(0, colon)
        }

    override val serverPort: Int
        get() {
            val named = named() ?: return localPort
            val colon = portColon(named)
            if (colon < 0) return origin.defaultPort
            return named.substring(colon + 1).toIntOrNull() ?: origin.defaultPort
        }

    private fun named(): String? = (authority ?: headers["Host"])?.ifEmpty { null }

    /** The colon before the port: behind the bracket that ends an IPv6 address. */
    private fun portColon(named: String): Int = named.lastIndexOf(':').let { if (it > named.lastIndexOf(']')) it else -1 }

    /** Whether it is as good as one that would be made of these. */
    fun isOf(headers: RequestHeaders, authority: String?, method: HttpMethod, uri: String, version: String): Boolean =
        this.headers === headers && this.uri === uri && this.version === version && this.method == method &&
            this.authority == authority

    override fun toString(): String = "$method $uri $version from $remoteAddress:$remotePort"
}
