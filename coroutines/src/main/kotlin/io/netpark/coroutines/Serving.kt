package io.netpark.coroutines

import io.netpark.core.loop.EventLoop
import io.netpark.core.net.streams.ConnectionDescriptor
import kotlinx.coroutines.CoroutineDispatcher
import kotlinx.coroutines.NonCancellable
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.withContext
import kotlinx.coroutines.withTimeoutOrNull
import java.util.concurrent.ConcurrentHashMap
import kotlin.coroutines.CoroutineContext
import kotlin.time.Duration

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
    val listener: Listener,
    private val reactor: Reactor,
    private val caller: CoroutineContext,
    private val ownDispatcher: CoroutineDispatcher?,
    private val service: Service,
) {
    private val handlers = SupervisorJob()
    private val perLoop = ConcurrentHashMap<EventLoop, Handlers>() // a group may get more loops

    /** Cancelled, it lets handlers finish that are at work. */
    @Volatile var isDraining = false
        private set

    suspend fun run(drain: Duration) {
        try {
            listener.acceptAll(::handle)
            awaitHandlers()
        } finally {
            listener.close()
            if (drain > Duration.ZERO) {
                isDraining = true
                tellIdle()
            }
            withContext(NonCancellable) {
                try {
                    withTimeoutOrNull(drain) { awaitHandlers() }
                } finally { // where the caller's own loop has ended there is no time to wait
                    handlers.cancel()
                    handlers.join()
                }
            }
        }
    }

    /** The loops that have, or had, handlers. */
    internal val loops: Set<EventLoop> get() = perLoop.keys

    /** How many handlers there are. */
    internal fun count(): Int = perLoop.values.sumOf { it.count() }

    /** Waits until they have all returned; the listener is closed. */
    suspend fun join(): Unit = handlers.join()

    /** Cancels those that have not returned, closes their connections, and says how many they were. Does not wait. */
    fun cut(): Int {
        val open = perLoop.values.flatMap { it.takeOpen() } // before they end, to count them
        handlers.cancel() // before the closing: a handler that feels it is told of this
        open.forEach { it.cutOff() }
        return open.size
    }

    /** Handlers that wait for a request look whether any is wanted. */
    fun tellIdle() {
        perLoop.values.forEach { it.tellIdle() }
    }

    private suspend fun awaitHandlers() {
        perLoop.values.forEach { it.job.complete() } // takes no new children, ends with the last of the old
        handlers.complete()
        handlers.join()
    }

    private fun handlersOf(loop: EventLoop): Handlers = perLoop[loop] ?: run {
        perLoop.entries.removeIf { (known, theirs) -> known.isTerminated && theirs.end() }
        perLoop.computeIfAbsent(loop) {
            val onOwnLoop = ownDispatcher == null
            Handlers(it, this, handlers, caller, ownDispatcher ?: reactor.dispatcherOf(it), onOwnLoop, service)
        }
    }

    private fun handle(accepted: ConnectionDescriptor) {
        handlersOf(accepted.loop()).start(Connection(accepted, reactor))
    }
}
