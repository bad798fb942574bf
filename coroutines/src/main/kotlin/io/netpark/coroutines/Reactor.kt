package io.netpark.coroutines

import io.netpark.core.loop.ErrorPaths
import io.netpark.core.loop.EventLoop
import io.netpark.core.loop.EventLoopGroup
import io.netpark.core.net.dialing.Dialer
import io.netpark.core.net.listening.Admission
import io.netpark.core.net.listening.ListenerDescriptor
import io.netpark.core.net.messages.MessageDescriptor
import io.netpark.core.net.messages.MessageListenerDescriptor
import io.netpark.core.net.options.NetOptions
import io.netpark.core.net.socket.Detached
import io.netpark.core.net.streams.ConnectionDescriptor
import io.netpark.core.sys.NetparkException
import io.netpark.core.sys.OpenDescriptor
import io.netpark.core.tls.ClientTls
import io.netpark.core.tls.ServerTls
import io.netpark.coroutines.loops.LoopDispatcher
import io.netpark.coroutines.loops.dispatcherOn
import io.netpark.coroutines.messages.MessageListener
import io.netpark.coroutines.messages.MessageSocket
import io.netpark.coroutines.parking.awaitDial
import io.netpark.coroutines.parking.given
import java.net.InetSocketAddress
import java.net.SocketAddress
import java.util.concurrent.ConcurrentHashMap
import kotlin.time.Duration
import kotlinx.coroutines.CancellationException

/**
 * A group of event loops for coroutines: connections come from a reactor, and their handlers run on its loops.
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
 *
 * **Time limits.** The result of an operation can be lost when a `withTimeout` around it ends at that very moment. A time limit of
 * the operation's own loses nothing. docs/errors.md, "`withTimeout`, and what can be lost", says which operation has which form. A limit
 * of zero or less does not wait: an operation that cannot proceed at once fails with [NetparkException.TimedOut].
 */
