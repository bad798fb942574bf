package io.netpark.core.testing.tls

import io.netpark.core.buffer.SegmentPool
import io.netpark.core.net.streams.ConnectionDescriptor
import io.netpark.core.testing.BlockingConnection
import io.netpark.core.testing.TestReactor
import io.netpark.core.testing.eventually
import io.netpark.core.testing.loopback
import io.netpark.core.tls.ClientTls
import io.netpark.core.tls.EngineSource
import io.netpark.core.tls.ServerTls
import io.netpark.core.tls.Tls
import java.util.concurrent.atomic.AtomicInteger
import javax.net.ssl.SSLEngine

/** Which side of TLS is ours. */
enum class Role { SERVER, CLIENT }

/** A connection of ours on which no TLS has begun, and its peer, whose records the test has in hand. */
class OursAndPeer(val ours: BlockingConnection, val peer: TlsPeer) : AutoCloseable {

    val connection: ConnectionDescriptor get() = ours.connection

    /** Begins TLS on our side; its handshake goes on by itself. */
    fun begin(tls: Tls) = apply {
        if (tls is ServerTls) connection.startTls(tls, null, -1, null) else connection.startTls(tls, TlsEnds.HOST, 443, null)
    }

    /** The whole handshake, of both. */
    fun handshake(tls: Tls) = apply {
        begin(tls)
        peer.handshake()
        ours.awaitTls()
    }

    override fun close() {
        ours.close()
        peer.plain.close()
    }
}

/** An engine for the other side of a connection whose role here is [ours]. */
fun peerEngine(ours: Role, protocol: String, flavour: EngineFlavour = EngineFlavour.JDK): SSLEngine {
    val supply = if (ours == Role.SERVER) flavour.client(Material.client(TlsEnds.root)) else flavour.server(Material.server(TlsEnds.identity))
    return supply.engine(if (ours == Role.SERVER) TlsEnds.HOST else null, 443).apply { enabledProtocols = arrayOf(protocol) }
}

fun Role.tls(flavour: EngineFlavour, protocol: String): Tls =
    if (this == Role.SERVER) TlsEnds.server(flavour, protocol) else TlsEnds.client(flavour, protocol)

/** Two ends of a TCP connection: the one of this reactor, and that of the other, which has dialed. */
fun TestReactor.tcpPair(other: TestReactor = this): Pair<BlockingConnection, BlockingConnection> =
    listen(loopback()).use { listener ->
        val dialed = other.dial(listener.address)
        val accepted = listener.accept()
        accepted to dialed.connect()
    }

/** As [tcpPair], for an engine at the other end. */
fun TestReactor.oursAndPeer(engine: SSLEngine, peers: TestReactor = this): OursAndPeer {
    val (ours, plain) = tcpPair(peers)
    return OursAndPeer(ours, TlsPeer(plain, engine))
}

fun TestReactor.oursAndPeer(role: Role, protocol: String, peers: TestReactor = this) = oursAndPeer(peerEngine(role, protocol), peers)

/** Between two of ours. */
fun BlockingConnection.beginTls(server: ServerTls) = apply { connection.startTls(server, null, -1, null) }

fun BlockingConnection.beginTls(client: ClientTls, host: String = TlsEnds.HOST) = apply { connection.startTls(client, host, 443, null) }

/** Engines of a supply, counted: each that was made has to be given back, once. */
class CountedEngines(private val supply: EngineSupply) {
    private val made = AtomicInteger()
    private val released = AtomicInteger()

    val source: EngineSource = EngineSource.releasing(
        { host, port -> supply.engine(host, port).also { made.incrementAndGet() } },
        {
            released.incrementAndGet()
            supply.release(it)
        },
    )

    fun tls(role: Role, protocol: String, configure: Tls.Builder<*>.() -> Unit = {}): Tls =
        if (role == Role.SERVER) {
            ServerTls.builder().engines(source).protocols(protocol).apply(configure).build()
        } else {
            ClientTls.builder().engines(source).protocols(protocol).apply(configure).build()
        }

    fun isBack() = made.get() == released.get()

    fun shouldBeBack() = eventually { check(made.get() == released.get()) { "${released.get()} of ${made.get()} engines are back" } }

    companion object {
        fun of(role: Role, flavour: EngineFlavour) = CountedEngines(
            if (role == Role.SERVER) flavour.server(Material.server(TlsEnds.identity)) else flavour.client(Material.client(TlsEnds.root)),
        )
    }
}

/** What is lent to others while [body] runs has to come back. */
inline fun <T> shouldKeepNoMemory(body: () -> T): T {
    val before = SegmentPool.shared().statistics().lentBytes()
    return body().also {
        eventually {
            val after = SegmentPool.shared().statistics().lentBytes()
            check(after <= before) { "$after bytes are lent, $before before" }
        }
    }
}
