package io.netpark.coroutines.parking

import io.netpark.core.net.dialing.Dial
import io.netpark.core.net.streams.ConnectionDescriptor
import io.netpark.core.sys.NetparkException
import kotlinx.coroutines.CancellableContinuation
import kotlinx.coroutines.suspendCancellableCoroutine
import kotlin.coroutines.resume

/** Suspends until a dial has ended. Cancelled, it cancels the dial, and a connection that comes at that moment is closed. */
internal suspend fun awaitDial(start: (Dial.Outcome) -> Dial): ConnectionDescriptor {
    // A failure is a value up to here. So the coroutine throws that very exception, and not a copy.
    val outcome = suspendCancellableCoroutine<Any> { continuation ->
        val dial = continuation.endedByFailure {
            start(object : Dial.Outcome {
                override fun connected(connection: ConnectionDescriptor) =
                    continuation.resume(connection) { _, _, _ -> connection.close() }

                override fun failed(cause: NetparkException) = continuation.resume(cause)
            })
        }
        continuation.invokeOnCancellation { dial.cancel() }
    }
    return outcome as? ConnectionDescriptor ?: throw outcome as NetparkException
}

/** Cancels the continuation if [begin] fails. Otherwise nobody would resume it, and it would stay with its job. */
internal inline fun <T> CancellableContinuation<*>.endedByFailure(begin: () -> T): T = try {
    begin()
} catch (e: Throwable) {
    cancel(e)
    throw e
}

/** Gives this to [make], and closes it if [make] throws: there may be no memory for what it makes. */
internal inline fun <C : AutoCloseable, T> C.given(make: (C) -> T): T = try {
    make(this)
} catch (e: Throwable) {
    close()
    throw e
}
