package io.netpark.bench.proxy

import io.netpark.coroutines.Connection
import io.netpark.coroutines.Reactor
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.launch
import java.net.InetSocketAddress

/** Netpark's coroutine API: one reactor of one loop, a handler a client. Subclasses join a pair. */
internal abstract class NetparkProxy : BenchProxy {

    private val reactor = Reactor(loops = 1)

    /** Makes two connections one until both streams have ended. */
    protected abstract suspend fun join(client: Connection, upstream: Connection)

    final override fun start(upstream: InetSocketAddress): Int {
        val listener = reactor.listen("127.0.0.1", 0)
        CoroutineScope(Dispatchers.Default).launch {
            listener.serve { client ->
                reactor.dial(upstream).use { join(client, it) }
            }
        }
        return listener.port
    }
}
