package io.netpark.coroutines

import io.netpark.core.net.streams.PeerState
import io.netpark.core.sys.AddressText
import io.netpark.core.sys.NetparkException
import kotlinx.coroutines.suspendCancellableCoroutine
import kotlin.coroutines.coroutineContext
import kotlin.coroutines.resume

/**
 * Suspends until the peer has ended its output or is gone. This is for a handler that works, or waits for something else, and wants to
 * know when nobody waits for its answer any more.
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
 * It reads nothing, does not disturb a reader, and sees an end behind bytes that nobody has read. A TCP peer that has closed its
 * connection looks like a peer that has only ended its output, until something is sent to it. To tell a peer that is gone from a client
 * that half-closes and waits for its answer, wait for [PeerState.GONE]. Several coroutines may wait. Unused, this costs nothing.
 *
 * **Cancelled**, it leaves the connection as it was.
 *
 * @param from what to wait for: [PeerState.HALF_CLOSED], or [PeerState.GONE]
 * @return which it was: [PeerState.HALF_CLOSED] or [PeerState.GONE]
 * @throws NetparkException.Closed the connection is closed here, before or meanwhile
 */
public suspend fun Connection.awaitPeerClosed(from: PeerState = PeerState.HALF_CLOSED): PeerState {
    require(from == PeerState.HALF_CLOSED || from == PeerState.GONE) { "wait for HALF_CLOSED or GONE, not for $from" }
    Connection.WATCHING.incrementAndGet(this) // first, as giving back a lease looks at that last
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
