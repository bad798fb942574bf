package io.netpark.coroutines

import io.netpark.core.fd.Direction
import io.netpark.coroutines.parking.HandlerSensor
import io.netpark.coroutines.parking.OPERATIONS_WITHOUT_YIELDING
import io.netpark.coroutines.parking.abandonUnlessActive
import kotlin.coroutines.CoroutineContext
import kotlinx.coroutines.Job
import kotlinx.coroutines.ensureActive
import kotlinx.coroutines.job

/*
 * What every operation of a connection looks at before it asks core, and what it charges afterwards: the caller, and the caller's turn.
 */

/** 16 KiB count as one operation, so a turn has at most 2 MiB. */
private const val OPERATION_SHIFT = 14

// Who is calling

/** Makes the calling handler the owner of this connection. From now on it parks without allocating. */
internal fun Connection.own(handler: CoroutineContext): HandlerSensor {
    ownerContext = handler
    owner = handler.job
    return HandlerSensor(handler.job) {
        reading.ownerCancelled()
        writing.ownerCancelled()
    }
}

/** The owner's job if the owner is calling; otherwise null. */
internal fun Connection.ownerIn(context: CoroutineContext): Job? = if (context === ownerContext) owner else null

internal fun Connection.jobIn(context: CoroutineContext): Job? = ownerIn(context) ?: context[Job]

internal fun Connection.checkActive(context: CoroutineContext) {
    lease?.checkLent()
    jobIn(context)?.ensureActive()
}

internal fun Connection.beginRead(context: CoroutineContext) {
    checkActive(context)
    answering = false
}

internal fun Connection.beginWrite(context: CoroutineContext) {
    checkActive(context)
    checkOutput()
    answering = true
}

/** For an operation that holds the lock of [direction]: a cancelled caller gives up the lock. */
internal fun Connection.checkActive(context: CoroutineContext, direction: Direction): Unit =
    core.abandonUnlessActive(direction, jobIn(context))

// The caller's turn

/**
 * Counts an operation, and says whether the caller's turn is over: so many operations in a row have not suspended that other
 * coroutines on the same thread should run. Reads and writes share the count, which is only roughly right.
 */
internal fun Connection.isBudgetSpent(): Boolean {
    if (--budget > 0) return false
    budget = OPERATIONS_WITHOUT_YIELDING
    return true
}

/** A large read or write counts as several operations, so a turn is bounded in bytes as well. */
internal fun Connection.chargeBudget(bytes: Long) {
    if (bytes > 0) budget -= (bytes ushr OPERATION_SHIFT).toInt()
}
