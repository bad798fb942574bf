package io.netpark.core.testing

import java.net.DatagramSocket
import java.net.InetAddress
import java.net.InetSocketAddress
import java.net.Socket

/**
 * A TCP port that is taken and at which nobody listens: who dials it is refused. A test may listen on it, as SO_REUSEADDR is on;
 * nobody else gets it by chance until this is closed.
 */
class HeldPort(host: String = "127.0.0.1") : AutoCloseable {
    private val socket = Socket().apply {
        reuseAddress = true
        bind(InetSocketAddress(InetAddress.getByName(host), 0))
    }

    val address = InetSocketAddress(socket.localAddress, socket.localPort)
    val port: Int get() = address.port

    override fun close() = socket.close()
}

/** A UDP port that is taken, by somebody who hears only one other: who sends to it learns that nobody is there. */
class HeldDatagramPort(host: String = "127.0.0.1") : AutoCloseable {
    private val socket = DatagramSocket(InetSocketAddress(InetAddress.getByName(host), 0)).apply { connect(localSocketAddress) }

    val address = InetSocketAddress(socket.localAddress, socket.localPort)

    override fun close() = socket.close()
}
