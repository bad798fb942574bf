package io.netpark.core.testing

import io.netpark.core.fd.Descriptor
import io.netpark.core.fd.Direction
import io.netpark.core.fd.Waiter
import io.netpark.core.net.streams.ConnectionDescriptor
import io.netpark.core.sys.NetparkException
import java.nio.ByteBuffer

/** Writes back what it reads, on the connection's loop, and closes it at the end. */
class LoopEcho(private val connection: ConnectionDescriptor) : Waiter {
    private val bytes = ByteBuffer.allocate(32_768)
    private var writing = false

    fun begin() = connection.loop().execute { goOn { connection.startRead(bytes) } }

    override fun run() = goOn { if (writing) connection.retryWrite(bytes) else connection.retryRead(bytes) }

    private fun goOn(first: () -> Int) {
        try {
            var outcome = first()
            while (true) {
                if (outcome == Descriptor.PARK) {
                    val direction = if (writing) Direction.WRITE else Direction.READ
                    if (connection.park(direction, this)) return
                    outcome = if (writing) connection.retryWrite(bytes) else connection.retryRead(bytes)
                } else if (outcome < 0) {
                    return connection.close()
                } else {
                    if (writing) bytes.clear() else bytes.flip()
                    writing = !writing
                    outcome = if (writing) connection.startWrite(bytes) else connection.startRead(bytes)
                }
            }
        } catch (_: NetparkException) {
            connection.close()
        }
    }
}
