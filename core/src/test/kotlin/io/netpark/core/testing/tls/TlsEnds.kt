package io.netpark.core.testing.tls

import io.netpark.core.fd.Direction
import io.netpark.core.net.streams.ConnectionDescriptor
import io.netpark.core.testing.BlockingConnection
import io.netpark.core.testing.TestReactor
import io.netpark.core.testing.async
import io.netpark.core.testing.perform
import io.netpark.core.tls.ClientTls
import io.netpark.core.tls.EngineSource
import io.netpark.core.tls.ServerTls

/** What the specs of TLS use again and again: one authority, one server, made once a JVM. */
object TlsEnds {
    const val HOST = "server.test"
    val root: Authority by lazy { Authority.root("Root of the specs") }
    val identity: Identity by lazy { root.issue(HOST, "127.0.0.1", "localhost") }

    fun EngineSupply.source(): EngineSource =
        EngineSource.releasing({ host, port -> engine(host, port) }) { release(it) }

    fun server(flavour: EngineFlavour, protocol: String, configure: ServerTls.Builder.() -> Unit = {}): ServerTls {
        val supply = flavour.server(Material.server(identity))
        return ServerTls.builder().engines(supply.source()).protocols(protocol).apply(configure).build()
    }

    fun client(flavour: EngineFlavour, protocol: String, configure: ClientTls.Builder.() -> Unit = {}): ClientTls {
        val supply = flavour.client(Material.client(root))
        return ClientTls.builder().engines(supply.source()).protocols(protocol).apply(configure).build()
    }
}

fun BlockingConnection.awaitTls() = apply {
    connection.perform(Direction.WRITE, connection::startHandshake, connection::retryHandshake)
}

/** Two ends of one connection, on which TLS has begun. */
fun TestReactor.tlsPair(server: ServerTls, client: ClientTls): Pair<BlockingConnection, BlockingConnection> {
    val pair = ConnectionDescriptor.pair(group.next(), group.next())
    pair.second.startTls(server, null, -1, null)
    pair.first.startTls(client, TlsEnds.HOST, 443, null)
    return BlockingConnection(pair.first) to BlockingConnection(pair.second)
}

/** A connection of ours with TLS, and its peer, whose records are the test's. */
fun TestReactor.tlsServerAndPeer(
    server: ServerTls,
    engine: javax.net.ssl.SSLEngine,
): Pair<BlockingConnection, TlsPeer> {
    val (plain, ours) = pair()
    ours.connection.startTls(server, null, -1, null)
    return ours to TlsPeer(plain, engine)
}

/** Runs both at a time, and waits for both. */
fun <A, B> both(one: () -> A, other: () -> B): Pair<A, B> {
    val second = async { other() }
    return one() to second.get()
}
