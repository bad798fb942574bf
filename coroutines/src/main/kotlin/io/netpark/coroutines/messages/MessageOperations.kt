package io.netpark.coroutines.messages

import io.netpark.core.fd.Direction
import io.netpark.coroutines.parking.BEGIN
import io.netpark.coroutines.parking.OPERATIONS_WITHOUT_YIELDING
import io.netpark.coroutines.parking.PARKED_TO_READ
import io.netpark.coroutines.parking.PARKED_TO_WRITE
import io.netpark.coroutines.parking.TURN_OVER
import io.netpark.coroutines.parking.abandonUnlessActive
import io.netpark.coroutines.parking.toWrite
import kotlinx.coroutines.Job
import kotlinx.coroutines.ensureActive
import kotlin.coroutines.CoroutineContext

/*
 * How a socket for messages receives and sends: steps, for Seam.kt, and what they wait for.
 */

internal inline fun MessageSocket.receiveStep(previous: Int, context: CoroutineContext, start: () -> Int, retry: () -> Int): Int = when {
    previous == PARKED_TO_READ -> {
        core.abandonUnlessActive(Direction.READ, context[Job])
        retry()
    }
    previous == BEGIN && isBudgetSpent() -> TURN_OVER
    else -> {
        context.ensureActive()
        start()
    }
}

internal inline fun MessageSocket.sendStep(previous: Int, context: CoroutineContext, start: () -> Int, retry: () -> Int): Int = toWrite(
    when {
        previous == PARKED_TO_WRITE -> {
            core.abandonUnlessActive(Direction.WRITE, context[Job])
            retry()
        }
        previous == BEGIN && isBudgetSpent() -> TURN_OVER
        else -> {
            context.ensureActive()
            start()
        }
    },
)

internal suspend fun MessageSocket.awaitReceivable() {
    budget = OPERATIONS_WITHOUT_YIELDING
    return receiving.await()
}

internal suspend fun MessageSocket.awaitSendable() {
    budget = OPERATIONS_WITHOUT_YIELDING
    return sending.await()
}

/** Counts an operation, and says whether other coroutines on the same thread should run. The count is only roughly right. */
internal fun MessageSocket.isBudgetSpent(): Boolean {
    if (--budget > 0) return false
    budget = OPERATIONS_WITHOUT_YIELDING
    return true
}
