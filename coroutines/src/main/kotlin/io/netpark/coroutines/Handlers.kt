package io.netpark.coroutines

import io.netpark.core.loop.EventLoop
import io.netpark.core.sys.NetparkException
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CompletableJob
import kotlinx.coroutines.CoroutineDispatcher
import kotlinx.coroutines.CoroutineExceptionHandler
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Job
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.launch
import java.util.concurrent.ConcurrentHashMap
import kotlin.coroutines.AbstractCoroutineContextElement
import kotlin.coroutines.CoroutineContext
import kotlin.coroutines.coroutineContext

/**
 * The handlers of one call of [Listener.serve] on one loop: their parent, the context they start in, and their connections.
 *
 * ```text
 * handler runs --returns, and so have the coroutines it has started--> what it has written is flushed --> closed
 *              --fails, or is cancelled--> what it has not flushed is dropped; reset in the midst of an answer, otherwise closed
 *              --cut off by a shutdown--> closed at once, as after a failure; the handler is cancelled
 * ```
 */
internal class Handlers(
    private val loop: EventLoop,
    val listener: Listener,
    parent: Job,
    caller: CoroutineContext,
    dispatcher: CoroutineDispatcher,
    private val onOwnLoop: Boolean,
    private val handler: suspend CoroutineScope.(Connection) -> Unit,
) {
    val job: CompletableJob = SupervisorJob(parent)

    private val failures = caller[CoroutineExceptionHandler] ?: CoroutineExceptionHandler { _, e -> report(e, 0) }
    private val scope =
        CoroutineScope(caller.minusKey(Job) + job + dispatcher + failures + HandlerOf(listener, caller[HandlerOf]))
    private val reportsItself = caller[CoroutineExceptionHandler] == null
    private val ownTheirConnection = onOwnLoop && !scope.coroutineContext.hasThreadContext()

    /** Those whose handlers have not ended and have not been cut off. */
    private val open: MutableSet<Connection> = ConcurrentHashMap.newKeySet()

    fun count(): Int = open.size

    /** The loop has ended. Whether its handlers have, too: one on another dispatcher may still have something to do. */
    fun end(): Boolean = job.children.none() && job.complete()

    /** Starts the handler of a connection, on the loop. Throws only if there is no memory for it. */
    fun start(connection: Connection) {
        open += connection
        connection.handlers = this
        try {
            if (onOwnLoop && loop.inLoop()) {
                // It begins here and now, even if it has been cancelled meanwhile: so it is there to close the connection.
                scope.launch(start = CoroutineStart.UNDISPATCHED) {
                    try {
                        run(connection)
                    } finally {
                        ended(connection)
                    }
                }
            } else {
                // A child from now on, so that serve waits for it, wherever and whenever it begins; it may never.
                scope.launch { run(connection) }.invokeOnCompletion { ended(connection) }
            }
        } catch (e: Throwable) {
            open -= connection
            throw e
        }
    }

    private suspend fun run(connection: Connection) {
        var thrown: Throwable? = null
        try {
            coroutineScope { // returns when the coroutines that the handler has started have, too
                val sensor = if (ownTheirConnection) connection.own(coroutineContext) else null
                try {
                    handler(connection)
                } catch (e: Throwable) {
                    thrown = e
                    throw e
                } finally {
                    sensor?.dispose()
                }
            }
            if (connection.isOutputBroken) connection.breakOff() else connection.flushRest()
        } catch (e: Throwable) {
            // What the handler itself has thrown, and not the copy with which kotlinx.coroutines explains where it came from.
            val failure = thrown?.takeUnless { it is CancellationException } ?: e
            val dropped = connection.breakOff()
            if (failure is CancellationException) throw failure
            if (!isNoNews(failure, connection)) tell(coroutineContext, failure, dropped)
        }
    }

    /**
     * What the peer does to its own connection is counted, and closing that is our own doing. All else breaks a handler, also the
     * failure of another connection.
     */
    private fun isNoNews(failure: Throwable, connection: Connection): Boolean = when {
        failure !is NetparkException -> false
        failure is NetparkException.Closed -> failure.isAbout(connection.core) || listener.reactor.group.isClosed
        else -> failure.isAbout(connection.core) && loop.countIfByPeer(failure)
    }

    private fun tell(context: CoroutineContext, failure: Throwable, dropped: Long) {
        if (reportsItself) return report(failure, dropped)
        try {
            failures.handleException(context, failure)
        } catch (e: Throwable) {
            loop.report("A connection handler failed, and so did the exception handler that was told", e)
        }
    }

    private fun report(failure: Throwable, dropped: Long) {
        val rest = if (dropped > 0) "; $dropped bytes that it had not flushed are dropped" else ""
        loop.report("A connection handler failed; its connection is closed$rest", failure)
    }

    private fun ended(connection: Connection) {
        if (open.remove(connection)) listener.tally.ended(connection)
        connection.closeWithBuffers()
    }

    /** Takes those whose handlers have not ended: they are cut off by the caller. */
    fun takeOpen(): List<Connection> = open.filter { open.remove(it) }

    /** Asks the connections whose handlers wait for a request to look whether any is wanted. */
    fun tellIdle() {
        // A read that is parked tries again, finds nothing, and parks again: harmless for all others.
        open.forEach { it.lookAgain() }
    }
}

/** In the context of a handler, and of what it starts: whose it is. */
internal class HandlerOf(private val listener: Listener, private val outer: HandlerOf?) : AbstractCoroutineContextElement(Key) {

    /** Whether waiting for the handlers of [other] would be waiting for the caller. */
    fun isWithin(other: Listener): Boolean = listener === other || outer != null && outer.isWithin(other)

    companion object Key : CoroutineContext.Key<HandlerOf>
}
