package io.netpark.coroutines.tls

import io.netpark.core.sys.NetparkException
import io.netpark.core.tls.ClientTls
import io.netpark.core.tls.ServerTls
import io.netpark.core.tls.Tls
import io.netpark.core.tls.TlsSession
import io.netpark.coroutines.Connection
import io.netpark.coroutines.awaitHandshake
import io.netpark.coroutines.checkActive
import io.netpark.coroutines.checkInput
import io.netpark.coroutines.checkOutput
import io.netpark.coroutines.requireSent
import java.net.InetSocketAddress
import kotlin.coroutines.coroutineContext

/**
 * Begins TLS on a connection that is plain, as the server, and suspends until the handshake is over. It is for a protocol that begins
 * in plain text and agrees on TLS then (STARTTLS): SMTP, IMAP, PostgreSQL.
 *
 * ```
 * check(connection.reader.awaitLine() == "STARTTLS")
 * connection.write("220 ready\r\n".toByteArray())
 * connection.startTls(tls)
 * ```
 *
 * The last byte of the plain part must have been written and flushed, and the peer's last must have been read. What
 * [Connection.reader] has read beyond that counts as the first bytes of TLS, and never as data. So a plain command that an attacker
 * has put behind the peer's STARTTLS is not obeyed: the handshake fails (CVE-2011-0411). Whatever was learnt in the plain part should be
 * forgotten after it.
 *
 * **Cancelled**, timed out or failed, it closes the connection: in the midst of a handshake it is of no more use. Nobody else is told of
 * the failure.
 *
 * @return what the handshake has agreed on; [Connection.tlsSession] from now on
 * @throws NetparkException.TlsFailure the handshake has failed, and the message says what to do
 * @throws NetparkException.TimedOut the handshake has taken longer than [Tls.handshakeTimeout], or [Connection.writeDeadline] has
 *     passed. A write timeout does not count here
 * @throws NetparkException.Closed the connection is closed, before or meanwhile
 * @throws IllegalStateException it has TLS already; or a coroutine is reading or writing, [Connection.writer] holds bytes, or frames are
 *     still being written. The connection is as before
 */
public suspend fun Connection.startTls(tls: ServerTls): TlsSession = secured(tls, null, -1)

/**
 * Begins TLS as the client. Otherwise as [startTls] of a server.
 *
 * **Cancelled**, as that.
 *
 * @param host what the server has to prove that it is, and is asked for: the name that was dialed. Null only if [tls] verifies no name,
 *     or has one of its own
 * @param port the port that was dialed: with the name it is what sessions are resumed by
 * @throws IllegalStateException [host] is null and [tls] needs it; and as for a server. The connection is as before
 */
public suspend fun Connection.startTls(
    tls: ClientTls,
    host: String?,
    port: Int = (remoteAddress as? InetSocketAddress)?.port ?: -1,
): TlsSession = secured(tls, host, port)

private suspend fun Connection.secured(tls: Tls, host: String?, port: Int): TlsSession {
    checkActive(coroutineContext)
    checkInput()
    checkOutput()
    requireSent("start TLS with")
    begin(tls, host, port)
    closingIfThrown { awaitHandshake() }
    return checkNotNull(core.tlsSession())
}

private fun Connection.begin(tls: Tls, host: String?, port: Int) {
    val reader = madeReader?.owned
    val ahead = reader?.enter()
    try {
        core.startTls(tls, host, port, ahead)
    } catch (e: NetparkException) { // of the engine's, perhaps, which may have got what was read ahead
        close()
        throw e
    } finally {
        ahead?.let { reader.exit(it) }
    }
}

private inline fun Connection.closingIfThrown(body: () -> Unit) {
    try {
        body()
    } catch (e: Throwable) {
        close()
        throw e
    }
}
