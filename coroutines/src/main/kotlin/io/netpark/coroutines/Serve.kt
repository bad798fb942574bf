package io.netpark.coroutines

import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.coroutineScope

/**
 * Serves this one connection, as [Listener.serve] serves those that it accepts, in the caller's coroutine: [handler] has a scope of its
 * own, and this returns when the coroutines that it starts there have ended, too. Then what the handler has written and not flushed is
 * flushed, and the connection is closed. It is for a connection that comes from elsewhere: from [Reactor.pair] in a test, from
 * [Reactor.adopt], or from [Listener.accept].
 *
 * **Cancelled**, or if the handler fails, what is not flushed is dropped, and the connection is closed; in the midst of an answer by a
 * reset, so that the peer does not take for whole what is not.
 *
 * @throws Throwable what the handler throws; nothing is reported
 */
public suspend fun Connection.serve(handler: suspend CoroutineScope.(Connection) -> Unit) {
    try {
        coroutineScope { handler(this@serve) }
        if (isOutputBroken) breakOff() else finishOutput()
    } catch (e: Throwable) {
        breakOff()
        throw e
    } finally {
        closeWithBuffers()
    }
}
