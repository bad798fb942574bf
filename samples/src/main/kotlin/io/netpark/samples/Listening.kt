package io.netpark.samples

import java.net.Inet6Address
import java.net.InetAddress
import java.net.InetSocketAddress
import java.net.UnknownHostException

// What programs that listen have in common.

/** The address of a host. Its message is for the program's user. */
fun lookUp(host: String): InetAddress = try {
    InetAddress.getByName(host)
} catch (e: UnknownHostException) {
    throw UnknownHostException("$host is not a known host").apply { initCause(e) }
}

/** HOST:PORT, as it stands in a URL. */
fun text(address: InetSocketAddress): String {
    val host = address.address.hostAddress
    return (if (address.address is Inet6Address) "[$host]" else host) + ":" + address.port
}

/**
 * A signal makes the JVM run its shutdown hooks, and that is the supported way to hear of one. But then it ends with
 * 128 and the signal's number, as if it had been killed: a supervisor would take an orderly end for a failure. Only
 * halt can still say otherwise; it runs nothing else, so it comes last. Nothing but a signal gets here: the event
 * loops keep the process alive, and nobody calls exit once they run.
 */
fun closeAtSignal(server: AutoCloseable) {
    val close = Thread({
        server.close()
        Runtime.getRuntime().halt(0)
    }, "drain")
    Runtime.getRuntime().addShutdownHook(close)
}
