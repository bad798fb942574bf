package io.netpark.ktor.channels

import io.netpark.coroutines.Connection

/** All that a connection writes, to the end of the stream. */
internal open class WriterChannel(connection: Connection) : OutputChannel(connection) {

    override suspend fun passOn() {
        while (pending > 0) {
            connection.writer.flushIfFull()
            move(nextPart())
        }
    }

    override suspend fun end() {
        connection.writer.flush()
        connection.shutdownOutput()
    }

    override fun cutOff(): Unit = connection.reset()

    override fun toString(): String = "output of ${connection.writer}"
}
