package io.netpark.coroutines

import io.netpark.core.fd.Direction
import io.netpark.core.net.Shutdown
import io.netpark.core.sys.NetparkException
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.CoroutineDispatcher
import kotlinx.coroutines.Job
import kotlinx.coroutines.NonCancellable
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.delay
import kotlinx.coroutines.ensureActive
import kotlinx.coroutines.launch
import kotlinx.coroutines.sync.Mutex
import kotlinx.coroutines.sync.withLock
import kotlinx.coroutines.withContext
import kotlinx.coroutines.withTimeoutOrNull
import java.net.SocketAddress
import java.util.concurrent.ConcurrentHashMap
import java.util.concurrent.atomic.AtomicReference
import kotlin.coroutines.coroutineContext
import kotlin.time.Duration
import kotlin.time.toKotlinDuration
import io.netpark.core.net.Connection as CoreConnection
import io.netpark.core.net.Listener as CoreListener

/**
 * Accepts connections, of TCP or on a unix socket.
 *
 * When descriptors or memory run out, accepting pauses and resumes by itself; this is reported once an episode to the
 * reactor's reporter, and never thrown.
 *
 * @see Reactor.listen
 */
public class Listener internal constructor(
    private val cores: List<CoreListener>,
    private val reactor: Reactor,
) : AutoCloseable {

    private val core = cores.first()
    private val accepting = Parking(core, Direction.READ)
    private val turn = Mutex()
    internal val servings: MutableSet<Serving> = ConcurrentHashMap.newKeySet()
    private val idle: MutableSet<Connection> = ConcurrentHashMap.newKeySet()
    private val shutdown = AtomicReference<CompletableDeferred<Shutdown.Report>?>()

    @Volatile private var endsIdle = false

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
    public val isDraining: Boolean get() = shutdown.get() != null

    /**
     * Accepts the next connection; the caller closes it. Several coroutines may call this and are served in turn.
     *
     * **Cancelled**, it has accepted nothing: a connection that waits stays in the queue.
     *
     * @throws NetparkException.Closed the listener is closed, before or meanwhile
     * @throws NetparkException.TimedOut the deadline has passed; see [setDeadline]
     * @throws UnsupportedOperationException it has a socket for each loop; use [serve]
     */
    public suspend fun accept(): Connection {
        if (cores.size > 1) {
            throw UnsupportedOperationException("$this has ${cores.size} sockets, one for each loop; use serve, or listen with one")
        }
        return Connection(turn.withLock { accept(core, accepting) }, reactor.buffering)
    }

    /** Passes connections to [handle], on the loop of the socket that they came to, until it is cancelled or closed. */
    internal suspend fun acceptAll(handle: (CoreConnection) -> Unit): Unit = coroutineScope {
        for (core in cores) {
            val accepting = if (core === this@Listener.core) accepting else Parking(core, Direction.READ)
            launch(reactor.dispatcherOf(core.loop())) {
                while (true) {
                    handle(if (cores.size > 1) accept(core, accepting) else turn.withLock { accept(core, accepting) })
                }
            }
        }
    }

    private suspend fun accept(core: CoreListener, accepting: Parking): CoreConnection {
        coroutineContext.ensureActive()
        var accepted = core.startAccept()
        while (accepted == null) {
            accepting.await()
            coroutineContext[Job]?.let { job ->
                if (!job.isActive) {
                    core.abandon(Direction.READ)
                    job.ensureActive()
                }
            }
            accepted = core.retryAccept()
        }
        return accepted
    }

    /**
     * Accepts connections and starts [handler] for each, until this call is cancelled or the listener is closed.
     *
     * Handlers run on the event loop of their connection, or on [dispatcher]. On a loop they must not block: it serves
     * other connections as well (`withContext(Dispatchers.IO)` for what blocks). Loops are taken in turn.
     *
     * A connection is closed when its handler, with all coroutines started in it, has finished. A handler that throws
     * disturbs nobody else: it is reported to the context's `CoroutineExceptionHandler`, or else to the reactor's
     * reporter. The end of a connection is no news: `Reset` and `Closed` are not reported.
     *
     * **Cancelled**, it closes the listener, lets handlers go on for up to [drain], cancels the rest, and returns when
     * they are all gone. By default it cancels them at once.
     *
     * **When the listener is closed**, by [close] or with its reactor, it waits until the handlers have finished, and returns
     * normally.
     */
    public suspend fun serve(
        drain: Duration = Duration.ZERO,
        dispatcher: CoroutineDispatcher? = null,
        handler: suspend (Connection) -> Unit,
    ) {
        val serving = Serving(this, reactor, coroutineContext, dispatcher, handler)
        servings += serving
        try {
            serving.run(drain)
        } finally {
            servings -= serving
        }
    }

    /**
     * Comes to an end in phases, as [Shutdown] says: [serve] returns then. Handlers that wait in [Reader.awaitRequest] with nothing
     * to read are idle, and are told at once that there will be no request; others go on until they return. Those that have not
     * returned when the times to finish and to flush are over (a handler's writes are its own affair) are cancelled.
     *
     * Called again, or at the same time, it waits until the first call has come to its end.
     *
     * **Cancelled**, all times are over: it closes the listener and cancels the handlers, and waits for those.
     *
     * @return what became of the connections
     */
    public suspend fun shutdown(phases: Shutdown): Shutdown.Report {
        val report = CompletableDeferred<Shutdown.Report>()
        if (!shutdown.compareAndSet(null, report)) return shutdown.get()!!.await()
        try {
            delay(phases.announce().toKotlinDuration())
        } finally {
            val ending = servings.toList()
            val open = ending.sumOf { it.count() }
            close()
            endsIdle = !phases.keepIdle()
            if (endsIdle) tellIdle()
            try {
                withTimeoutOrNull((phases.finish() + phases.flush()).toKotlinDuration()) { ending.forEach { it.join() } }
            } finally {
                val cut = withContext(NonCancellable) { ending.sumOf { it.cut() } }
                report.complete(Shutdown.Report(idle.size, maxOf(0, open - idle.size - cut), 0, cut))
                idle.clear()
            }
        }
        return report.await()
    }

    /** Handlers that wait for a request look whether any is wanted. */
    private fun tellIdle() {
        for (loop in reactor.group.loops() + reactor.group.retiring()) {
            loop.tryExecute {
                // A read that is parked tries again, finds nothing, and parks again: harmless for all others.
                loop.poller().watched().forEach { (it as? CoreConnection)?.nudge(Direction.READ) }
            }
        }
    }

    /** For a read of [connection] that has found nothing: gives it up if no request is wanted any more. */
    @PublishedApi
    internal fun isWithoutRequests(connection: Connection): Boolean {
        if (!endsIdle) return false
        connection.giveUpRead()
        idle += connection // once, however often it asks
        return true
    }

    /**
     * Lets [accept] fail with [NetparkException.TimedOut] from an instant on: [after] from now. Also for one that is
     * suspended. [Duration.INFINITE] takes the deadline away.
     */
    public fun setDeadline(after: Duration): Unit = cores.forEach { it.setDeadline(Direction.READ, after) }

    /**
     * Stops listening. An [accept] in progress ends with [NetparkException.Closed], connections that wait are refused,
     * those accepted stay open. The port is free at once. Calling it again has no effect.
     */
    override fun close() {
        cores.forEach { it.close() }
    }

    /** The file of a unix socket stays when this is closed: somebody else goes on with the socket. */
    public fun keepFile(): Unit = core.keepFile()

    override fun toString(): String = core.toString()
}
