package io.netpark.bench.proxy

import io.netpark.coroutines.Connection
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.launch
import java.nio.ByteBuffer

/** The plain way: a coroutine each way reads into a buffer on the heap, and writes it. */
internal class NetparkHeapProxy : NetparkProxy() {

    override suspend fun join(client: Connection, upstream: Connection): Unit = coroutineScope {
        launch { copy(client, upstream) }
        copy(upstream, client)
    }

    private suspend fun copy(source: Connection, target: Connection) {
        val buffer = ByteBuffer.allocate(SIZE)
        while (source.read(buffer) >= 0) {
            target.write(buffer.flip())
            buffer.clear()
        }
        target.shutdownOutput()
    }

    private companion object {
        const val SIZE = 64 * 1024
    }
}
