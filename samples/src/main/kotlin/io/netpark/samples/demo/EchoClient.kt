package io.netpark.samples.demo

import io.netpark.coroutines.Connection
import io.netpark.coroutines.Connection.Companion.END_OF_STREAM
import java.io.IOException
import java.nio.ByteBuffer
import kotlin.time.Duration.Companion.seconds

/**
 * One connection to an echo server. Every message differs from those before it and from those of other connections, and
 * every byte of its echo is compared: one that is lost, doubled, or of somebody else is noticed.
 */
internal class EchoClient(private val number: Int, private val connection: Connection) {

    private val message = ByteBuffer.allocateDirect(MESSAGE_SIZE)
    private val echo = ByteBuffer.allocateDirect(MESSAGE_SIZE)
    private var messages = 0L

    init {
        connection.readTimeout = PATIENCE // a server that hangs ends the demo
    }

    /** Sends a message and waits for its echo. */
    suspend fun exchange() {
        compose()
        connection.write(message)
        echo.clear()
        while (echo.hasRemaining()) {
            if (connection.read(echo) == END_OF_STREAM) {
                throw EchoFailure("${name()}: the server closed it after ${echo.position()} of $MESSAGE_SIZE bytes")
            }
        }
        val wrong = echo.flip().mismatch(message.flip())
        if (wrong >= 0) {
            throw EchoFailure("${name()}: byte $wrong is ${echo.get(wrong)} instead of ${message.get(wrong)}")
        }
        messages++
    }

    /** Half-closes, and expects nothing but the end. */
    suspend fun finish() {
        connection.use {
            it.shutdownOutput()
            if (it.read(echo.clear()) != END_OF_STREAM) throw EchoFailure("${name()}: bytes that were never sent came back")
        }
    }

    /** Steps of an odd constant, Weyl's sequence: no two connections meet before some million messages. */
    private fun compose() {
        message.clear()
        var word = (number.toLong() shl 48) + messages * WORDS
        repeat(WORDS) { message.putLong(word++ * WEYL_STEP) }
        message.flip()
    }

    private fun name() = "message $messages of connection $number"

    companion object {
        const val MESSAGE_SIZE = 1024
        private const val WORDS = MESSAGE_SIZE / Long.SIZE_BYTES
        private const val WEYL_STEP = -0x61c8864680b583ebL // 2^64 divided by the golden ratio
        private val PATIENCE = 10.seconds
    }
}

/** An echo server that does not echo. */
internal class EchoFailure(message: String) : IOException(message)
