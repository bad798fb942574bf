package io.netpark.ktor.serving

import io.ktor.server.engine.ConnectorType
import io.ktor.server.engine.EngineConnectorConfig
import io.ktor.server.engine.EngineSSLConnectorConfig
import io.ktor.server.engine.withPort
import io.netpark.core.net.listening.Admission
import io.netpark.core.sys.NetparkException
import io.netpark.core.tls.ServerTls
import io.netpark.coroutines.Listener
import io.netpark.coroutines.Reactor
import io.netpark.ktor.answers.serverTls
import io.netpark.ktor.answers.unixAddress
import java.net.InetAddress
import java.net.InetSocketAddress
import java.net.SocketAddress

/**
 * The listeners of an engine, one a connector. If one cannot listen, none does.
 *
 * @throws NetparkException an address is in use, is not of this machine, or is not permitted
 * @throws IllegalArgumentException a connector is of a kind that is not known here
 */
internal class Listening(private val reactor: Reactor, private val settings: Settings) {

    /** A listener, and what its requests' URIs begin with. */
    data class Listened(val listener: Listener, val scheme: String)

    private val admission = admission()

    val all: List<Listened>

    /** As they were set, with the ports that were chosen for 0. */
    val connectors: List<EngineConnectorConfig>

    init {
        val opened = mutableListOf<Listened>()
        try {
            settings.connectors.forEach { opened += open(it) }
        } catch (e: Throwable) {
            opened.forEach { it.listener.close() }
            throw e
        }
        all = opened
        connectors = settings.connectors.zip(opened) { connector, (listener, _) ->
            if (settings.unixPath(connector) != null || connector.port != 0) connector else connector.withPort(listener.port)
        }
    }

    private fun admission(): Admission? {
        val most = settings.maxConnections
        val mostOfOne = settings.maxConnectionsPerAddress
        return when {
            most != null && mostOfOne != null -> Admission.of(most, Admission.Excess.WAIT, mostOfOne)
            most != null -> Admission.of(most, Admission.Excess.WAIT)
            mostOfOne != null -> Admission.perSource(mostOfOne)
            else -> null
        }
    }

    private fun open(connector: EngineConnectorConfig): Listened = when {
        settings.unixPath(connector) != null -> Listened(listen(unixAddress(settings.unixPath(connector)!!), null), "http")
        connector is EngineSSLConnectorConfig -> Listened(listen(connector, serverTls(connector)), "https")
        connector.type == ConnectorType.HTTP -> Listened(listen(connector, null), "http")
        else -> throw IllegalArgumentException("$connector: Netpark has connector, sslConnector and unixConnector")
    }

    /** For Ktor, `0.0.0.0` is all addresses of the machine, those of IPv6 as well. */
    private fun listen(connector: EngineConnectorConfig, tls: ServerTls?): Listener {
        if (connector.host != ALL) return listen(InetSocketAddress(InetAddress.getByName(connector.host), connector.port), tls)
        return try {
            listen(InetSocketAddress(InetAddress.getByAddress(ByteArray(IPV6_LENGTH)), connector.port), tls)
        } catch (first: NetparkException) {
            try {
                listen(InetSocketAddress(ALL, connector.port), tls)
            } catch (second: NetparkException) {
                second.addSuppressed(first)
                throw second
            }
        }
    }

    private fun listen(address: SocketAddress, tls: ServerTls?): Listener =
        if (settings.listenOnEachLoop) reactor.listenOnEachLoop(address, admission = admission, tls = tls)
        else reactor.listen(address, admission = admission, tls = tls)

    private companion object {
        const val ALL = "0.0.0.0"
        const val IPV6_LENGTH = 16
    }
}
