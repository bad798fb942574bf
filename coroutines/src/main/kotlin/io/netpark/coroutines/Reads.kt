package io.netpark.coroutines

import io.netpark.core.buffer.LinkBuffer
import io.netpark.core.fd.Descriptor
import io.netpark.core.fd.Direction
import io.netpark.core.sys.AddressText
import io.netpark.core.sys.NetparkException
import io.netpark.coroutines.parking.OPERATIONS_WITHOUT_YIELDING
import java.nio.ByteBuffer
import kotlin.coroutines.CoroutineContext
import kotlin.coroutines.coroutineContext
import kotlinx.coroutines.yield

/*
 * How a connection reads. A read that needs no inlining is `runRead`; the others are taken apart into steps, for Seam.kt.
 */

/**
 * Runs a read: begins it, parks it as often as it has to wait, and ends it.
 *
 * @param returned takes what a copy has put back into the reader, and says how many bytes that was; called only if there may be some
 * @param start asks core for the first time
 * @param retry asks core again, after the read was parked
 */
internal suspend inline fun Connection.runRead(returned: () -> Int, start: () -> Int, retry: () -> Int): Int {
    if (isBudgetSpent()) yield()
    beginRead(coroutineContext)
    if (hasReturned) {
        val bytes = returned()
        if (bytes > 0) return bytes
    }
    var count = start().also { chargeBudget(it.toLong()) }
    while (count == Descriptor.PARK) {
        awaitReadable()
        checkActive(coroutineContext, Direction.READ)
        count = retry()
    }
    return count
}

internal fun Connection.startRead(context: CoroutineContext, target: ByteBuffer): Int {
    beginRead(context)
    if (hasReturned) {
        val returned = readReturned(target)
        if (returned > 0) return returned
    }
    return core.startRead(target).also { chargeBudget(it.toLong()) }
}

internal fun Connection.retryRead(context: CoroutineContext, target: ByteBuffer): Int {
    checkActive(context, Direction.READ)
    return core.retryRead(target)
}

internal fun Connection.startRead(context: CoroutineContext, target: LinkBuffer): Int {
    beginRead(context)
    if (hasReturned) checkInput()
    return core.startRead(target).also { chargeBudget(it.toLong()) }
}

internal fun Connection.retryRead(context: CoroutineContext, target: LinkBuffer): Int {
    checkActive(context, Direction.READ)
    return core.retryRead(target)
}

/** Suspends until there is reason to retry a read. */
internal suspend fun Connection.awaitReadable() {
    budget = OPERATIONS_WITHOUT_YIELDING
    val job = ownerIn(coroutineContext)
    return if (job != null) reading.awaitAsOwner(job) else reading.await()
}

/** Takes bytes that a copy has put back into the reader. They come before those in the socket, for a read without the reader as well. */
internal fun Connection.readReturned(target: ByteBuffer): Int {
    checkInput()
    hasReturned = unreadBytes() > 0
    return if (hasReturned && target.hasRemaining()) reader.take(target) else 0
}

/** How many bytes the reader has read from the socket that nobody has taken. */
internal fun Connection.unreadBytes(): Long = madeReader?.takeIf { lease?.isLent != false }?.available() ?: 0

/** Fails if a copy has lost bytes of the input. */
internal fun Connection.checkInput() {
    brokenInput?.let { throw NetparkException.Closed("read from ${AddressText.of(remoteAddress)}: the input is broken, $it") }
}
