package io.netpark.coroutines.transfer

import io.netpark.core.buffer.OwnedBuffer
import io.netpark.core.net.transfer.HeldBuffers
import io.netpark.core.net.transfer.Relay
import io.netpark.core.net.transfer.Transfer
import io.netpark.core.sys.NetparkException
import io.netpark.coroutines.Connection
import io.netpark.coroutines.breakOutput
import io.netpark.coroutines.checkInput
import io.netpark.coroutines.checkOutput
import io.netpark.coroutines.isBudgetSpent
import io.netpark.coroutines.parking.HandlerSensor
import io.netpark.coroutines.restSent
import io.netpark.coroutines.unreadBytes
import kotlin.coroutines.Continuation
import kotlin.coroutines.coroutineContext
import kotlin.coroutines.resume
import kotlin.coroutines.suspendCoroutine
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.Job
import kotlinx.coroutines.ensureActive
import kotlinx.coroutines.yield

/**
 * Copies what the peer sends to [target], to the end of the stream or until it was [count] bytes. Suspends while there is nothing
 * to read, or [target] does not take more.
 *
 * A stream that is full goes from socket to socket inside the kernel (splice(2)), through a pipe that is borrowed from the event
 * loop; the bytes are never in this process. A trickle is copied through a segment, as everything is that the kernel cannot
 * splice, or while descriptors are short. While it waits for bytes it holds neither pipe nor memory: of thousands that are idle
 * each costs as much as a suspended read. One whose target does not read holds two descriptors and up to 1 MiB in the kernel.
 *
 * What the source's [Connection.reader] has read and nobody has taken goes first, and what the target's [Connection.writer] holds
 * goes before that. Deadlines and idle timeouts of both connections hold, as for reads and writes. The end of the stream is not
 * passed on: that is what [Connection.shutdownOutput] is for, and [relay] does.
 *
 * **Cancelled**, timed out or failed, it loses nothing: bytes that have been read and that the target has not taken go back to the
 * source, where [Connection.reader], [Connection.read] or another copy gets them first. In the midst of a write it **breaks the
 * output** of the target, whose later writes fail with [NetparkException.Closed] and say so, as nobody could tell how far it got.
 *
 * It ends when the source is closed here, or breaks, also while it waits for room in the target.
 *
 * A source that is **reset**, or breaks otherwise, is no end: the target is reset when it is closed, so that nobody takes what it has
 * got for whole. Who has more to say to it sets [io.netpark.core.net.options.NetOption.LINGER] anew.
 *
 * @param count how many bytes at most
 * @return how many bytes of the source the target has got
 * @throws NetparkException as [Connection.read] and [Connection.write]; its message says of which
 * @throws IllegalStateException another coroutine is reading from the source, or writing to the target
 */
public suspend fun Connection.copyTo(target: Connection, count: Long = Long.MAX_VALUE): Long {
    require(count >= 0) { "a number of bytes cannot be negative: $count" }
    if (isBudgetSpent()) yield()
    coroutineContext.ensureActive()
    val pending = PendingCopy()
    checkCopyTo(target)
    val transfer: Transfer
    val failure: Exception?
    val held = HeldBuffers()
    try {
        transfer = Transfer(
            core, target.core, target.enqueued()?.let(held::hold), held.hold(reader.owned), count, buffering.pool,
        ) { _, thrown -> pending.tell(thrown) }
        failure = pending.await(transfer::start, transfer::cancel)
    } finally {
        held.drop()
    }
    target.copyEnded(this, transfer, failure)
    pending.orThrow(failure)
    return transfer.copied()
}

/** How many bytes a [relay] has copied: at its end, or so far, for who gave it to [relay] and looks from any thread. */
public class Relayed {

    @Volatile internal var relay: Relay? = null

    /** From the first connection to the other. */
    public val toOther: Long get() = relay?.toOther()?.copied() ?: 0

