package io.netpark.coroutines

import io.netpark.core.net.streams.PeerState
import io.netpark.core.sys.AddressText
import io.netpark.core.sys.NetparkException
import kotlinx.coroutines.suspendCancellableCoroutine
import kotlin.coroutines.coroutineContext
import kotlin.coroutines.resume

/**
 * Suspends until the peer has ended its output or is gone: for a handler that waits for something else, or works, and wants to
 * know that nobody waits for its answer.
 *
 * ```
 * coroutineScope {
 *     val watch = launch {
 *         connection.awaitPeerClosed()
 *         this@coroutineScope.cancel("the client has gone")
 *     }
 *     connection.write(compute())
 *     watch.cancel()
 * }
 * ```
 *
 * It reads nothing, does not disturb who does, and sees an end behind bytes that nobody has read. A TCP peer that has closed its
 * connection looks like one that has only ended its output, until something is sent to it: a client that half-closes and waits
 * for its answer is told by waiting for [PeerState.GONE] instead. Several coroutines may wait. Unused, it costs nothing.
 *
 * **Cancelled**, it leaves the connection as it was.
 *
 * @param from what to wait for: [PeerState.HALF_CLOSED], or [PeerState.GONE]
 * @return which it was: [PeerState.HALF_CLOSED] or [PeerState.GONE]
 * @throws NetparkException.Closed the connection is closed here, before or meanwhile
 */
public suspend fun Connection.awaitPeerClosed(from: PeerState = PeerState.HALF_CLOSED): PeerState {
    require(from == PeerState.HALF_CLOSED || from == PeerState.GONE) { "wait for HALF_CLOSED or GONE, not for $from" }
    Connection.WATCHING.incrementAndGet(this) // first, as who gives back a lease looks at that last
    val state = try {
        checkActive(coroutineContext)
        suspendCancellableCoroutine { continuation ->
            val watch = core.watchPeer(from) { continuation.resume(it) }
            continuation.invokeOnCancellation { watch.close() }
        }
    } finally {
        Connection.WATCHING.decrementAndGet(this)
    }
    if (state == PeerState.CLOSED) throw about(NetparkException.Closed("await the end of ${AddressText.of(remoteAddress)}: closed here"))
    return state
}
