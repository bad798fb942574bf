package io.netpark.ktor.serving

import io.netpark.core.loop.EventLoop
import io.netpark.coroutines.Connection
import java.net.InetAddress
import java.net.InetSocketAddress

/**
 * Where the requests of a connection come from, and where they have come to. Text is made when it is first asked for.
 *
 * A unix socket has no hosts and ports: its client is `unknown`, and it is at `localhost`.
 */
internal class Origin(connection: Connection, val scheme: String) {

    private val remote = connection.remoteAddress as? InetSocketAddress
    private val local = connection.localAddress as? InetSocketAddress

    val defaultPort: Int get() = if (scheme == "https") HTTPS_PORT else HTTP_PORT
    val localPort: Int get() = local?.port ?: defaultPort
    val remotePort: Int get() = remote?.port ?: 0

    val localAddress: String by lazy(LazyThreadSafetyMode.PUBLICATION) { local?.address?.hostAddress ?: LOCALHOST }
    val remoteAddress: String by lazy(LazyThreadSafetyMode.PUBLICATION) { remote?.address?.hostAddress ?: UNKNOWN }
    val localHost: String get() = local?.address?.let(::nameOf) ?: LOCALHOST
    val remoteHost: String get() = remote?.address?.let(::nameOf) ?: UNKNOWN

    /** A look-up may take seconds, in which a loop would serve nobody: on a loop an address is its own name. */
    private fun nameOf(address: InetAddress): String = when {
        address.isLoopbackAddress -> LOCALHOST
        EventLoop.current() != null -> address.hostAddress
        else -> address.hostName
    }

    private companion object {
        const val HTTP_PORT = 80
        const val HTTPS_PORT = 443
        const val LOCALHOST = "localhost"
        const val UNKNOWN = "unknown"
    }
}