    /** From the other to the first. */
    public val fromOther: Long get() = relay?.fromOther()?.copied() ?: 0

    override fun toString(): String = "$toOther bytes there, $fromOther bytes back"
}

/**
 * Makes two connections one to the peers at their ends: copies in both directions, as [copyTo] does, until both streams have
 * ended. The end of either stream is passed on, as [Connection.shutdownOutput] of the other connection, and the other direction
 * goes on. A failure of one direction ends both. The connections stay the caller's to close. If one is **reset**, or breaks
 * otherwise, the other is reset when it is closed.
 *
 * **Cancelled**, timed out or failed, it is over in both directions when this throws, each as [copyTo] says.
 *
 * @param relayed counts the bytes meanwhile
 * @return [relayed]
 * @throws NetparkException the first failure, as [copyTo]
 * @throws IllegalStateException another coroutine is reading from one of them, or writing to it
 */
public suspend fun relay(one: Connection, other: Connection, relayed: Relayed = Relayed()): Relayed {
    if (one.isBudgetSpent()) yield()
    coroutineContext.ensureActive()
    val pending = PendingCopy()
    one.checkCopyTo(other)
    other.checkCopyTo(one)
    val relay: Relay
    val failure: Exception?
    val held = HeldBuffers()
    try {
        relay = Relay(
            one.core, other.core,
            other.enqueued()?.let(held::hold), held.hold(one.reader.owned),
            one.enqueued()?.let(held::hold), held.hold(other.reader.owned),
            one.buffering.pool,
        ) { _, thrown -> pending.tell(thrown) }
        relayed.relay = relay
        failure = pending.await(relay::start, relay::cancel)
    } finally {
        held.drop()
    }
    other.copyEnded(one, relay.toOther(), failure)
    one.copyEnded(other, relay.fromOther(), failure)
    pending.orThrow(failure)
    return relayed
}

/** Both may be used, and [target] written to. */
internal fun Connection.checkCopyTo(target: Connection) {
    lease?.checkLent()
    checkInput()
    target.lease?.checkLent()
    target.checkOutput()
    target.answering = true
}

/** What has to be written before a copy; null for nothing. */
internal fun Connection.enqueued(): OwnedBuffer? = madeWriter?.owned

/** A copy from [source] to this has ended, perhaps in the midst of something, and has sent what the writer held. */
internal fun Connection.copyEnded(source: Connection, copy: Transfer, failure: Exception?) {
    if (failure != null) copyFailed(source, copy, failure)
    restSent()
}

private fun Connection.copyFailed(source: Connection, copy: Transfer, failure: Exception) {
    copy.brokenOutput(failure)?.let { breakOutput(it) }
    if (copy.spoilsTarget()) lease?.spoil()
    copy.brokenInput(failure)?.let {
        source.brokenInput = it
        source.lease?.spoil()
    }
    source.hasReturned = copy.lost() > 0 || source.unreadBytes() > 0
    if (!source.isOpen) source.madeReader?.owned?.end() // nobody will read it
}

/** A copy that goes on upon event loops, for the coroutine that waits for its end. */
private class PendingCopy {

    private lateinit var waiting: Continuation<Exception?>

    fun tell(failure: Exception?) = waiting.resume(failure)

    /**
     * Suspends until it is told. Cancellation only asks for the end: when this returns the connections are not in use any more.
     *
     * @return the failure
     */
    suspend fun await(start: () -> Unit, cancel: () -> Unit): Exception? {
        val sensor = coroutineContext[Job]?.let { job -> HandlerSensor(job, cancel) }
        try {
            return suspendCoroutine { continuation ->
                waiting = continuation
                start()
            }
        } finally {
            sensor?.dispose()
        }
    }

    suspend fun orThrow(failure: Exception?) {
        if (failure is CancellationException) coroutineContext.ensureActive() // with the cause that the caller knows
        if (failure != null) throw failure
    }
}
