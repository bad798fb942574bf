package io.netpark.ktor.channels

import io.ktor.utils.io.ByteReadChannel
import io.ktor.utils.io.ByteWriteChannel
import io.netpark.coroutines.Connection

// Ktor's channels over a connection, for code that is written against ktor-network or ktor-io. Two differences matter to such
// code: no coroutine runs behind these channels, so nothing is read ahead and nothing is written by itself; and closing them
// does not close the connection, which stays its owner's.

/**
 * The input of this connection as Ktor reads it, to the end of the stream. It takes the place of `socket.openReadChannel()`.
 *
 * ```
 * val input = connection.readChannel()
 * val output = connection.writeChannel()
 * while (true) {
 *     val line = input.readLine() ?: break
 *     output.writeStringUtf8("$line\n")
 *     output.flush()
 * }
 * ```
 *
 * It is read through [Connection.reader], whose unread bytes come first. Each byte is copied once more, into the buffer of the
 * channel. That takes at most 64 KiB ahead, or as many bytes as [ByteReadChannel.awaitContent] is asked for. Bytes that it has
 * taken are the channel's: nobody else gets them. So a connection has one such channel, and nothing else reads from the
 * connection beside it.
 *
 * **Threads.** One coroutine at a time reads, on any thread and any dispatcher; another may write meanwhile. Any thread may
 * cancel.
 *
 * **Errors.** A failure of the connection closes the channel: its functions fail with a `ClosedByteChannelException`, which is
 * an [IOException][java.io.IOException] and has the [NetparkException][io.netpark.core.sys.NetparkException] as its cause. The
 * end of the stream is no failure.
 *
 * **Cancelled**, a function of the channel that waits has lost nothing: what has come is in the channel, and reading can go on.
 * [ByteReadChannel.cancel] ends the channel and not the connection. If a coroutine is reading then, it fails; and the connection's
 * [readDeadline][Connection.readDeadline] is over from then on, so that nothing else is read from the connection by chance.
 *
 * The channel ends with the connection, or with its handler, as [Connection.reader] does.
 */
public fun Connection.readChannel(): ByteReadChannel = ReaderChannel(this, reader)

/**
 * The output of this connection as Ktor writes it. It takes the place of `socket.openWriteChannel()`.
 *
 * What is written stays in the channel until it is flushed. `flush` sends it, after all that [Connection.writer] holds, and
 * suspends while the peer, or the network, does not take more. With more than 64 KiB in the channel, Ktor's functions that
 * write flush by themselves. Each byte is copied once more, into the writer.
 *
 * | of the channel | of the connection |
 * |---|---|
 * | `flush` | sends what was written |
 * | `flushAndClose` | that, and [Connection.shutdownOutput]: the peer reads the end of the stream. Reading goes on |
 * | `cancel` | [Connection.reset]: the peer must not take what it has got for all there is. A unix socket knows no reset |
 *
 * **Threads.** One coroutine at a time writes, on any thread and any dispatcher; another may read meanwhile. Any thread may
 * cancel.
 *
 * **Errors.** A failure of the connection closes the channel: its functions fail with a `ClosedWriteChannelException`, which is
 * an [IOException][java.io.IOException] and has the [NetparkException][io.netpark.core.sys.NetparkException] as its cause.
 * Writing to a channel that is closed fails in the same way.
 *
 * **Cancelled**, `flush` has lost nothing: what has not been sent is in the channel or in the writer, and the next flush goes
 * on there.
 * `flushAndClose` that is cancelled cancels the channel.
 */
public fun Connection.writeChannel(): ByteWriteChannel = WriterChannel(this)
