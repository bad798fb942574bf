package io.netpark.coroutines.serving

import io.netpark.core.fd.Direction
import io.netpark.core.net.listening.ListeningSocket
import io.netpark.core.net.serving.rules.AcceptPolicy
import io.netpark.core.net.socket.SocketDescriptor
import io.netpark.core.sys.NetparkException
import io.netpark.coroutines.parking.Parking
import java.util.function.Consumer
import kotlin.coroutines.coroutineContext
import kotlin.time.Duration
import kotlin.time.Duration.Companion.nanoseconds
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.Job
import kotlinx.coroutines.delay
import kotlinx.coroutines.ensureActive
import kotlinx.coroutines.sync.Mutex
import kotlinx.coroutines.sync.withLock
import kotlinx.coroutines.withTimeoutOrNull
import kotlinx.coroutines.yield

/** Accepts from one listening socket, for one coroutine at a time; the others have their turns. */
internal class Accepting<T : SocketDescriptor>(val core: ListeningSocket<T>) {

    private val parking = Parking(core, Direction.READ)
    private val turn = Mutex()

    /** Cancelled, it has accepted nobody; who comes at that moment is closed. */
    suspend fun next(): T = turn.withLock { accept() }.alsoIfActive()

    /**
     * As the other, for so long at most. Who comes as the time is over is accepted still.
     *
     * @throws NetparkException.TimedOut nobody has come; if there is no time at all, nobody was waiting
     */
    suspend fun next(limit: Duration): T {
        if (limit == Duration.INFINITE) return next()
        coroutineContext.ensureActive()
        var accepted: T? = null
        if (limit > Duration.ZERO) {
            try {
                withTimeoutOrNull(limit) { accepted = turn.withLock { accept() } } // its result would be lost if the time is over
            } catch (e: Throwable) {
                accepted?.close()
                throw e
            }
        } else if (turn.tryLock()) {
            try {
                accepted = acceptAtOnce()
            } finally {
                turn.unlock()
            }
        }
        return accepted ?: throw NetparkException.TimedOut(
            NetparkException.Timeout.ACCEPT, "$core has accepted nobody in the time given, $limit",
        ).apply { setAbout(core) }
    }

    /** A caller that has been cancelled meanwhile does not get what this returns. */
    private suspend fun T.alsoIfActive(): T = apply {
        val job = coroutineContext[Job]
        if (job != null && !job.isActive) {
            close()
            job.ensureActive()
        }
    }

    private fun acceptAtOnce(): T? {
        val accepted = core.startAccept() ?: core.retryAccept() // the first may have left it to the poller to say whether there is one
        if (accepted == null) core.abandon(Direction.READ)
        return accepted
    }

    private suspend fun accept(): T {
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

    /** Passes connections on until the listener is closed, as [AcceptPolicy] says, and returns then. Otherwise only cancellation ends it. */
    suspend fun passAll(handle: (T) -> Unit) {
        val policy = AcceptPolicy(core)
        val server = Consumer(handle)
        var accepts = 0
        while (true) {
            val accepted = try {
                next()
            } catch (e: CancellationException) {
                throw e
            } catch (e: Throwable) {
                val pause = policy.failed(e)
                if (pause == AcceptPolicy.ENDED) return
                policy.report(e)
                delay(pause.nanoseconds)
                continue
            }
            policy.pass(accepted, server)
            if (++accepts % AcceptPolicy.ACCEPTS_A_TURN == 0) yield()
        }
    }
}
