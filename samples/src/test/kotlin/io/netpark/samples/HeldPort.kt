package io.netpark.samples

import java.net.InetAddress
import java.net.InetSocketAddress
import java.net.Socket

/**
 * A TCP port of this machine that is taken and at which nobody listens: who dials it is refused. A program of a test may listen
 * on it with SO_REUSEADDR, as servers do; nobody else gets it by chance until this is closed.
 */
internal class HeldPort : AutoCloseable {
    private val socket = Socket().apply {
        reuseAddress = true
        bind(InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
    }

    val port: Int get() = socket.localPort

    override fun close() = socket.close()
}
