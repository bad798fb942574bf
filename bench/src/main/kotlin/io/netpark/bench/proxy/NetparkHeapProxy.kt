package io.netpark.bench.proxy

import io.netpark.coroutines.Connection
import java.nio.ByteBuffer

/** The plain way: reads into a buffer on the heap, and writes it. */
internal class NetparkHeapProxy : NetparkTwoWayProxy() {

    override suspend fun pass(source: Connection, target: Connection) {
        val buffer = ByteBuffer.allocate(SIZE)
        while (source.read(buffer) >= 0) {
            target.write(buffer.flip())
            buffer.clear()
        }
    }

    private companion object {
        const val SIZE = 64 * 1024
    }
}
