package io.netpark.coroutines.transfer

import io.netpark.core.buffer.LinkBuffer
import io.netpark.core.buffer.OwnedBuffer
import io.netpark.core.net.transfer.Relay
import io.netpark.core.net.transfer.Transfer
import io.netpark.core.sys.AddressText
import io.netpark.core.sys.NetparkException
import io.netpark.coroutines.Connection
import io.netpark.coroutines.breakOutput
import io.netpark.coroutines.checkInput
import io.netpark.coroutines.checkOutput
import io.netpark.coroutines.isBudgetSpent
import io.netpark.coroutines.parking.HandlerSensor
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
    val end = End()
    checkCopyTo(target)
    val transfer: Transfer
    val failure: Exception?
    val lent = Lent()
    try {
        transfer = Transfer(core, target.core, lent.enqueued(target), lent.unread(this), count, buffering.pool) { _, thrown ->
            end.tell(thrown)
        }
        failure = end.await(transfer::start, transfer::cancel)
    } finally {
        lent.drop()
    }
    target.copyEnded(this, transfer, failure)
    end.orThrow(failure)
    return transfer.copied()
}

/** How many bytes a [relay] has copied: at its end, or so far, for who gave it to [relay] and looks from any thread. */
public class Relayed {

    @Volatile internal var relay: Relay? = null

    /** From the first connection to the second. */
    public val there: Long get() = relay?.there()?.copied() ?: 0

    /** From the second to the first. */
    public val back: Long get() = relay?.back()?.copied() ?: 0

    override fun toString(): String = "$there bytes there, $back bytes back"
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
    val end = End()
    one.checkCopyTo(other)
    other.checkCopyTo(one)
    val relay: Relay
    val failure: Exception?
    val lent = Lent()
    try {
        relay = Relay(
            one.core, other.core, lent.enqueued(other), lent.unread(one), lent.enqueued(one), lent.unread(other), one.buffering.pool,
        ) { _, thrown -> end.tell(thrown) }
        relayed.relay = relay
        failure = end.await(relay::start, relay::cancel)
    } finally {
        lent.drop()
    }
    other.copyEnded(one, relay.there(), failure)
    one.copyEnded(other, relay.back(), failure)
    end.orThrow(failure)
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

/** A copy from [source] to this has ended, and may have been in the midst of something. */
internal fun Connection.copyEnded(source: Connection, copy: Transfer, failure: Exception?) {
    if (failure == null) return
    if (copy.isMidway) breakOutput("a copy from ${AddressText.of(source.remoteAddress)} ended in the midst of its bytes ($failure)")
    if (copy.isMidway || source.core.isReset) lease?.spoil()
    if (copy.lost() > 0) {
        source.brokenInput = "${copy.lost()} bytes of it were lost in a copy ($failure)"
        source.lease?.spoil()
    }
    source.hasReturned = copy.lost() > 0 || source.unreadBytes() > 0
    if (!source.isOpen) source.madeReader?.owned?.end() // nobody will read it
}

/** What readers and writers hold, in the hands of one copy. A copy in the other direction has another. */
private class Lent {

    private val lent = ArrayList<Pair<OwnedBuffer, LinkBuffer>>(4)

    /** What has been read from [source] and nobody has taken; what a copy cannot get rid of goes back there. */
    fun unread(source: Connection): LinkBuffer = hold(source.reader.owned)

    /** What [target] gets before anything else; null for nothing. */
    fun enqueued(target: Connection): LinkBuffer? = target.enqueued()?.let { hold(it) }

    private fun hold(owned: OwnedBuffer): LinkBuffer = owned.hold().also { lent += owned to it }

    /** The copy is over, or has never begun. */
    fun drop() {
        for ((owned, held) in lent) owned.drop(held)
    }
}

/** The end of something that goes on upon event loops, for a coroutine that waits for it. */
private class End {

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