public class Reactor private constructor(
    /** The event loops. */
    public val group: EventLoopGroup,
    /** What connections may hold. */
    public val buffering: Buffering,
) : AutoCloseable {

    init {
        ErrorPaths.load(Reactor::class.java, "io.netpark.coroutines")
    }

    internal val dispatchers = ConcurrentHashMap<EventLoop, LoopDispatcher>() // a group may get more loops

    /** The dispatchers of the loops, in the order of [EventLoopGroup.loops], for coroutines that want to live beside connections. */
    public val loopDispatchers: List<LoopDispatcher> get() = group.loops().map { dispatcherOf(it) }

    /**
     * Listens on an address, with the longest backlog the system allows and SO_REUSEADDR. The caller closes the listener. The
     * path of a unix socket becomes a file, which is removed when the listener is closed. A file that a killed process has left
     * must be removed first.
     *
     * @param address resolved, or a [io.netpark.core.sys.UnixAddress]; port 0 takes a free port, `::` takes IPv4 as well
     * @param options options of the listening socket and of the connections that it accepts
     * @param admission how many connections may be open at a time; null for no limit
     * @param tls how the connections that it accepts are encrypted; null if they are not. [Listener] says when the handshake is
     * @throws NetparkException naming the address: in use, not of this machine, not permitted
     */
    public fun listen(
        address: SocketAddress,
        options: NetOptions = NetOptions.DEFAULT,
        admission: Admission? = null,
        tls: ServerTls? = null,
    ): Listener = listenerOf(listOf(ListenerDescriptor.listen(group, address, options, admission)), tls)

    /**
     * Listens with a socket for each loop (SO_REUSEPORT). The kernel spreads connections over the sockets, and no loop has to pass a
     * connection on to another. Such a listener is for [Listener.serve] only. Otherwise as [listen].
     */
    public fun listenOnEachLoop(
        address: SocketAddress,
        options: NetOptions = NetOptions.DEFAULT,
        admission: Admission? = null,
        tls: ServerTls? = null,
    ): Listener = listenerOf(ListenerDescriptor.listenOnEachLoop(group, address, options, admission), tls)

    /**
     * Listens on a host's address. An IP literal, such as `0.0.0.0` or `::1`, is taken as it is. A name is looked up, which
     * blocks the calling thread.
     *
     * @throws NetparkException.UnknownHost the name has no address
     * @throws IllegalArgumentException the host has a port in it
     * @throws IllegalStateException the host is a name other than `localhost`, and the caller is on an event loop
     */
    public fun listen(
        host: String,
        port: Int,
        options: NetOptions = NetOptions.DEFAULT,
        admission: Admission? = null,
        tls: ServerTls? = null,
    ): Listener = listen(ListenerDescriptor.addressOf(host, port), options, admission, tls)

    /**
     * Takes over a listening stream socket that something else has opened: the service manager ([io.netpark.core.net.listening.ListenFds]), or
     * the process that this one succeeds ([Listener.duplicate]). The caller closes the listener. The file of a unix socket's path
     * stays when the listener is closed.
     *
     * @param descriptor the listener's from now on, unless this throws
     * @param options set on the socket, and so on the connections that are accepted
     * @param admission how many may be open at a time; null for no limit
     * @param tls as for [listen]
     * @throws NetparkException saying what the descriptor is instead, and what to do
     * @throws IllegalStateException [descriptor] is closed, or was taken over already
     */
    public fun adoptListener(
        descriptor: OpenDescriptor,
        options: NetOptions = NetOptions.DEFAULT,
        admission: Admission? = null,
        tls: ServerTls? = null,
    ): Listener = listenerOf(listOf(ListenerDescriptor.adopt(group, descriptor, options, admission)), tls)

    /** It has accepted nobody yet, so all that it accepts have TLS. */
    private fun listenerOf(cores: List<ListenerDescriptor>, tls: ServerTls?): Listener {
        cores.forEach { it.setTls(tls) }
        return Listener(cores, this)
    }

    /**
     * Connects to an address. If the caller is on a loop of this reactor, the connection lives on that loop; otherwise the next loop
     * in turn gets it. The caller closes the connection.
     *
     * **Cancelled**, it leaves nothing behind. The peer may have seen a connection that closed again. Once this has returned, the
     * connection is the caller's: [Reactor] says what `withTimeout` may lose. [timeout] loses nothing.
     *
     * With [tls] this returns when the handshake is over. The server has to prove that it is what was dialed: the name of the address, or
     * the address itself if it has none.
     *
     * @param address an [InetSocketAddress], whose name is looked up if it is unresolved, or a unix address
     * @param timeout how long connecting may take in all, with the handshake; the kernel gives up by itself after about two minutes
     * @param tls how the connection is encrypted; null if it is not
     * @throws NetparkException.Refused nobody listens there
     * @throws NetparkException.Unreachable there is no way there
     * @throws NetparkException.UnknownHost the name has no address
     * @throws NetparkException.TlsFailure the handshake has failed, and the message says what to do
     * @throws NetparkException.TimedOut the timeout has passed, or that of the handshake, or the kernel gave up
     */
    public suspend fun dial(
        address: SocketAddress,
        timeout: Duration = Duration.INFINITE,
        options: NetOptions = NetOptions.DEFAULT,
        tls: ClientTls? = null,
    ): Connection = dial(dialer.with(timeout, options, tls), address)

    /**
     * Connects to a host by name or IP literal. The addresses of a name are tried in the way of RFC 8305 (Happy Eyeballs). If all
     * fail, the error names each with its cause; see [Dialer]. With [tls] the server has to prove that it is [host]. Otherwise as [dial] of
     * an address.
     */
    public suspend fun dial(
        host: String,
        port: Int,
        timeout: Duration = Duration.INFINITE,
        options: NetOptions = NetOptions.DEFAULT,
        tls: ClientTls? = null,
    ): Connection = dial(dialer.with(timeout, options, tls), host, port)

    /**
     * How this reactor dials by default. Its `with` functions make other dialers, for [dial].
     *
     * ```
     * val patient = reactor.dialer.withResolver(mine).withLocalAddress(source).withTls(ClientTls.system())
     * reactor.dial(patient, "db.internal", 6379)
     * ```
     */
    public val dialer: Dialer = Dialer.of(group)

    /** Connects to an address in the way of [dialer], which should be one of this reactor's. */
    public suspend fun dial(dialer: Dialer, address: SocketAddress): Connection =
        awaitDial { dialer.dial(address, it) }.given { Connection(it, this) }

    /** Connects to a host in the way of [dialer], which should be one of this reactor's. */
    public suspend fun dial(dialer: Dialer, host: String, port: Int): Connection =
        awaitDial { dialer.dial(host, port, it) }.given { Connection(it, this) }

    private fun Dialer.with(timeout: Duration, options: NetOptions, tls: ClientTls?): Dialer {
        val timed = if (timeout == Duration.INFINITE) this else withTimeout(timeout)
        val set = if (options === NetOptions.DEFAULT) timed else timed.withOptions(options)
        return if (tls == null) set else set.withTls(tls)
    }

    /**
     * Makes two connections, each of which is the other's peer, without a port or a path. A test gives one to the handler that it
     * tests, and sees from the other what the handler does. Each connection lives on the calling loop, or the next in turn. The caller
     * closes both.
     *
     * ```
     * val (client, server) = reactor.pair()
     * launch { server.serve { greeter(it) } }
     * client.write("ann\n".toByteArray())
     * check(client.reader.awaitLine() == "hello ann")
     * ```
     *
     * The connections are unix sockets without a name (socketpair(2)). Such sockets know no reset: where the peer of a TCP connection is
     * reset, the peer here finds the end of the stream, or a reset if it has sent bytes that nobody has read.
     *
     * @throws NetparkException the process has no descriptors left
     */
    public fun pair(): ConnectionPair =
        group.place { first -> group.place { second -> ConnectionDescriptor.pair(first, second) } }
            .given { ConnectionPair(Connection(it.first, this), Connection(it.second, this)) }

    /**
     * Takes over a connected stream socket that something else has opened: a parent process, another library. The socket is made
     * non-blocking, and lives on the calling loop, or the next in turn. The caller closes the connection.
     *
     * @param descriptor the connection's from now on, unless this throws
     * @throws NetparkException the descriptor is no connected stream socket, or cannot be watched
     * @throws IllegalStateException [descriptor] is closed, or was taken over already
     */
    public fun adopt(descriptor: OpenDescriptor): Connection = adopt(Detached(descriptor, ByteArray(0)))

    /**
     * Takes over a connection that was [detached][io.netpark.coroutines.handover.detach]. [Connection.reader] begins with the unread
     * bytes. Otherwise as [adopt] of a descriptor.
     *
     * @param detached its descriptor is the connection's from now on, unless this throws
     * @throws NetparkException the descriptor is no connected stream socket, or cannot be watched, or there is no memory for the bytes
     * @throws IllegalStateException [detached] is closed, or was taken over already
     */
    public fun adopt(detached: Detached): Connection {
        val input = buffering.newInput()
        try {
            input.put(detached.unread) // before the descriptor is ours: this may fail
            return Connection(group.place { ConnectionDescriptor.adopt(it, detached.descriptor) }, this, input)
        } catch (e: Throwable) {
            input.close()
            throw e
        }
    }

    /**
     * Closes the reactor: listeners and connections are closed, operations on them end with [NetparkException.Closed], and
     * the threads end. Waits for the threads, unless the caller is on one of them. A coroutine that goes on afterwards on a
     * loop's dispatcher is cancelled with a [CancellationException].
     */
    override fun close() {
        group.close()
    }

    internal fun dispatcherOf(loop: EventLoop): LoopDispatcher = dispatchers[loop] ?: run {
        dispatchers.keys.removeIf { it.isTerminated } // a group that is resized has given them up, and has others now
        dispatchers.computeIfAbsent(loop, ::dispatcherOn)
    }

    override fun toString(): String = "Reactor($group)"

    // Messages

    /**
     * Binds a socket for datagrams: of UDP, or on a unix path or abstract name. The socket lives on the calling loop, or the next in
     * turn. The caller closes it. SO_BROADCAST is on. With an unnamed unix address the socket can send, and nobody can answer.
     *
     * @param address resolved; port 0 takes a free port, `::` takes IPv4 as well
     * @throws NetparkException naming the address: in use, not of this machine, not permitted
     */
    public fun bindDatagrams(address: SocketAddress, options: NetOptions = NetOptions.DEFAULT): MessageSocket =
        MessageSocket(group.place { MessageDescriptor.bind(it, address, options) })

    /**
     * Opens a socket for datagrams to and from one peer. Opening sends nothing, so only a later operation finds out whether the peer is
     * there. The peer of a unix socket that is opened so cannot answer: to get answers, bind, then [MessageSocket.connect].
     *
     * @param address resolved
     * @throws NetparkException there is no way there, or (unix) nobody
     */
    public fun dialDatagrams(address: SocketAddress, options: NetOptions = NetOptions.DEFAULT): MessageSocket =
        group.place { MessageDescriptor.dial(it, address, options) }.given { MessageSocket(it) }

    /**
     * Listens for sequenced packets on a unix address. The caller closes the listener; the file of a path goes with it.
     *
     * @throws NetparkException naming the address: in use, not permitted
     * @throws IllegalArgumentException [address] is no unix address
     */
    public fun listenPackets(address: SocketAddress, options: NetOptions = NetOptions.DEFAULT): MessageListener =
        MessageListenerDescriptor.listen(group, address, options).given { MessageListener(it) }

    /**
     * Connects a socket for sequenced packets, at once.
     *
     * @param address a unix address
     * @throws NetparkException.Refused nobody listens there
     * @throws NetparkException the backlog is full, or the path cannot be used
     */
    public fun dialPackets(address: SocketAddress, options: NetOptions = NetOptions.DEFAULT): MessageSocket =
        group.place { MessageDescriptor.dialPackets(it, address, options) }.given { MessageSocket(it) }

    public companion object {
        /**
         * Starts a reactor.
         *
         * @param loops how many event loops; by default half the processors, because the kernel needs the others
         * @param buffering how much readers and writers may hold, and from which pool
         * @param configure further choices, such as names, or the reporter of trouble
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
