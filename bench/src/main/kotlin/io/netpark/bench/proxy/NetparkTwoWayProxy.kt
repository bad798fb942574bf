package io.netpark.bench.proxy

import io.netpark.coroutines.Connection
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.launch

/** A coroutine each way. Subclasses pass bytes on, one way. */
internal abstract class NetparkTwoWayProxy : NetparkProxy() {

    final override suspend fun join(client: Connection, upstream: Connection): Unit = coroutineScope {
        launch { passToEnd(client, upstream) }
        passToEnd(upstream, client)
    }

    private suspend fun passToEnd(source: Connection, target: Connection) {
        pass(source, target)
        target.shutdownOutput()
    }

    /** Passes on what [source] reads, to its end. */
    protected abstract suspend fun pass(source: Connection, target: Connection)
}
