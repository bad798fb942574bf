package io.netpark.bench.proxy

import io.netpark.coroutines.Connection
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.launch

/** By buffers: a coroutine each way moves what the reader of one has to the writer of the other. */
internal class NetparkCopyProxy : NetparkProxy() {

    override suspend fun join(client: Connection, upstream: Connection): Unit = coroutineScope {
        launch { copy(client, upstream) }
        copy(upstream, client)
    }

    private suspend fun copy(source: Connection, target: Connection) {
        val reader = source.reader
        val writer = target.writer
        while (reader.await()) {
            writer.append(reader)
            writer.flush()
        }
        target.shutdownOutput()
    }
}
