package io.netpark.coroutines.transfer

import io.netpark.core.fd.Direction
import io.netpark.core.net.files.FileTransfer
import io.netpark.core.net.files.OpenFile
import io.netpark.core.sys.NetparkException
import io.netpark.coroutines.Connection
import io.netpark.coroutines.breakOutput
import io.netpark.coroutines.parking.FRAMES_FIRST
import io.netpark.coroutines.runWrite
import java.nio.channels.FileChannel
import java.nio.file.Path

/**
 * Sends a file, or a part of it, after everything that [Connection.writer] holds and the frames that wait. The kernel moves the
 * bytes (sendfile(2)), and the process never sees them. Suspends while the peer, or the network, does not take more, and now and then
 * lets others have their turn.
 *
 * Opening the file, and reading what is not in the page cache, waits for the disk. On an event loop all its connections wait with it. A
 * file that is sent often is better kept as an [OpenFile].
 *
 * **Cancelled**, timed out or failed after a part of the file was sent, it **breaks the output**, as [Connection.write] of an array
 * does: later writes fail with `Closed` and say how far the file got. Reading goes on. Before the first byte of the file it leaves the
 * connection as before, and in the writer what has not been sent of that. To go on after a failure, send a [FileTransfer].
 *
 * @param count how many bytes from [offset] on; all there are unless given
 * @param onProgress told, in this coroutine, how many bytes the kernel has taken: whenever the kernel takes no more for now, and at last
 * @return how many bytes were sent: [count], or all there were
 * @throws java.nio.file.NoSuchFileException and the like: see [OpenFile.open]
 * @throws NetparkException.Truncated there are fewer bytes than [count], or the file was cut off meanwhile
 * @throws NetparkException as [Connection.write], saying how far it got
 * @throws IllegalArgumentException [offset] is beyond the end of the file
 * @throws IllegalStateException another coroutine is writing
 */
public suspend fun Connection.sendFile(
    path: Path,
    offset: Long = 0,
    count: Long = FileTransfer.REST,
    onProgress: ((sent: Long) -> Unit)? = null,
): Long = FileTransfer.open(path, offset, count).use { sendOrBreak(it, onProgress) }

/**
 * Sends a file that is open. The file stays the caller's, and any number of coroutines may send it at a time. Otherwise as [sendFile] of
 * a path.
 *
 * **Cancelled**, as that.
 */
public suspend fun Connection.sendFile(
    file: OpenFile,
    offset: Long = 0,
    count: Long = FileTransfer.REST,
    onProgress: ((sent: Long) -> Unit)? = null,
): Long = sendOrBreak(FileTransfer.of(file, offset, count), onProgress)

/**
 * Sends a file that the caller has as a channel. The channel's position stays where it is. The JDK does not tell the descriptor of a
 * channel, so the bytes are copied, 64 KiB at a time. For a large file an [OpenFile], or [io.netpark.core.buffer.BufferWriter.link] of a
 * mapped window, costs less. Otherwise as [sendFile] of a path.
 *
 * **Cancelled**, as that.
 */
public suspend fun Connection.sendFile(
    channel: FileChannel,
    offset: Long = 0,
    count: Long = FileTransfer.REST,
    onProgress: ((sent: Long) -> Unit)? = null,
): Long = sendOrBreak(FileTransfer.of(channel, offset, count), onProgress)

/** Sends all of [transfer], which the caller does not have: so the output breaks if it is cut off. */
private suspend fun Connection.sendOrBreak(transfer: FileTransfer, onProgress: ((Long) -> Unit)?): Long {
    try {
        send(transfer, onProgress, isWhole = true)
    } catch (e: Throwable) {
        if (transfer.sent() in 1 until transfer.count()) breakOutput("an earlier write ended within $transfer ($e)")
        throw e
    }
    return transfer.sent()
}

/**
 * Sends what is left of a transfer; otherwise as [sendFile].
 *
 * **Cancelled**, timed out or failed, [transfer] says how much has been sent. That much is on its way and cannot be taken back.
 * The connection can still be written to, and the rest of the transfer be sent.
 */
public suspend fun Connection.send(transfer: FileTransfer, onProgress: ((sent: Long) -> Unit)? = null): Unit =
    send(transfer, onProgress, isWhole = false)

/** @param isWhole whether the transfer breaks the output if it is cut off */
private suspend fun Connection.send(transfer: FileTransfer, onProgress: ((sent: Long) -> Unit)?, isWhole: Boolean) {
    val before = transfer.sent()
    runWrite(
        { ofTheFile { if (isWhole) core.startWhole(transfer) else core.startSend(transfer) } },
        { ofTheFile { if (isWhole) core.retryWhole(transfer) else core.retrySend(transfer) } },
        written = { transfer.sent() - before },
        beforePause = { outcome ->
            if (onProgress != null && outcome != FRAMES_FIRST) givingUpIfThrown { onProgress(transfer.sent()) }
        },
    )
    if (onProgress != null) onProgress(transfer.sent())
}

/** Runs the caller's code while a write is parked. If that throws, the write gives up the lock of the output. */
private inline fun Connection.givingUpIfThrown(body: () -> Unit) {
    try {
        body()
    } catch (e: Throwable) {
        core.abandon(Direction.WRITE)
        throw e
    }
}

/** A file that has been cut off is no failure of this connection. */
private inline fun ofTheFile(send: () -> Int): Int = try {
    send()
} catch (e: NetparkException.Truncated) {
    throw NetparkException.Truncated(e.message.orEmpty()).apply { initCause(e) }
}
