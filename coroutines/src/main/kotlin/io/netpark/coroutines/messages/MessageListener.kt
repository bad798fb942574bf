package io.netpark.coroutines.messages

import io.netpark.core.net.messages.MessageListenerDescriptor
import io.netpark.core.sys.NetparkException
import io.netpark.coroutines.parking.given
import io.netpark.coroutines.serving.Accepting
import java.net.SocketAddress
import kotlin.time.Duration

/**
 * Accepts sockets of sequenced packets on a unix address. When descriptors or memory run out, accepting pauses and resumes by
 * itself, as a [Listener][io.netpark.coroutines.Listener] does.
 *
 * @see io.netpark.coroutines.Reactor.listenPackets
 */
public class MessageListener internal constructor(private val core: MessageListenerDescriptor) : AutoCloseable {

    private val accepting = Accepting(core)

    /** The address it listens on. */
    public val localAddress: SocketAddress get() = core.localAddress()

    /** Whether [close] has not been called yet. */
    public val isOpen: Boolean get() = !core.isClosed

    /**
     * Accepts the next socket; the caller closes it. Several coroutines may call this and are served in turn.
     *
     * **Cancelled**, it has accepted nothing: a peer that waits stays in the queue, and one that was just being accepted is closed.
     * Once this has returned the socket is the caller's, as with [Listener.accept][io.netpark.coroutines.Listener.accept].
     *
     * @throws NetparkException.Closed the listener is closed, before or meanwhile
     */
    public suspend fun accept(): MessageSocket = accepting.next().given { MessageSocket(it) }

    /**
     * Accepts the next socket within a time limit, and loses none: one that comes as the time is over is returned.
     *
     * @param timeout how long to wait for a socket; zero or less takes only one that is waiting already
     * @throws NetparkException.TimedOut none has come in time; the timeout is `ACCEPT`
     * @throws NetparkException.Closed the listener is closed, before or meanwhile
     */
    public suspend fun accept(timeout: Duration): MessageSocket = accepting.next(timeout).given { MessageSocket(it) }

    /** The file of a path stays when this is closed: somebody else goes on with the socket. */
    public fun keepFile(): Unit = core.keepFile()

    /** Stops listening; sockets that were accepted stay open. Calling it again has no effect. */
    override fun close() {
        core.close()
    }

    override fun toString(): String = core.toString()
}
