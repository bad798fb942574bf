package io.netpark.ktor.answers

import io.ktor.http.content.OutgoingContent.ProtocolUpgrade
import io.netpark.coroutines.Connection
import io.netpark.ktor.channels.ReaderChannel
import io.netpark.ktor.channels.WriterChannel
import java.io.IOException
import kotlin.coroutines.CoroutineContext
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.Job

/**
 * Hands the connection over to another protocol, and suspends until that has ended. The head of the answer has been flushed.
 * Nothing else reads or writes meanwhile, and afterwards the connection is to be closed.
 *
 * What has come behind the request belongs to the other protocol. What the protocol has written has been sent when this returns,
 * whether or not the protocol's job has failed, unless the peer does not take it.
 *
 * **Cancelled**, it cancels the protocol's job, and the connection cannot be used for anything else.
 *
 * @param engineContext where the protocol's own coroutines run
 * @param userContext where a handler of the program runs
 */
internal suspend fun upgrade(
    upgrade: ProtocolUpgrade,
    connection: Connection,
    engineContext: CoroutineContext,
    userContext: CoroutineContext,
) {
    val input = ReaderChannel(connection, connection.reader)
    val output = UpgradeOutput(connection)
    var job: Job? = null
    try {
        job = upgrade.upgrade(input, output, engineContext, userContext)
        job.join()
        endOf(output)
    } catch (e: Throwable) {
        job?.cancel()
        output.cancel(e)
        throw e
    } finally {
        input.cancel(null)
    }
}

/** The protocol has said its own goodbye before. Whether the peer has waited for the end of the stream is of no interest. */
private suspend fun endOf(output: UpgradeOutput) {
    try {
        output.flushAndClose()
    } catch (_: IOException) {
        // The channel has closed the connection.
    }
}

/**
 * The output of another protocol. A protocol may end it in a coroutine that is cancelled already, as Ktor's WebSockets do when a
 * handler fails. What was written by then waits here, and is sent by [upgrade] when the job of the protocol is over.
 */
private class UpgradeOutput(connection: Connection) : WriterChannel(connection) {
    override fun endFailed(why: Throwable) {
        if (why !is CancellationException) super.endFailed(why)
    }
}
