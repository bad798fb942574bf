package io.netpark.samples

import java.net.Inet6Address
import java.net.InetAddress
import java.net.InetSocketAddress
import java.net.UnknownHostException

/** The address of a host by name or number. */
internal fun lookUp(host: String): InetAddress = try {
    InetAddress.getByName(host)
} catch (e: UnknownHostException) {
    throw UnknownHostException("$host is not a known host").apply { initCause(e) }
}

/** As everything here writes it: 127.0.0.1:7000, [0:0:0:0:0:0:0:1]:7000. */
internal fun text(address: InetSocketAddress): String {
    val host = address.address.hostAddress
    return (if (address.address is Inet6Address) "[$host]" else host) + ":" + address.port
}

/**
 * A signal makes the JVM run its shutdown hooks, and that is the supported way to hear of one. But then it ends with
 * 128 and the signal's number, as if it had been killed: a supervisor would take an orderly end for a failure. Only
 * halt can still say otherwise; it runs nothing else, so it comes last. Nothing but a signal gets here: the event
 * loops keep the process alive, and nobody calls exit once they run.
 *
 * @param last runs when the server is closed
 */
internal fun closeAtSignal(server: AutoCloseable, last: () -> Unit = {}) {
    val close = Thread({
        server.close()
        last()
        Runtime.getRuntime().halt(0)
    }, "drain")
    Runtime.getRuntime().addShutdownHook(close)
}
