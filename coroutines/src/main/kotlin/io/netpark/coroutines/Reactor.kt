package io.netpark.coroutines

import io.netpark.core.fd.Direction
import io.netpark.core.loop.EventLoop
import io.netpark.core.loop.EventLoopGroup
import io.netpark.core.net.Admission
import io.netpark.core.net.Dialer
import io.netpark.core.net.SocketOptions
import io.netpark.core.sys.NetparkException
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.runInterruptible
import java.net.InetAddress
import java.net.InetSocketAddress
import java.net.UnknownHostException
import java.util.concurrent.ConcurrentHashMap
import kotlin.time.Duration
import io.netpark.core.net.Connection as CoreConnection
import io.netpark.core.net.Listener as CoreListener

/**
 * A group of event loops as coroutines see it: the place where connections come from and where their handlers run.
 *
 * ```
 * Reactor().use { reactor ->
 *     runBlocking {
 *         reactor.listen("127.0.0.1", 7000).serve { connection ->
 *             while (connection.reader.await()) {
 *                 connection.writer.append(connection.reader)
 *                 connection.writer.flush()
 *             }
 *         }
 *     }
 * }
 * ```
 *
 * An instance owns its threads; several can live in a process. Safe for use by any thread.
 */
public class Reactor private constructor(
    /** The event loops. */
    public val group: EventLoopGroup,
    /** What connections may hold. */
    public val buffering: Buffering,
) : AutoCloseable {

    private val dispatchers = ConcurrentHashMap<EventLoop, LoopDispatcher>() // a group may get more loops

    /** A dispatcher a loop, in the order of [EventLoopGroup.loops]: for coroutines that want to live beside connections. */
    public val loopDispatchers: List<LoopDispatcher> get() = group.loops().map { dispatcherOf(it) }

    /**
     * Listens on an address, with the longest backlog the system allows and SO_REUSEADDR. The caller closes the listener.
     *
     * @param address resolved; port 0 takes a free port, `::` takes IPv4 as well
     * @param options also of the connections that are accepted
     * @param admission how many may be open at a time; null for no limit
     * @throws NetparkException naming the address: in use, not of this machine, not permitted
     */
    public fun listen(
        address: InetSocketAddress,
        options: SocketOptions = SocketOptions.DEFAULT,
        admission: Admission? = null,
    ): Listener = Listener(listOf(CoreListener.listen(group, address, options, admission)), this)

    /**
     * Listens with a socket for each loop (SO_REUSEPORT): the kernel spreads connections over them, and no loop has to pass any
     * on to another. For [Listener.serve] only. Otherwise as [listen].
     */
    public fun listenOnEachLoop(
        address: InetSocketAddress,
        options: SocketOptions = SocketOptions.DEFAULT,
        admission: Admission? = null,
    ): Listener = Listener(CoreListener.listenOnEachLoop(group, address, options, admission), this)

    /**
     * Listens on a host's address. An IP literal, such as `0.0.0.0` or `::1`, is taken as it is; a name is looked up, which
     * blocks the calling thread.
     */
    public fun listen(
        host: String,
        port: Int,
        options: SocketOptions = SocketOptions.DEFAULT,
        admission: Admission? = null,
    ): Listener = listen(InetSocketAddress(InetAddress.getByName(host), port), options, admission)

    /**
     * Connects to an address. Called on a loop of this reactor the connection stays on that loop, otherwise the next loop
     * in turn gets it. The caller closes it.
     *
     * **Cancelled**, it leaves nothing behind; a peer may have seen a connection that closed again.
     *
     * @param timeout how long it may take in all; the kernel gives up by itself after about two minutes
     * @throws NetparkException.Refused nobody listens there
     * @throws NetparkException.Unreachable there is no way there
     * @throws NetparkException.TimedOut the timeout has passed, or the kernel gave up
     */
    public suspend fun dial(
        address: InetSocketAddress,
        timeout: Duration = Duration.INFINITE,
        options: SocketOptions = SocketOptions.DEFAULT,
    ): Connection {
        if (address.isUnresolved) return dial(address.hostString, address.port, timeout, options)
        val core = Dialer.dial(group, address, options)
        if (timeout != Duration.INFINITE) core.setDeadline(Direction.WRITE, timeout)
        val connection = Connection(core, buffering)
        connection.finishConnecting()
        if (timeout != Duration.INFINITE) core.clearDeadline(Direction.WRITE)
        return connection
    }

    /**
     * Connects to a host by name or IP literal. A name is looked up on [Dispatchers.IO]; its addresses are tried one after
     * another, and if all fail the last failure is thrown with the others suppressed in it. Otherwise as [dial] of an
     * address.
     *
     * @param timeout how long each address may take
     * @throws UnknownHostException the name has no address
     */
    public suspend fun dial(
        host: String,
        port: Int,
        timeout: Duration = Duration.INFINITE,
        options: SocketOptions = SocketOptions.DEFAULT,
    ): Connection {
        val failures = mutableListOf<NetparkException>()
        for (address in resolve(host)) {
            try {
                return dial(InetSocketAddress(address, port), timeout, options)
            } catch (e: NetparkException) {
                failures += e
            }
        }
        throw failures.removeLast().apply { failures.forEach(::addSuppressed) }
    }

    /**
     * Takes over a connected TCP socket that something else has opened, or a connection that was [detached][Detached]. It is
     * made non-blocking and lives on the calling loop, or the next in turn. The caller closes the connection.
     *
     * @param descriptor the connection's from now on, unless this throws
     * @param unread bytes that were read from it already: [Connection.reader] begins with them
     * @throws NetparkException it is no connected TCP socket, or cannot be watched, or there is no memory for the bytes
     */
    public fun adopt(descriptor: Int, unread: ByteArray = ByteArray(0)): Connection {
        val input = buffering.newInput()
        try {
            input.write(unread) // before the descriptor is ours: this may fail
            return Connection(CoreConnection.adopt(group.currentOrNext(), descriptor), buffering, input)
        } catch (e: Throwable) {
            input.close()
            throw e
        }
    }

    private suspend fun resolve(host: String): List<InetAddress> =
        if (host.isIpLiteral()) listOf(InetAddress.getByName(host))
        else runInterruptible(Dispatchers.IO) { InetAddress.getAllByName(host).toList() }

    /** Whether the JDK reads it without asking anyone: only digits and dots, or with a colon. */
    private fun String.isIpLiteral(): Boolean = ':' in this || isNotEmpty() && all { it.isDigit() || it == '.' }

    /**
     * Closes the reactor: listeners and connections are closed, operations on them end with [NetparkException.Closed], and
     * the threads end. Waits for the threads, unless called on one of them. A coroutine that goes on afterwards on a
     * loop's dispatcher is cancelled with a [CancellationException].
     */
    override fun close() {
        group.close()
    }

    internal fun dispatcherOf(loop: EventLoop): LoopDispatcher = dispatchers.computeIfAbsent(loop, ::LoopDispatcher)

    override fun toString(): String = "Reactor($group)"

    public companion object {
        /**
         * Starts a reactor.
         *
         * @param loops how many event loops; by default half the processors, because the kernel needs the others
         * @param buffering how much readers and writers may hold, and from which pool
         * @param configure further choices, such as names or who is told of trouble
         * @throws UnsupportedOperationException if Netpark cannot run here; the message says what is missing
         */
        public operator fun invoke(
            loops: Int? = null,
            buffering: Buffering = Buffering(),
            configure: EventLoopGroup.Builder.() -> Unit = {},
        ): Reactor = Reactor(
            EventLoopGroup.builder().apply { if (loops != null) loops(loops) }.apply(configure).open(),
            buffering,
        )
    }
}
