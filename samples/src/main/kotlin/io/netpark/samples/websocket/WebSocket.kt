package io.netpark.samples.websocket

import io.netpark.core.buffer.LinkBuffer
import io.netpark.core.sys.NetparkException
import io.netpark.core.sys.NetparkException.TimedOut
import io.netpark.core.sys.NetparkException.Timeout
import io.netpark.coroutines.Connection
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.launch
import kotlin.time.Duration
import kotlin.time.Duration.Companion.seconds
import kotlin.time.TimeSource

/**
 * What a WebSocket server is told.
 *
 * @property messageLimit the most bytes of a message
 * @property queueLimit how many bytes may wait for a client; see [WebSocket.offer]
 * @property ping after how long a silence a client is asked whether it is there, and after as long again given up
 * @property patience how long a client may take for its part of closing, or none of a frame
 */
class WebSocketOptions(
    val messageLimit: Int = 64 * 1024,
    val queueLimit: Int = 256 * 1024,
    val ping: Duration = 30.seconds,
    val patience: Duration = 5.seconds,
)

/**
 * The server's side of a WebSocket, from the handshake's answer on.
 *
 * Two coroutines on the connection's loop: one reads, and calls for each message; one sends what is in the [Outbox]. [offer],
 * [end] and [ring] may be called by any thread, [send] and [put] by what [run] calls.
 */
class WebSocket(private val connection: Connection, private val options: WebSocketOptions) {

    private val parser = MessageParser(options.messageLimit)
    private val outbox = Outbox(options.queueLimit)

    /** Whether it has been asked if it is there, and not a byte has come since. */
    private var isAsked = false

    /** Whether the close frame is on its way: from then on the client has [WebSocketOptions.patience]. */
    private var isClosing = false

    /**
     * Reads until the client has closed or gone, or [end] was called and the client had its time to close as well.
     *
     * **Cancelled**, it ends at once: the client sees the connection close without a close frame.
     *
     * @param receive gets messages, TEXT or BINARY. While it is suspended nothing is read. A [WebSocketFailure] that it throws
     *   closes the WebSocket with that code
     */
    suspend fun run(receive: suspend (kind: Arrival, payload: LinkBuffer) -> Unit): Unit = coroutineScope {
        val sender = launch { sendAll() }
        try {
            try {
                readMessages(receive)
            } catch (e: WebSocketFailure) {
                end(e.code, e.message.orEmpty())
                skipRest()
            }
        } finally {
            parser.close()
        }
        sender.join()
    }

    // Sending

    /**
     * Leaves a frame for the client and never waits. To be followed by [ring], outside of any lock.
     *
     * @return false if so much waits already that there is no room: the client is too slow
     */
    fun offer(frame: ByteArray): Boolean = outbox.add(frame)

    /** Sees to it that what was offered, or ended, is sent. */
    fun ring(): Unit = outbox.ring()

    /** Sends a frame, or ends the WebSocket if it is too slow. */
    fun send(frame: ByteArray) {
        if (!outbox.add(frame)) tooSlow() else outbox.ring()
    }

    /** Sends a frame, when there is room for it. */
    suspend fun put(frame: ByteArray): Unit = outbox.put(frame)

    /** Says goodbye, behind what waits already. Only the first time counts. To be followed by [ring]. */
    fun endLater(code: Int?, reason: String): Unit = outbox.end(closeFrame(code, reason))

    /** Says goodbye, behind what waits already. */
    fun end(code: Int?, reason: String) {
        endLater(code, reason)
        ring()
    }

    /** Says goodbye in place of what waits, which the client would not have taken anyway. To be followed by [ring]. */
    fun endAsTooSlow(): Unit = outbox.end(closeFrame(CloseCode.TRY_AGAIN_LATER, TOO_SLOW), dropRest = true)

    private fun tooSlow() {
        endAsTooSlow()
        ring()
    }

    private suspend fun sendAll() {
        try {
            while (!outbox.isTaken) {
                if (!outbox.take(connection.writer)) {
                    outbox.await()
                    continue
                }
                if (outbox.isTaken) isClosing = true
                connection.writeTimeout = options.patience
                connection.writer.flush()
            }
            connection.shutdownOutput()
            connection.readDeadline = TimeSource.Monotonic.markNow() + options.patience
        } catch (e: TimedOut) {
            connection.reset() // it takes nothing, not even a goodbye
        } catch (_: NetparkException) {
            connection.close() // the reader finds out
        } finally {
            outbox.close()
        }
    }

    // Reading

    private suspend fun readMessages(receive: suspend (Arrival, LinkBuffer) -> Unit) {
        while (true) {
            when (val arrival = parser.next(connection.reader)) {
                null -> if (!awaitMore()) return gone()
                Arrival.PING -> send(frame(Arrival.PONG, parser.payload.takeBytes(parser.payload.available().toInt())))
                Arrival.PONG -> {}
                Arrival.CLOSE -> return end(parser.closeCode, "")
                else -> if (!outbox.isEnded) receive(arrival, parser.payload)
            }
        }
    }

    /** There is nobody to say goodbye to: the sender only has to end. */
    private fun gone() {
        connection.close()
        outbox.close()
        ring()
    }

    /** Reads; false if nothing comes any more. A silent client is asked once whether it is there. */
    private suspend fun awaitMore(): Boolean {
        while (true) {
            if (!isClosing) connection.readTimeout = options.ping
            try {
                return connection.reader.await(connection.reader.available().toInt() + 1).also { isAsked = false }
            } catch (_: NetparkException.Truncated) {
                return false
            } catch (e: TimedOut) {
                if (isAsked || isClosing || e.timeout() != Timeout.READ) return false
                isAsked = true
                send(PING)
            }
        }
    }

    /**
     * What comes behind a mistake cannot be understood, and is read all the same: closing with unread bytes would be a reset, and
     * that takes the close frame away from a client that has not read it yet.
     */
    private suspend fun skipRest() {
        try {
            do connection.reader.skip(connection.reader.available()) while (connection.reader.await())
        } catch (_: TimedOut) {
            // It had its time.
        }
    }

    private companion object {
        const val TOO_SLOW = "too slow"
        val PING = frame(Arrival.PING, ByteArray(0))
    }
}
