package io.netpark.coroutines

import io.netpark.core.loop.EventLoop
import io.netpark.core.sys.NetparkException
import kotlin.coroutines.CoroutineContext
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CoroutineExceptionHandler

/**
 * Tells of the handlers that have failed, on one loop.
 *
 * | what it was | counted | `onFailure` | without it |
 * |---|---|---|---|
 * | the peer's doing, to this connection | yes | told | nothing |
 * | closed here | | | nothing |
 * | anything else | | told | the caller's exception handler, or else the reporter |
 */
internal class Failures(
    private val loop: EventLoop,
    private val isReactorClosed: () -> Boolean,
    caller: CoroutineContext,
    private val onFailure: ((Connection, Throwable) -> Unit)?,
) {
    private val callers: CoroutineExceptionHandler? = caller[CoroutineExceptionHandler]

    /** For coroutines that a handler has started and does not fail with, in a `supervisorScope` say: nobody else hears of them. */
    val ofOthers: CoroutineExceptionHandler = callers ?: CoroutineExceptionHandler { _, failure ->
        loop.report("A coroutine of a connection handler failed", failure)
    }

    /**
     * The handler of a connection has failed, or could not begin; once for each.
     *
     * @param dropped how many bytes it had not flushed
     */
    fun tell(connection: Connection, failure: Throwable, dropped: Long, context: CoroutineContext) {
        val isAboutThis = failure is NetparkException && failure.isAbout(connection.core)
        if (failure is NetparkException.Closed && (isAboutThis || isReactorClosed()) && !failure.bringsMore()) return
        val isByPeer = isAboutThis && loop.countIfByPeer(failure)
        val isNews = !isByPeer || failure.bringsMore()
        try {
            when {
                onFailure != null -> onFailure(connection, failure)
                !isNews -> {}
                callers != null -> callers.handleException(context, failure)
                else -> report(connection, failure, dropped)
            }
        } catch (e: Throwable) {
            if (isNews) report(connection, failure, dropped)
            loop.report("Who was told that the handler of $connection failed has failed, too", e)
        }
    }

    private fun report(connection: Connection, failure: Throwable, dropped: Long) {
        val rest = if (dropped > 0) "; $dropped bytes that it had not flushed are dropped" else ""
        loop.report("The handler of $connection failed; the connection is closed$rest", failure)
    }

    /** A program's own error came on top: while others found the connection ended as well, or cleaned up after it. */
    private fun Throwable.bringsMore(): Boolean = suppressed.any { it !is NetparkException && it !is CancellationException }
}

/** The exception itself, and not the copy with which kotlinx.coroutines explains where it came from. */
internal fun Throwable.original(): Throwable = cause?.takeIf { it.javaClass == javaClass && it.message == message } ?: this
