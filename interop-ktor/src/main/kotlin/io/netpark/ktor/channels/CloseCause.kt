package io.netpark.ktor.channels

import io.ktor.server.plugins.BadRequestException
import io.ktor.utils.io.ClosedByteChannelException
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CopyableThrowable
import kotlinx.coroutines.ExperimentalCoroutinesApi

/**
 * Why a channel is closed before its end. Each who asks is given an exception of its own, which names the place where it asked.
 *
 * @property origin what has closed it
 */
internal class CloseCause(val origin: Throwable) {

    /**
     * As Ktor's own channels tell it: a cancellation, and what Ktor answers with a status of its own, is told as such. Anything
     * else is the cause of what [wrap] makes.
     */
    @OptIn(ExperimentalCoroutinesApi::class)
    fun told(wrap: (Throwable) -> Throwable = ::ClosedByteChannelException): Throwable = when (origin) {
        is CopyableThrowable<*> -> origin.createCopy() ?: origin
        is CancellationException -> CancellationException(origin.message, origin)
        is BadRequestException -> BadRequestException(origin.message.orEmpty(), origin.cause)
        else -> wrap(origin)
    }
}
