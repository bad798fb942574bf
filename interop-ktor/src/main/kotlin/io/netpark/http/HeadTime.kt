package io.netpark.http

import io.netpark.core.sys.NetparkException
import io.netpark.core.sys.NetparkException.TimedOut
import io.netpark.core.sys.NetparkException.Timeout
import io.netpark.coroutines.Connection
import kotlin.time.Duration
import kotlin.time.TimeSource

/**
 * Suspends until the rest of a head is there, and parses it. All of the rest has to come in [time], however it trickles. What the
 * connection's writer holds goes out first.
 *
 * It is for a head of which a part [has come][RequestHead.parse]. A server waits for the first byte by
 * [Connection.awaitRequest], which knows that a connection without a request may end:
 *
 * ```
 * while (true) {
 *     if (reader.available() == 0L) {
 *         writer.flush()
 *         if (!connection.awaitRequest()) return
 *     }
 *     if (!head.parse(reader)) {
 *         if (!head.isBegun && reader.available() == 0L) continue // an empty line, and nothing else
 *         if (!head.awaitRest(connection, time)) return
 *     }
 *     answer(head)
 *     reader.release()
 * }
 * ```
 *
 * It sets [Connection.readDeadline], and leaves none. **Cancelled**, it leaves the lines that it has parsed taken: another call
 * goes on there.
 *
 * @return false if the input has ended between two lines
 * @throws Refusal as [RequestHead.parse]; with 408 if the head is not whole in time
 * @throws NetparkException.Truncated the input has ended in the middle of a line
 * @throws NetparkException as [Connection.read] and [io.netpark.coroutines.Writer.flush]
 */
public suspend fun RequestHead.awaitRest(connection: Connection, time: Duration): Boolean {
    val reader = connection.reader
    connection.writer.flush()
    connection.readDeadline = TimeSource.Monotonic.markNow() + time
    try {
        do {
            if (!reader.await(reader.available().toInt() + 1)) return false
        } while (!parse(reader))
        return true
    } catch (late: TimedOut) {
        if (late.timeout() != Timeout.READ) throw late
        throw Refusal(Status.REQUEST_TIMEOUT, "no whole head within $time")
    } finally {
        connection.readDeadline = null
    }
}
