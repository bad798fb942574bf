package io.netpark.coroutines

import io.netpark.core.loop.EventLoop
import io.netpark.core.net.serving.rules.FailureKind
import io.netpark.core.net.serving.rules.FailureReports
import io.netpark.core.sys.NetparkException
import kotlinx.coroutines.CoroutineExceptionHandler
import kotlin.coroutines.CoroutineContext

/**
 * Tells of the handlers that have failed, on one loop.
 *
 * | what it was | counted | `onFailure` | without it |
 * |---|---|---|---|
 * | the peer's doing, to this connection | yes | told | nothing |
 * | closed here | | | nothing |
 * | anything else | yes | told | the caller's exception handler, or else the reporter |
 */
internal class Failures(
    private val loop: EventLoop,
    private val isReactorClosed: () -> Boolean,
    caller: CoroutineContext,
    private val onFailure: ((Connection, Throwable) -> Unit)?,
) : FailureReports<FailedHandler>() {
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
        val kind = FailureKind.of(failure, connection.core, isReactorClosed())
        if (kind == FailureKind.CLOSED_HERE) return
        if (failure is NetparkException && failure.isAbout(connection.core)) loop.countIfByPeer(failure)
        val isNews = kind == FailureKind.OTHER
        val handler = FailedHandler(connection, context, dropped, isNews)
        if (isNews) count(handler)
        tell(handler, "failed", failure, isNews)
    }

    override fun tellProgram(handler: FailedHandler, failure: Throwable): Boolean {
        when {
            onFailure != null -> onFailure(handler.connection, failure)
            callers != null && handler.isNews -> callers.handleException(handler.context, failure)
            else -> return false
        }
        return true
    }

    override fun loopOf(handler: FailedHandler): EventLoop = loop

    override fun describe(handler: FailedHandler, because: String): String =
        describeHandler(handler.connection, because, handler.dropped)
}

/**
 * A handler that has failed.
 *
 * @param context its own
 * @param dropped how many bytes it had not flushed
 * @param isNews whether somebody has to hear of it
 */
internal class FailedHandler(val connection: Connection, val context: CoroutineContext, val dropped: Long, val isNews: Boolean)

/** The exception itself, and not the copy with which kotlinx.coroutines explains where it came from. */
internal fun Throwable.original(): Throwable = cause?.takeIf { it.javaClass == javaClass && it.message == message } ?: this
