package io.netpark.coroutines

import io.netpark.core.loop.EventLoop
import io.netpark.core.sys.NetparkException
import io.netpark.coroutines.parking.hasThreadContext
import java.util.concurrent.ConcurrentHashMap
import java.util.concurrent.RejectedExecutionException
import kotlin.coroutines.AbstractCoroutineContextElement
import kotlin.coroutines.ContinuationInterceptor
import kotlin.coroutines.CoroutineContext
import kotlin.coroutines.coroutineContext
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CompletableJob
import kotlinx.coroutines.CoroutineDispatcher
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Job
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.launch
import kotlinx.coroutines.withContext

/** What [Listener.serve] does for each connection. */
internal class Service(
    val context: (Connection) -> CoroutineContext,
    val onFailure: ((Connection, Throwable) -> Unit)?,
    val handler: suspend CoroutineScope.(Connection) -> Unit,
)

/**
 * The handlers of one call of [Listener.serve] on one loop: their parent, the context they start in, and their connections.
 *
 * ```text
 * TLS, if there is to be: the handshake is over --> handler runs
 *                         it has failed, which core has told; or is cut off --> closed
 *
 * handler runs --returns, and so have the coroutines it has started--> what it has written is flushed --> closed
 *              --fails, or is cancelled--> what it has not flushed is dropped; reset in the midst of an answer, otherwise closed
 *              --cut off by a shutdown--> closed at once, as after a failure; the handler is cancelled
 * ```
 */
internal class Handlers(
    private val loop: EventLoop,
    private val serving: Serving,
    parent: Job,
    caller: CoroutineContext,
    dispatcher: CoroutineDispatcher,
    private val onOwnLoop: Boolean,
    private val service: Service,
) {
    private val listener = serving.listener
    private val servings = listener.servings
    val job: CompletableJob = SupervisorJob(parent)

    /** No time to begin anything long. */
    val isDraining: Boolean get() = serving.isDraining || servings.isDraining

    /** Those that ask for a request, and have none, are told so. */
    val wantsNoRequests: Boolean get() = serving.isDraining || servings.wantsNoRequests

    private val failures = Failures(loop, { listener.reactor.group.isClosed }, caller, service.onFailure)
    private val scope =
        CoroutineScope(caller.minusKey(Job) + job + dispatcher + failures.ofOthers + HandlerOf(listener, caller[HandlerOf]))

    /** The class of the function that is given to serve. */
    val handlerName: String get() = service.handler.javaClass.name

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
                scope.launch { run(connection) }.invokeOnCompletion { cause ->
                    try {
                        val rejection = cause?.cause as? RejectedExecutionException // by the dispatcher: that is how it says so
                        if (rejection != null) failures.tell(connection, rejection, 0, scope.coroutineContext)
                    } finally {
                        ended(connection)
                    }
                }
            }
        } catch (e: Throwable) {
            open -= connection
            throw e
        }
    }

    private suspend fun run(connection: Connection) {
        if (connection.core.hasTls() && !isSecured(connection)) return
        connection.endedBy({ handle(connection) }) { thrown, dropped ->
            val failure = thrown.original()
            if (failure is CancellationException) throw failure
            failures.tell(connection, failure, dropped, coroutineContext)
        }
    }

    /** Suspends until the TLS handshake is over. Core has told of one that has failed, and nobody else needs to hear of it. */
    private suspend fun isSecured(connection: Connection): Boolean {
        connection.endedIdle = true // nothing has been asked for yet
        try {
            connection.awaitHandshake()
        } catch (_: NetparkException) {
            return false
        }
        connection.endedIdle = false
        return true
    }

    /** Returns when the coroutines that the handler has started have, too. */
    private suspend fun handle(connection: Connection) = withContext(contextOf(connection)) {
        val ownsIt = onOwnLoop && !coroutineContext.hasThreadContext()
        val sensor = if (ownsIt) connection.own(coroutineContext) else null
        if (loop.inLoop()) loop.setOccupation(connection.core) // up to where it suspends: nothing of this connection has woken it
        try {
            service.handler(this, connection)
        } finally {
            sensor?.dispose()
        }
    }

    private fun contextOf(connection: Connection): CoroutineContext {
        val added = service.context(connection)
        require(added[Job] == null) {
            "the context that serve adds for $connection has a Job: its handler would be no part of serve any more. " +
                "Leave it out; to end a handler, cancel its scope or close its connection"
        }
        require(added[ContinuationInterceptor] == null) {
            "the context that serve adds for $connection has a dispatcher: handlers run on the loop of their connection, or on the " +
                "dispatcher that is given to serve. Leave it out; for a stretch on another one there is withContext"
        }
        return added
    }

    private fun ended(connection: Connection) {
        if (open.remove(connection)) servings.handlerEnded(connection.endedIdle)
        connection.closeWithBuffers()
    }

    /** Takes those whose handlers have not ended: they are cut off by the caller. */
    fun takeOpen(): List<Connection> = open.filter { open.remove(it) }

    /**
     * Asks the connections whose handlers wait for a request to look whether any is wanted. A client that has not even begun its
     * handshake wants none: its connection is closed.
     */
    fun tellIdle() {
        // A read that is parked tries again, finds nothing, and parks again: harmless for all others.
        open.forEach { if (it.core.awaitsFirstWord()) it.core.close() else it.lookAgain() }
    }
}

/** In the context of a handler, and of what it starts: whose it is. */
internal class HandlerOf(private val listener: Listener, private val outer: HandlerOf?) : AbstractCoroutineContextElement(Key) {

    /** Whether waiting for the handlers of [other] would be waiting for the caller. */
    fun isWithin(other: Listener): Boolean = listener === other || outer != null && outer.isWithin(other)

    companion object Key : CoroutineContext.Key<HandlerOf>
}
