package io.netpark.samples.load

import io.netpark.core.sys.NetparkException
import io.netpark.core.sys.NetparkException.Timeout
import java.io.IOException

/** A server that is reached, and does not do what an echo server does. */
internal class LoadFailure(val kind: String, message: String) : IOException(message)

/** What it is called in the table. */
internal fun kindOf(failure: IOException): String = when (failure) {
    is LoadFailure -> failure.kind
    is NetparkException.Reset -> "reset by the server"
    is NetparkException.TimedOut -> if (failure.timeout() == Timeout.READ) "no answer in time" else "timed out"
    else -> "other"
}
