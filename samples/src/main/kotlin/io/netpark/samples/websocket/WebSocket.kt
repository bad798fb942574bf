package io.netpark.samples.websocket

import io.netpark.core.buffer.LinkBuffer
import io.netpark.core.sys.NetparkException.TimedOut
import io.netpark.core.sys.NetparkException.Timeout
import io.netpark.coroutines.Connection
import java.nio.ByteBuffer
import java.util.concurrent.atomic.AtomicBoolean
import kotlin.time.Duration
import kotlin.time.Duration.Companion.seconds
import kotlin.time.TimeSource

/**
 * What a WebSocket server is told.
 *
 * @property messageLimit the most bytes of a message
 * @property queueLimit how many bytes may wait for a client; see [WebSocket.offer]
 * @property ping after how long a silence a client is asked whether it is there, and after as long again given up
 * @property patience how long a client may take for its part of closing, or may take none of a frame
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
 * One coroutine reads, and calls for each message. Frames go out by the connection's own [frames][Connection.frames]: [offer],
 * [send] and [end] may be called by any thread, [put] by what [run] calls.
 */
class WebSocket(private val connection: Connection, private val options: WebSocketOptions) {

    private val parser = MessageParser(options.messageLimit)
    private val frames = connection.frames.apply { capacity = options.queueLimit.toLong() }

    /** A goodbye has been said, or is on its way: what comes from the client is not for [run]'s receiver any more. */
    private val isEnded = AtomicBoolean()

    /** Whether it has been asked if it is there, and not a byte has come since. */
    private var isAsked = false

    /**
     * Reads until the client has closed or gone, or [end] was called.
     *
     * **Cancelled**, it ends at once: the client sees the connection close without a close frame.
     *
     * @param receive gets messages, TEXT or BINARY. While it is suspended nothing is read. A [WebSocketFailure] that it throws
     *   closes the WebSocket with that code
     */
    suspend fun run(receive: suspend (kind: Arrival, payload: LinkBuffer) -> Unit) {
        connection.readTimeout = options.ping
        connection.writeTimeout = options.patience
        parser.use {
            try {
                readMessages(receive)
            } catch (e: WebSocketFailure) {
                end(e.code, e.message.orEmpty())
            }
        }
        // The client has its time to close as well. What it says meanwhile must not take the goodbye from it.
        connection.closeLingering(options.patience)
    }

    // Sending

    /**
     * Leaves a frame for the client and never waits. Any thread, also with locks held.
     *
     * @return false if so much waits already that there is no room: the client is too slow
     */
    fun offer(frame: ByteArray): Boolean = isEnded.get() || frames.trySend { link(ByteBuffer.wrap(frame)) }

    /** Sends a frame, or ends the WebSocket if it is too slow. */
    fun send(frame: ByteArray) {
        if (!offer(frame)) endAsTooSlow()
    }

    /** Sends a frame, and waits until the client has room for it. */
    suspend fun put(frame: ByteArray): Unit = frames.write { put(frame) }

    /** Says goodbye, behind what waits already. Only the first time counts. Not with locks held: the reader may go on within. */
    fun end(code: Int?, reason: String) {
        if (isEnded.getAndSet(true)) return
        frames.capacity = Long.MAX_VALUE // there is room for this one
        frames.trySend { put(closeFrame(code, reason)) }
        connection.readDeadline = TimeSource.Monotonic.markNow() // wakes the reader
    }

    fun endAsTooSlow(): Unit = end(CloseCode.TRY_AGAIN_LATER, "too slow")

    // Reading

    private suspend fun readMessages(receive: suspend (Arrival, LinkBuffer) -> Unit) {
        while (!isEnded.get()) {
            when (val arrival = parser.next(connection.reader)) {
                null -> if (!awaitMore()) return
                Arrival.PING -> send(frame(Arrival.PONG, parser.payload.takeBytes(parser.payload.available().toInt())))
                Arrival.PONG -> {}
                Arrival.CLOSE -> return end(parser.closeCode, "")
                else -> receive(arrival, parser.payload)
            }
        }
    }

    /** Reads; false if nothing comes any more, or nothing is wanted. A silent client is asked once whether it is there. */
    private suspend fun awaitMore(): Boolean {
        while (true) {
            try {
                return connection.reader.awaitMore().also { isAsked = false }
            } catch (e: TimedOut) {
                if (isEnded.get() || isAsked || e.timeout() != Timeout.READ) return false
                isAsked = true
                send(PING)
            }
        }
    }

    private companion object {
        val PING = frame(Arrival.PING, ByteArray(0))
    }
}
