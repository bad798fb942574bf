package io.netpark.samples

import io.netpark.core.net.socket.PassedDescriptors
import io.netpark.core.sys.NetparkException
import io.netpark.core.sys.OpenDescriptor
import io.netpark.core.sys.UnixAddress
import io.netpark.coroutines.Connection
import io.netpark.coroutines.Reactor
import io.netpark.coroutines.handover.readDescriptors
import io.netpark.samples.paths.isSocket
import io.netpark.samples.paths.removeAbandonedSocket
import java.nio.ByteBuffer
import java.nio.file.Path
import kotlin.time.Duration.Companion.seconds
import kotlinx.coroutines.runBlocking

/**
 * The process that serves until this one does, and its listening socket.
 *
 * ```
 * this process                          the other one, a Successor's host
 *     |------- connects --------------------->|
 *     |<------ the listening socket ----------|
 *   serves                                  serves
 *     |------- a byte: "I serve" ------------>|
 *     |<------ the end of the stream ---------| has left the path, and accepts nobody any more
 *   waits at the path for its successor     drains, and ends
 * ```
 *
 * A process that fails before it says that it serves leaves the other one as it was. If the other one is killed meanwhile, this one
 * serves alone.
 */
internal class Predecessor private constructor(
    private val reactor: Reactor,
    private val path: Path,
    private val connection: Connection,
    val socket: OpenDescriptor,
) : AutoCloseable {

    /** Says that this process serves, and waits until the other one has left the path, or is dead. */
    fun relieve(): Unit = use {
        try {
            runBlocking {
                connection.write(byteArrayOf(1))
                connection.reader.await() // false: that is its end
            }
        } catch (_: NetparkException.Reset) {
            // It was killed before it heard of that, and serves nobody.
        }
        removeAbandonedSocket(path) // of one that was killed: others have removed theirs
    }

    override fun close() {
        socket.close() // has no effect if it was adopted
        reactor.close()
    }

    companion object {
        private val PATIENCE = 10.seconds

        /** Asks the process that waits at [path] for its listening socket; null if there is none. What else is at the path stays there. */
        fun at(path: Path): Predecessor? {
            if (!isSocket(path)) return null
            val reactor = Reactor(loops = 1)
            try {
                return runBlocking { ask(reactor, path) }
            } catch (e: Throwable) {
                reactor.close()
                if (e !is NetparkException.Refused) throw e
                removeAbandonedSocket(path)
                return null
            }
        }

        private suspend fun ask(reactor: Reactor, path: Path): Predecessor {
            val connection = reactor.dial(UnixAddress.path(path), timeout = PATIENCE)
            connection.readTimeout = PATIENCE
            return PassedDescriptors(1).use { passed ->
                connection.readDescriptors(ByteBuffer.allocate(1), passed)
                val socket = passed.take().singleOrNull()
                    ?: throw NetparkException.Truncated("$path: who waits there has passed no socket")
                Predecessor(reactor, path, connection, socket)
            }
        }
    }
}
