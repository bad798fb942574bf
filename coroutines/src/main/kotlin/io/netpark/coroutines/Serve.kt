package io.netpark.coroutines

import io.netpark.core.sys.NetparkException
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.coroutineScope

/**
 * Serves this one connection in the caller's coroutine, as [Listener.serve] serves the connections that it accepts. [handler] has a
 * scope of its own. This returns when the coroutines that the handler has started there have ended, too. Then what the handler has not
 * flushed is flushed, the frames that wait are written, and the connection is closed. It is for a connection that comes from elsewhere:
 * from [Reactor.pair] in a test, from [Reactor.adopt], or from [Listener.accept].
 *
 * **Cancelled**, or if the handler fails, what is not flushed is dropped, and the connection is closed. In the midst of an answer it is
 * closed by a reset, so that the peer does not take the part for the whole.
 *
 * With TLS the handler starts when the handshake is over. If that has failed, it does not start.
 *
 * @throws Throwable what the handler throws; nothing is reported
 * @throws NetparkException the TLS handshake has failed
 * @throws IllegalStateException the connection is borrowed from a [ConnectionPool]
 */
public suspend fun Connection.serve(handler: suspend CoroutineScope.(Connection) -> Unit) {
    check(lease == null) { "$this is borrowed from a pool: serve would close it; call the handler, and give the connection back" }
    try {
        endedBy({
            awaitHandshake()
            coroutineScope { handler(this@serve) }
        }) { failure, _ -> throw failure }
    } finally {
        closeWithBuffers()
    }
}
