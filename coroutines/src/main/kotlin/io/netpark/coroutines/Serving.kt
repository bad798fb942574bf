package io.netpark.coroutines

import io.netpark.core.loop.EventLoop
import io.netpark.core.sys.NetparkException
import kotlinx.coroutines.CompletableJob
import kotlinx.coroutines.CoroutineDispatcher
import kotlinx.coroutines.CoroutineExceptionHandler
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Job
import kotlinx.coroutines.NonCancellable
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.job
import kotlinx.coroutines.launch
import kotlinx.coroutines.withContext
import kotlinx.coroutines.withTimeoutOrNull
import java.util.concurrent.ConcurrentHashMap
import kotlin.coroutines.CoroutineContext
import kotlin.coroutines.coroutineContext
import kotlin.time.Duration
import io.netpark.core.net.Connection as CoreConnection

/**
 * One call of [Listener.serve].
 *
 * The jobs form a tree of three levels: this call; a supervisor a loop; the handlers. Handlers come and go by the
 * thousand, and each locks its parent's list of children: a parent a loop keeps loops out of each other's way.
 *
 * The tree is not a child of the caller's job, because cancelling the caller must not cancel the handlers before they
 * had their time to drain. Instead [run] does not return before the tree has ended, whatever happens.
 */
internal class Serving(
    private val listener: Listener,
    private val reactor: Reactor,
    private val caller: CoroutineContext,
    private val ownDispatcher: CoroutineDispatcher?,
    private val handler: suspend (Connection) -> Unit,
) {
    private val handlers = SupervisorJob()
    private val perLoop = ConcurrentHashMap<EventLoop, Handlers>() // a group may get more loops

    /** The handlers of one loop: their parent, and the context they start in. */
    private inner class Handlers(loop: EventLoop, caller: CoroutineContext) {
        val job: CompletableJob = SupervisorJob(handlers)
        private val dispatcher = ownDispatcher ?: reactor.dispatcherOf(loop)
        private val failures = caller[CoroutineExceptionHandler] ?: CoroutineExceptionHandler { _, failure ->
            loop.report("A connection handler failed; its connection is closed", failure)
        }
        val scope = CoroutineScope(caller.minusKey(Job) + job + dispatcher + failures)
        val onOwnLoop = ownDispatcher == null
        val ownTheirConnection = onOwnLoop && !scope.coroutineContext.hasThreadContext()

        /** The loop has ended. Whether its handlers have, too: one on another dispatcher may still have something to do. */
        fun end(): Boolean = job.children.none() && job.complete()
    }

    suspend fun run(drain: Duration) {
        try {
            try {
                listener.acceptAll(::handle)
            } catch (e: NetparkException.Closed) {
                if (listener.isOpen) throw e // the loop of a connection is closed, and not the whole reactor
                awaitHandlers()
            }
        } finally {
            listener.close()
            withContext(NonCancellable) {
                withTimeoutOrNull(drain) { awaitHandlers() }
                handlers.cancel()
                handlers.join()
            }
        }
    }

    /** The loops that have, or had, handlers. */
    internal val loops: Set<EventLoop> get() = perLoop.keys

    /** How many handlers there are. */
    fun count(): Int = perLoop.values.sumOf { it.job.children.count() }

    /** Waits until they have all returned; the listener is closed. */
    suspend fun join(): Unit = handlers.join()

    /** Cancels those that have not returned, waits until they have, and says how many they were. */
    suspend fun cut(): Int {
        val rest = count()
        handlers.cancel()
        handlers.join()
        return rest
    }

    private suspend fun awaitHandlers() {
        perLoop.values.forEach { it.job.complete() } // takes no new children, ends with the last of the old
        handlers.complete()
        handlers.join()
    }

    private fun handlersOf(loop: EventLoop): Handlers = perLoop[loop] ?: run {
        perLoop.entries.removeIf { (known, theirs) -> known.isTerminated && theirs.end() }
        perLoop.computeIfAbsent(loop) { Handlers(it, caller) }
    }

    private fun handle(accepted: CoreConnection) {
        val handlers = handlersOf(accepted.loop())
        val connection = Connection(accepted, reactor.buffering)
        if (handlers.onOwnLoop && accepted.loop().inLoop()) {
            // It begins here and now, even if it has been cancelled meanwhile: so it is there to close the connection.
            handlers.scope.launch(start = CoroutineStart.UNDISPATCHED) {
                try {
                    handle(connection, handlers)
                } finally {
                    closeWithChildren(coroutineContext.job, connection)
                }
            }
        } else {
            // A child from now on, so that run() waits for it, wherever and whenever it begins; it may never.
            handlers.scope.launch { handle(connection, handlers) }.invokeOnCompletion { connection.closeWithBuffers() }
        }
    }

    /** Closes the connection of a handler that has returned, or once the coroutines it has left running are done. */
    private fun closeWithChildren(handler: Job, connection: Connection) {
        if (handler.children.any()) {
            handler.invokeOnCompletion { connection.closeWithBuffers() }
        } else {
            connection.closeWithBuffers()
        }
    }

    private suspend fun handle(connection: Connection, handlers: Handlers) {
        val sensor = if (handlers.ownTheirConnection) connection.own(coroutineContext) else null
        try {
            handler(connection)
        } catch (_: NetparkException.Reset) {
            // The peer went away.
        } catch (_: NetparkException.Closed) {
            // We, or the end of the reactor, closed it.
        } finally {
            sensor?.dispose()
        }
    }
}
