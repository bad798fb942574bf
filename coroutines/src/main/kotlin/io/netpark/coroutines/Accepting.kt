package io.netpark.coroutines

import io.netpark.core.fd.Direction
import io.netpark.core.loop.EventLoop
import io.netpark.core.net.ConnectionDescriptor
import io.netpark.core.net.ListenerDescriptor
import io.netpark.core.sys.NetparkException
import kotlin.coroutines.coroutineContext
import kotlin.time.Duration
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.seconds
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.Job
import kotlinx.coroutines.delay
import kotlinx.coroutines.ensureActive
import kotlinx.coroutines.sync.Mutex
import kotlinx.coroutines.sync.withLock
import kotlinx.coroutines.yield

/** Accepts from one listening socket, for one coroutine at a time; the others have their turns. */
internal class Accepting(val core: ListenerDescriptor) {

    private val parking = Parking(core, Direction.READ)
    private val turn = Mutex()

    /** Cancelled, it has accepted nothing. */
    suspend fun next(): ConnectionDescriptor = turn.withLock { accept() }

    private suspend fun accept(): ConnectionDescriptor {
        coroutineContext.ensureActive()
        var accepted = core.startAccept()
        var tries = 1
        while (accepted == null) {
            parking.await()
            coroutineContext[Job]?.let { job ->
                if (!job.isActive) {
                    core.abandon(Direction.READ)
                    job.ensureActive()
                }
            }
            if (++tries > 2) { // it is full, and refuses those who come: others have their turn between
                giveUpIfThrown { yield() }
            }
            accepted = core.retryAccept()
        }
        return accepted
    }

    private inline fun giveUpIfThrown(body: () -> Unit) {
        try {
            body()
        } catch (e: Throwable) {
            core.abandon(Direction.READ)
            throw e
        }
    }

    /**
     * Passes connections on until the listener is closed, and returns then. Nothing else ends it but cancellation and the
     * listener's deadline: what fails is reported once an episode and tried again, as in the callback API.
     */
    suspend fun passAll(isReactorClosed: () -> Boolean, handle: (ConnectionDescriptor) -> Unit) {
        var pause = Duration.ZERO
        var accepts = 0
        while (true) {
            val accepted = try {
                next()
            } catch (e: Throwable) { // a balancing that throws, say
                if (e is NetparkException.Closed && (core.isClosed || isReactorClosed())) return
                if (e is CancellationException || e is NetparkException.TimedOut) throw e
                if (core.isClosed) { // another holder of the socket has shut it down
                    core.loop().report("Accepting on ${core.localAddress()} has ended", e)
                    return
                }
                if (pause == Duration.ZERO) core.loop().report("Accepting on ${core.localAddress()} failed; trying again", e)
                pause = (pause * 2).coerceIn(FIRST_PAUSE, LAST_PAUSE)
                delay(pause)
                continue
            }
            pause = Duration.ZERO
            pass(accepted, handle)
            if (++accepts % ACCEPTS_A_TURN == 0) yield()
        }
    }

    private fun pass(accepted: ConnectionDescriptor, handle: (ConnectionDescriptor) -> Unit) {
        try {
            handle(accepted)
        } catch (e: Throwable) { // OutOfMemoryError, say: one connection less, and not the end of accepting
            accepted.close()
            core.loop().report("$accepted was accepted and could not be served; it is closed", e)
        }
        EventLoop.leaveUserCode() // a handler has begun
    }

    private companion object {
        const val ACCEPTS_A_TURN = 64

        /** After an error that says nothing about when it will be over. */
        val FIRST_PAUSE = 5.milliseconds
        val LAST_PAUSE = 1.seconds
    }
}
