package io.netpark.coroutines

import io.netpark.core.net.listening.ListenerDescriptor
import io.netpark.core.net.serving.Shutdown
import io.netpark.core.net.streams.ConnectionDescriptor
import io.netpark.core.sys.NetparkException
import io.netpark.core.sys.OpenDescriptor
import io.netpark.coroutines.parking.given
import io.netpark.coroutines.serving.Accepting
import io.netpark.coroutines.serving.SuspendingEnding
import java.net.SocketAddress
import kotlin.coroutines.CoroutineContext
import kotlin.coroutines.EmptyCoroutineContext
import kotlin.coroutines.coroutineContext
import kotlin.time.Duration
import kotlinx.coroutines.CoroutineDispatcher
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.launch

/**
 * Accepts connections, of TCP or on a unix socket.
 *
 * **TLS.** Each connection begins its handshake as soon as it is accepted, and has a time limit for it, which is the `ServerTls`'s.
 * Handshakes go on side by side, and no accept waits for one. [serve] starts a handler when the handshake is over. [accept] returns
 * before that: reading and writing waits for the end of the handshake, and [awaitTls][io.netpark.coroutines.tls.awaitTls] does nothing
 * else. A handshake that fails closes the connection, and is reported in one line. A connection in its handshake counts for
 * `admission`.
 *
 * When descriptors or memory run out, accepting pauses and resumes by itself; this is reported once an episode to the
 * reactor's reporter, and never thrown.
 *
 * @see Reactor.listen
 */
