package io.netpark.coroutines

import io.netpark.core.fd.Direction
import io.netpark.core.sys.NetparkException
import kotlinx.coroutines.CoroutineDispatcher
import kotlinx.coroutines.Job
import kotlinx.coroutines.ensureActive
import kotlinx.coroutines.sync.Mutex
import kotlinx.coroutines.sync.withLock
import java.net.InetSocketAddress
import kotlin.coroutines.coroutineContext
import kotlin.time.Duration
import io.netpark.core.net.Connection as CoreConnection
import io.netpark.core.net.Listener as CoreListener

/**
 * Accepts TCP connections.
 *
 * When descriptors or memory run out, accepting pauses and resumes by itself; this is reported once an episode to the
 * reactor's reporter, and never thrown.
 *
 * @see Reactor.listen
 */
public class Listener internal constructor(
    private val core: CoreListener,
    private val reactor: Reactor,
) : AutoCloseable {

    private val accepting = Parking(core, Direction.READ)
    private val turn = Mutex()

    /** The address it listens on, with the port that was chosen for 0. */
    public val localAddress: InetSocketAddress get() = core.localAddress()

    /** Whether [close] has not been called yet. */
    public val isOpen: Boolean get() = !core.isClosed

    /**
     * Accepts the next connection; the caller closes it. Several coroutines may call this and are served in turn.
     *
     * **Cancelled**, it has accepted nothing: a connection that waits stays in the queue.
     *
     * @throws NetparkException.Closed the listener is closed, before or meanwhile
     * @throws NetparkException.TimedOut the deadline has passed; see [setDeadline]
     */
    public suspend fun accept(): Connection = Connection(acceptCore(), reactor.buffering)

    internal suspend fun acceptCore(): CoreConnection = turn.withLock {
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
        accepted
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
    ): Unit = Serving(this, reactor, coroutineContext, dispatcher, handler).run(drain)

    /** Where to run the code that accepts. */
    internal val dispatcher: LoopDispatcher get() = reactor.dispatcherOf(core.loop())

    /**
     * Lets [accept] fail with [NetparkException.TimedOut] from an instant on: [after] from now. Also for one that is
     * suspended. [Duration.INFINITE] takes the deadline away.
     */
    public fun setDeadline(after: Duration): Unit = core.setDeadline(Direction.READ, after)

    /**
     * Stops listening. An [accept] in progress ends with [NetparkException.Closed], connections that wait are refused,
     * those accepted stay open. The port is free at once. Calling it again has no effect.
     */
    override fun close() {
        core.close()
    }

    override fun toString(): String = core.toString()
}
