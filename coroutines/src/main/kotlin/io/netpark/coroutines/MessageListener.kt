package io.netpark.coroutines

import io.netpark.core.fd.Direction
import io.netpark.core.net.MessageDescriptor
import io.netpark.core.net.MessageListenerDescriptor
import io.netpark.core.sys.NetparkException
import java.net.SocketAddress
import kotlin.coroutines.coroutineContext
import kotlin.time.TimeMark
import kotlinx.coroutines.Job
import kotlinx.coroutines.ensureActive
import kotlinx.coroutines.sync.Mutex
import kotlinx.coroutines.sync.withLock

/**
 * Accepts sockets of sequenced packets on a unix address. When descriptors or memory run out, accepting pauses and resumes by
 * itself, as that of a [Listener] does.
 *
 * @see Reactor.listenPackets
 */
public class MessageListener internal constructor(private val core: MessageListenerDescriptor) : AutoCloseable {

    private val accepting = Parking(core, Direction.READ)
    private val turn = Mutex()

    /** The address it listens on. */
    public val localAddress: SocketAddress get() = core.localAddress()

    /** Whether [close] has not been called yet. */
    public val isOpen: Boolean get() = !core.isClosed

    /**
     * Accepts the next socket; the caller closes it. Several coroutines may call this and are served in turn.
     *
     * **Cancelled**, it has accepted nothing: a peer that waits stays in the queue.
     *
     * @throws NetparkException.Closed the listener is closed, before or meanwhile
     * @throws NetparkException.TimedOut [acceptDeadline] has passed
     */
    public suspend fun accept(): MessageSocket = MessageSocket(turn.withLock { acceptCore() })

    private suspend fun acceptCore(): MessageDescriptor {
        coroutineContext.ensureActive()
        var accepted = core.startAccept()
        while (accepted == null) {
            accepting.await()
            val job = coroutineContext[Job]
            if (job != null && !job.isActive) {
                core.abandon(Direction.READ)
                job.ensureActive()
            }
            accepted = core.retryAccept()
        }
        return accepted
    }

    /**
     * An instant from which on [accept] fails with [NetparkException.TimedOut], also one that is suspended; null, the default, for
     * none. As [Connection.readDeadline].
     */
    public var acceptDeadline: TimeMark?
        get() = core.deadlineMark(Direction.READ)
        set(value) = core.setDeadline(Direction.READ, value)

    /** The file of a path stays when this is closed: somebody else goes on with the socket. */
    public fun keepFile(): Unit = core.keepFile()

    /** Stops listening; sockets that were accepted stay open. Calling it again has no effect. */
    override fun close() {
        core.close()
    }

    override fun toString(): String = core.toString()
}