public class Listener internal constructor(
    private val cores: List<ListenerDescriptor>,
    internal val reactor: Reactor,
) : AutoCloseable {

    private val core = cores.first()
    private val accepting = cores.map { Accepting(it) }
    internal val servings = Servings(::close)
    private val ending = SuspendingEnding(servings, servings::join)

    /** The address it listens on, with the port that was chosen for 0. */
    public val localAddress: SocketAddress get() = core.localAddress()

    /**
     * The port it listens on.
     *
     * @throws IllegalStateException it is a unix socket, which has none
     */
    public val port: Int get() = core.port()

    /** Whether [close] has not been called yet. */
    public val isOpen: Boolean get() = !core.isClosed

    /** Whether [shutdown] has been called: no time for a handler to begin anything long. */
    public val isDraining: Boolean get() = servings.isDraining

    /**
     * Accepts the next connection; the caller closes it. Several coroutines may call this and are served in turn.
     *
     * **Cancelled**, it has accepted nothing: a connection that waits stays in the queue, and one that was just being accepted is
     * closed. Once this has returned the connection is the caller's: [Reactor] has what `withTimeout` may lose, and the form with a
     * timeout does not.
     *
     * @throws NetparkException.Closed the listener is closed, before or meanwhile
     * @throws UnsupportedOperationException it has a socket for each loop; use [serve]
     */
    public suspend fun accept(): Connection = single().next().given { Connection(it, reactor) }

    /**
     * Accepts the next connection within a time limit, and loses none: one that comes as the time is over is returned. Otherwise as
     * [accept] without a limit.
     *
     * @param timeout how long to wait for a connection; zero or less takes only one that is waiting already
     * @throws NetparkException.TimedOut none has come in time; the timeout is `ACCEPT`
     */
    public suspend fun accept(timeout: Duration): Connection = single().next(timeout).given { Connection(it, reactor) }

    private fun single(): Accepting<ConnectionDescriptor> {
        if (cores.size > 1) {
            throw UnsupportedOperationException("$this has ${cores.size} sockets, one for each loop; use serve, or listen with one")
        }
        return accepting.single()
    }

    /** Passes connections to [handle], on the loop of the socket that they came to, until it is cancelled or closed. */
    internal suspend fun acceptAll(handle: (ConnectionDescriptor) -> Unit): Unit = coroutineScope {
        for (each in accepting) {
            launch(reactor.dispatcherOf(each.core.loop())) { each.passAll(handle) }
        }
    }

    /**
     * Accepts connections and starts [handler] for each, until this call is cancelled or the listener is closed.
     *
     * Handlers run on the event loop of their connection, or on [dispatcher]. On a loop they must not block: it serves
     * other connections as well (`withContext(Dispatchers.IO)` for what blocks). Loops are taken in turn. Several calls may serve a
     * listener; each connection goes to one of them.
     *
     * **TLS.** A handler starts when the handshake is over. A connection whose handshake fails has no handler, and neither
     * [context] nor [onFailure] hears of it.
     *
     * **Scope.** A handler's receiver is its own scope: what it launches there belongs to its connection. The connection is closed
     * when the handler and all coroutines in its scope have finished. What [Connection.writer] holds is flushed before, under the
     * write timeout and deadline. A failure in the scope ends this handler, and no other.
     *
     * **Context.** A handler's context is that of this call, without its job and dispatcher, and with what [context] returns for the
     * connection: the fields of a log, a trace. Elements that restore something on a thread (`ThreadContextElement`) are honoured; a
     * handler with such an element takes a few allocations more to wait for its peer.
     *
     * **Failures.** A handler that throws disturbs nobody else. It fails with what its scope fails with: the first exception of the
     * handler or of a coroutine in its scope; later ones are suppressed in it.
     *
     * | The failure | counted | told to [onFailure] | if there is no [onFailure] |
     * |---|---|---|---|
     * | `Reset`, `TimedOut`, `Truncated`, `LimitExceeded`, `TlsFailure` of this connection: its peer's doing | as a [PeerFault][io.netpark.core.report.PeerFault] | yes | nothing |
     * | `Closed` of this connection, or of any when the reactor is closed | | no | nothing |
     * | anything else, also of another connection, or of [context] | as a [failure][io.netpark.core.report.LoopSnapshot.handlerFailures] | yes | told to the `CoroutineExceptionHandler` of this call's context, or else reported |
     * | `CancellationException` | | no | nothing |
     *
     * A handler that fails or is cancelled in the midst of an answer (with bytes unflushed, or having written since it last began to
     * read) ends with a reset, so that what is cut off does not look complete. What is unflushed is dropped, and
     * [counted][io.netpark.core.report.LoopSnapshot.bytesDropped]. A `CancellationException` counts as a cancellation also if the handler has
     * thrown it without having been cancelled: by a `withTimeout` of its own, say, or by waiting for something else that was cancelled.
     *
     * What fails in accepting, a balancing that throws, say, is reported once an episode, and tried again.
     *
     * **Cancelled**, it closes the listener, lets handlers go on for up to [drain], cancels the rest, and returns when
     * they are all gone. Those that wait in [Connection.awaitRequest] are told at once that there is none. By default it cancels them
     * all at once.
     *
     * **When the listener is closed**, by [close] or with its reactor, it waits until the handlers have finished, and returns
     * normally.
     *
     * @param drain how long handlers may go on when this call is cancelled
     * @param dispatcher where handlers run; null for the loops of their connections
     * @param context what is added to a handler's context. It is called where the handler is about to run. A job or a dispatcher in
     *     it is an [IllegalArgumentException]; that, or what it throws, closes the connection, and is a failure as a handler's is
     * @param onFailure told once of each failure, where the handler has run, when that has ended; it must not block. The connection
     *     is closed then, or about to be. What it throws is reported, and so is what it was told
     * @param handler what is done with a connection; its receiver is its own scope
     */
    public suspend fun serve(
        drain: Duration = Duration.ZERO,
        dispatcher: CoroutineDispatcher? = null,
        context: (Connection) -> CoroutineContext = { EmptyCoroutineContext },
        onFailure: ((Connection, Throwable) -> Unit)? = null,
        handler: suspend CoroutineScope.(Connection) -> Unit,
    ) {
        val serving = Serving(this, reactor, coroutineContext, dispatcher, Service(context, onFailure, handler))
        servings.add(serving)
        try {
            serving.run(drain)
        } finally {
            servings.remove(serving)
        }
    }

    /**
     * Comes to an end in phases, as [Shutdown] says: [serve] returns then. Handlers that wait in [Connection.awaitRequest] with nothing
     * to read are idle, and are told at once that there will be no request; others go on until they return. Those that have not
     * returned when the times to finish and to flush are over (a handler's writes are its own affair) are cut off: their
     * connections are closed, by a reset in the midst of an answer, and they are cancelled.
     *
     * A TLS handshake that the client has begun goes on: its end starts a handler, which [Connection.awaitRequest] tells that there is
     * none, unless it has come by then. When the times are over, it is cut off with the others. A connection on which a client has said
     * nothing yet is idle, and closed at once.
     *
     * The times hold whatever handlers do. This waits a quarter of a second at most for those that were cut off to feel it and
     * leave; [serve], of which they are parts, waits for them however long that takes.
     *
     * Called again, or at the same time, it waits until the first call has come to its end, which it does at the latest when the times
     * of this one are over.
     *
     * **Cancelled**, all times are over: it closes the listener, and cuts the handlers off. A call that is not the first just ends.
     *
     * @return what became of the connections
     * @throws IllegalStateException in a handler of this listener, or in what it has started: it would be waiting for itself
     */
    public suspend fun shutdown(phases: Shutdown): Shutdown.Report {
        check(coroutineContext[HandlerOf]?.isWithin(this) != true) {
            "a handler cannot wait for itself to end: shut $this down from a coroutine that is none of its handlers', one that is " +
                "launched in the scope that called serve, say; to stop accepting only, close it"
        }
        return ending.run(phases)
    }

    /**
     * Stops listening. An [accept] in progress ends with [NetparkException.Closed], connections that wait are refused,
     * those accepted stay open. The port is free at once. Calling it again has no effect.
     */
    override fun close() {
        cores.forEach { it.close() }
    }

    /** The file of a unix socket stays when this is closed: somebody else goes on with the socket. */
    public fun keepFile(): Unit = core.keepFile()

    /**
     * The file of a unix socket's path is removed when this is closed: of a listener that was [adopted][Reactor.adoptListener] it
     * stays otherwise.
     */
    public fun removeFileOnClose(): Unit = core.removeFileOnClose()

    /**
     * Another descriptor of the same socket: to be [passed][Connection.writeDescriptors] to a process that goes on with it, while
     * this one still accepts. Connections wait in the same queue, so none is lost when this listener is closed. Of a unix socket
     * with a path [keepFile] is to be called before.
     *
     * When the other process accepts, [close] this listener, and [shut it down][shutdown] after that, with time to announce. So
     * nobody is accepted here just before the connections are closed that wait for a request, and whoever was accepted has that
     * time to send one.
     *
     * @return the caller's to close
     * @throws NetparkException.Closed the listener is closed
     * @throws IllegalStateException the listener has a socket for each loop: its successor [listens so][Reactor.listenOnEachLoop] too
     */
    public fun duplicate(): OpenDescriptor {
        check(cores.size == 1) { "$this has a socket for each loop; its successor listens on each loop, too, and they share the port" }
        return core.duplicate()
    }

    override fun toString(): String = core.toString()
}
