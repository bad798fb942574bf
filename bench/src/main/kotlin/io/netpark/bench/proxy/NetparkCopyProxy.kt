package io.netpark.bench.proxy

import io.netpark.coroutines.Connection

/** By buffers: what the reader of one connection has moves to the writer of the other. */
internal class NetparkCopyProxy : NetparkTwoWayProxy() {

    override suspend fun pass(source: Connection, target: Connection) {
        val reader = source.reader
        val writer = target.writer
        while (reader.await()) {
            writer.append(reader)
            writer.flush()
        }
    }
}
