package io.netpark.samples

import io.netpark.core.sys.UnixAddress
import io.netpark.coroutines.Connection
import io.netpark.coroutines.Listener
import io.netpark.coroutines.Reactor
import io.netpark.coroutines.handover.writeDescriptors
import java.nio.ByteBuffer
import java.nio.file.Path
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.launch

/**
 * Waits at [path] for the process that is to go on with the socket of [served], gives it the socket, and calls [relieved] once that
 * process serves. See [Predecessor], which is the other side of this.
 *
 * @param reactor where it waits; ends with it
 */
internal class Successor(reactor: Reactor, path: Path, private val served: Listener, private val relieved: () -> Unit) {

    private val listener = reactor.listen(UnixAddress.path(path))

    init {
        CoroutineScope(Dispatchers.Default).launch { listener.serve { connection -> handOver(connection) } }
    }

    private suspend fun handOver(connection: Connection) {
        served.duplicate().use { connection.writeDescriptors(ByteBuffer.allocate(1), it) }
        if (!connection.reader.await()) return // it has failed, and this process goes on
        listener.close() // removes the file; the end of this connection says so
        relieved()
    }
}
