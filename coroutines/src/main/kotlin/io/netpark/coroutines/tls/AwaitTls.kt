package io.netpark.coroutines.tls

import io.netpark.core.sys.NetparkException
import io.netpark.core.tls.TlsSession
import io.netpark.coroutines.Connection
import io.netpark.coroutines.awaitHandshake
import io.netpark.coroutines.checkActive
import kotlin.coroutines.coroutineContext

/**
 * Suspends until the TLS handshake of a connection is over, which [Listener.accept][io.netpark.coroutines.Listener.accept] does not wait
 * for. Reading and writing waits for it as well. So this is for a program that wants to know what was agreed on before that, or
 * whether the peer is worth a handler:
 *
 * ```
 * val connection = listener.accept()
 * launch {
 *     connection.use {
 *         val session = it.awaitTls()
 *         if (session.applicationProtocol == "h2") http2(it) else http1(it)
 *     }
 * }
 * ```
 *
 * A handshake that fails is told of by Netpark, in one line, and need not be told of again.
 *
 * **Cancelled**, the handshake goes on, and the connection is as before.
 *
 * @return what the handshake has agreed on; [Connection.tlsSession] from now on
 * @throws NetparkException.TlsFailure the handshake has failed, and the message says what to do. The connection is closed
 * @throws NetparkException.TimedOut the handshake has taken longer than it may, and the connection is closed; or the write deadline
 *     has passed, and the connection is as before. A write timeout does not count here
 * @throws NetparkException.Closed the connection is closed, before or meanwhile
 * @throws IllegalStateException the connection has no TLS, or another coroutine is writing
 */
public suspend fun Connection.awaitTls(): TlsSession {
    checkActive(coroutineContext)
    check(core.hasTls()) { "await TLS on $this: it has none; the listener is to be given some, or startTls begins it" }
    awaitHandshake()
    return checkNotNull(core.tlsSession())
}
