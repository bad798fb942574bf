package io.netpark.samples.proxy

import io.netpark.core.loop.EventLoopGroup
import io.netpark.core.net.listening.Admission
import io.netpark.core.tls.ServerTls
import io.netpark.coroutines.Connection
import io.netpark.coroutines.Reactor
import io.netpark.coroutines.transfer.Relayed
import io.netpark.coroutines.transfer.relay
import io.netpark.samples.load.Target
import java.io.IOException
import java.net.InetSocketAddress
import java.net.SocketAddress
import java.util.concurrent.ConcurrentHashMap
import java.util.concurrent.atomic.AtomicLong
import kotlin.time.Duration
import kotlin.time.Duration.Companion.seconds
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking

/** What a proxy is told. */
internal class ProxyOptions(
    val address: InetSocketAddress,
    val upstreams: List<Target>,
    /** Who gets clients by the name that they ask for in their first message of TLS, which is passed on as it is. */
    val routes: List<Route> = emptyList(),
    /** How connections of clients are encrypted, and not those of upstreams; null if they are not. */
    val tls: ServerTls? = null,
    val balance: Balance = Balance.TURN,
    /** How often each upstream is connected to, to see whether it is there. */
    val check: Duration = 1.seconds,
    val connectTimeout: Duration = 3.seconds,
    /** How many clients at a time. */
    val admission: Admission? = null,
    /** How long clients may go on when the proxy is closed. */
    val drain: Duration = Duration.ZERO,
    /** Choices about the event loops. */
    val loops: EventLoopGroup.Builder.() -> Unit = {},
)

/**
 * A TCP proxy, running since it was made. With TLS of its own it passes on what it has decrypted. With routes it looks at the name that a
 * client asks for, and passes TLS on as it is: it has no key, and clients see the certificates of the upstreams.
 */
internal class ProxyServer(options: ProxyOptions) : AutoCloseable {

    private val reactor = Reactor(configure = options.loops)
    private val listener = try {
        reactor.listen(options.address, admission = options.admission, tls = options.tls)
    } catch (e: Throwable) {
        reactor.close()
        throw e
    }
    private val routes = Routes(
        options.routes.groupBy({ it.name }, { it.target }).mapValues { (_, targets) -> upstreams(options, targets) },
        if (options.upstreams.isEmpty()) null else upstreams(options, options.upstreams),
    )

    private fun upstreams(options: ProxyOptions, targets: List<Target>) =
        Upstreams(targets.map(::Upstream), options.balance, reactor, options.connectTimeout)

    private val relays: MutableSet<Relayed> = ConcurrentHashMap.newKeySet()
    private val clients = AtomicLong()
    private val there = AtomicLong()
    private val back = AtomicLong()

    val address: SocketAddress get() = listener.localAddress

    /** Its event loops. They keep the process alive. */
    val group: EventLoopGroup get() = reactor.group

    private val checking = CoroutineScope(Dispatchers.Default).launch { routes.check(options.check) }
    private val serving = CoroutineScope(Dispatchers.Default).launch {
        listener.serve(drain = options.drain) { proxy(it) }
    }

    /** On the event loop of the client, where its upstream is dialed as well: both are on one loop then. */
    private suspend fun proxy(client: Connection) {
        clients.incrementAndGet()
        val relayed = Relayed()
        relays += relayed
        try {
            val upstreams = routes.of(if (routes.needName) awaitServerName(client) else null) ?: return refuse(client)
            upstreams.withConnection { upstream ->
                try {
                    relay(client, upstream, relayed)
                } catch (e: Throwable) {
                    upstream.reset() // as for the client: an end that was not one must not look like one
                    throw e
                }
            }
        } catch (_: IOException) {
            client.reset() // no upstream, or one side is gone, or too slow to say what it wants
        } finally {
            relays -= relayed
            there.addAndGet(relayed.toOther)
            back.addAndGet(relayed.fromOther)
        }
    }

    private suspend fun awaitServerName(client: Connection): String? =
        client.within(PATIENCE, "ClientHello") { ClientHello.await(it.reader) }?.serverName

    /** Nobody here has the name. */
    private suspend fun refuse(client: Connection) {
        client.write(ClientHello.UNRECOGNIZED_NAME)
        client.closeLingering(PATIENCE)
    }

    /** How many clients there are now. */
    fun clients(): Int = relays.size

    /** What has happened so far, in a line. */
    fun statistics(): String {
        val now = ArrayList(relays) // not toList(), which throws if the only one leaves meanwhile
        return "${now.size} clients now, $clients ever; " +
            "${text(there.get() + now.sumOf { it.toOther })} there, ${text(back.get() + now.sumOf { it.fromOther })} back; " +
            "upstreams (now/ever): $routes"
    }

    /** Stops accepting, lets clients finish for as long as [ProxyOptions.drain] says, resets the rest, ends the loops. */
    override fun close() {
        runBlocking {
            serving.cancelAndJoin() // returns when the handlers are gone
            checking.cancelAndJoin()
        }
        reactor.close()
    }

    private companion object {
        val PATIENCE = 5.seconds

        fun text(bytes: Long): String = when {
            bytes < 10_000 -> "$bytes B"
            bytes < 10_000_000 -> "${bytes / 1000} kB"
            bytes < 10_000_000_000 -> "${bytes / 1_000_000} MB"
            else -> "${bytes / 1_000_000_000} GB"
        }
    }
}
