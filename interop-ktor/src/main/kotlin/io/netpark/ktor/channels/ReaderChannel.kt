package io.netpark.ktor.channels

import io.netpark.coroutines.Connection
import io.netpark.coroutines.Reader

/** All that a connection reads, to the end of the stream. */
internal class ReaderChannel(connection: Connection, reader: Reader) : InputChannel(connection, reader) {

    override var isOver: Boolean = false
        private set

    override fun available(): Long = reader.available()

    override suspend fun await(): Boolean {
        if (!isOver && !reader.await()) isOver = true
        return !isOver
    }

    override fun took(count: Int) {}

    override fun toString(): String = "input of $reader"
}
