@file:JvmName("Seam")

package io.netpark.coroutines.parking

import io.netpark.core.fd.Descriptor
import kotlin.coroutines.CoroutineContext
import kotlin.coroutines.coroutineContext

/*
 * The loop that every operation of the data path is, and the numbers by which its steps say what they wait for.
 *
 * The functions of the data path are inline. Their loop becomes part of the caller's own state machine, so a call allocates
 * neither a frame nor a boxed count. Inlined code stays as it was in a caller that is not compiled again, while the library
 * changes. So the loop is the same for every function and knows nothing:
 *
 *     outcome = step(BEGIN)
 *     while (outcome <= PAUSE) {
 *         pause(outcome)
 *         outcome = step(outcome)
 *     }
 *
 * A step does everything that it can do without suspending. It returns the result, or a number that says what to wait for. `pause`
 * suspends for that, and the next step is given the number. Which numbers there are, and what a step does after each, is the
 * library's own affair: a fix there reaches code that is already compiled.
 */

/** The first step of an operation. */
@PublishedApi
internal const val BEGIN: Int = 0

/** A step that returns this, or less, has not got its result: pause, and step again. */
@PublishedApi
internal const val PAUSE: Int = Descriptor.PARK

/** The operation is parked until the descriptor is readable. This is core's own number. */
internal const val PARKED_TO_READ: Int = Descriptor.PARK

/** The operation is parked until the descriptor is writable. */
internal const val PARKED_TO_WRITE: Int = Descriptor.PARK - 1

/** So many operations have not suspended that other coroutines should run. The operation has not begun. */
internal const val TURN_OVER: Int = Descriptor.PARK - 2

/** The writer holds bytes that go first. The operation has not begun. */
internal const val UNFLUSHED: Int = Descriptor.PARK - 3

/** Frames go first. After the pause the operation has the lock of the output, as if it had been parked to write. */
internal const val FRAMES_FIRST: Int = Descriptor.PARK - 4

/** The loop that is inlined. */
@PublishedApi
internal suspend inline fun perform(step: (previous: Int, context: CoroutineContext) -> Int, pause: (outcome: Int) -> Unit): Int {
    var outcome = step(BEGIN, coroutineContext)
    while (outcome <= PAUSE) {
        pause(outcome)
        outcome = step(outcome, coroutineContext)
    }
    return outcome
}

/** What core has returned to a write. Core has one number for both directions. */
internal fun toWrite(outcome: Int): Int = if (outcome == Descriptor.PARK) PARKED_TO_WRITE else outcome

/** How many operations in a row may find no reason to suspend. Tokio's number. */
internal const val OPERATIONS_WITHOUT_YIELDING: Int = 128
