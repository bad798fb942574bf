package io.netpark.coroutines.handover

import io.netpark.core.net.socket.Detached
import io.netpark.core.sys.NetparkException
import io.netpark.coroutines.Connection
import io.netpark.coroutines.endBuffers
import io.netpark.coroutines.requireSent

/**
 * Takes the socket of a connection out of the reactor, open and non-blocking, for other code. The connection object is closed.
 *
 * @return the socket, and the bytes that [Connection.reader] has read from it and nobody has taken. The caller closes it, or gives it to
 *   [Reactor.adopt][io.netpark.coroutines.Reactor.adopt]
 * @throws NetparkException.Closed the connection is closed
 * @throws IllegalStateException a coroutine is reading or writing, or the writer has not been flushed, or the kernel has bytes
 *     on loan (see [setZeroCopy][io.netpark.coroutines.setZeroCopy])
 */
public fun Connection.detach(): Detached {
    lease?.checkLent()
    requireSent("detach the connection to")
    val descriptor = core.detach()
    try {
        return Detached(descriptor, madeReader?.run { takeBytes(available().toInt()) } ?: ByteArray(0))
    } catch (e: Throwable) { // no memory
        descriptor.close()
        throw e
    } finally {
        endBuffers()
    }
}
