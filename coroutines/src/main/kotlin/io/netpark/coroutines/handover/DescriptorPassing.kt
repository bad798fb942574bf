package io.netpark.coroutines.handover

import io.netpark.core.net.socket.PassedDescriptors
import io.netpark.core.sys.NetparkException
import io.netpark.core.sys.OpenDescriptor
import io.netpark.coroutines.Connection
import io.netpark.coroutines.holding
import io.netpark.coroutines.readReturned
import io.netpark.coroutines.runRead
import io.netpark.coroutines.runWrite
import java.nio.ByteBuffer

/**
 * Reads from a unix socket as [Connection.read] does, and takes the descriptors that have come with the bytes. Any other read closes the
 * descriptors that come with its bytes. So neither [Connection.reader] nor [Connection.read] must be used until they have come.
 *
 * **Cancelled**, it has consumed nothing, neither bytes nor descriptors.
 *
 * @param into where descriptors go; it must hold none. The caller closes them, or gives them to [Reactor.adopt][io.netpark.coroutines.Reactor.adopt]
 * @return the number of bytes read, or [Connection.END_OF_STREAM]
 * @throws IllegalStateException the connection is not one of unix sockets, or [into] holds some
 * @throws IllegalArgumentException [target] has no room for a byte, which descriptors come with
 */
public suspend fun Connection.readDescriptors(target: ByteBuffer, into: PassedDescriptors): Int =
    runRead({ readReturned(target) }, { core.startReadDescriptors(target, into) }, { core.retryReadDescriptors(target, into) })

/**
 * Writes all of [source] to a unix socket, and passes [descriptors] along with its first byte. The peer gets descriptors of
 * its own for the same open files. [descriptors] stay the caller's, and stay open until this returns.
 *
 * **Cancelled**, timed out or failed, the position of [source] says how much has been written. If that is anything, the
 * descriptors are on their way too.
 *
 * @param descriptors 1 to 253
 * @throws NetparkException a descriptor is not open, or cannot be passed; and as [Connection.write]
 * @throws IllegalStateException the connection is not one of unix sockets
 * @throws IllegalArgumentException [source] has no byte that they could go with, or they are too many
 */
public suspend fun Connection.writeDescriptors(source: ByteBuffer, vararg descriptors: OpenDescriptor) {
    holding(source) {
        // What this writes is more than 0 bytes.
        runWrite({ core.startWriteDescriptors(source, *descriptors) }, { core.retryWriteDescriptors(source, *descriptors) })
        if (source.hasRemaining()) write(source) // and no frame before it
    }
}
