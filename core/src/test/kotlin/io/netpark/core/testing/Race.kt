package io.netpark.core.testing

import java.util.concurrent.CancellationException
import java.util.concurrent.atomic.AtomicInteger
import java.util.concurrent.atomic.AtomicReference
import kotlin.time.Duration
import kotlin.time.Duration.Companion.seconds

/**
 * Runs all actors [rounds] times, or as often as the time allows, each on its own thread; in every round they start together.
 * [beforeEach] and [afterEach] run in between, while no actor does. The first failure of an actor ends the race and is thrown.
 */
fun race(
    rounds: Int,
    vararg actors: (round: Int) -> Unit,
    atMost: Duration = 1.5.seconds,
    beforeEach: (round: Int) -> Unit = {},
    afterEach: (round: Int) -> Unit = {},
) {
    val start = SpinBarrier(actors.size + 1)
    val end = SpinBarrier(actors.size + 1)
    val failure = AtomicReference<Throwable>()
    for (actor in actors) {
        async {
            for (round in 0 until rounds) {
                start.await()
                try {
                    actor(round)
                } catch (e: Throwable) {
                    failure.compareAndSet(null, e)
                }
                end.await()
            }
        }
    }
    val over = fromNow(atMost)
    try {
        for (round in 0 until rounds) {
            beforeEach(round)
            start.await()
            end.await()
            failure.get()?.let { throw AssertionError("round $round: $it", it) }
            afterEach(round)
            if (System.nanoTime() - over > 0) break
        }
    } finally {
        start.broken = true
        end.broken = true
    }
}

/** Starts threads nearer together than a CyclicBarrier, and still lets a single core go on. */
private class SpinBarrier(private val parties: Int) {
    private val arrived = AtomicInteger()

    @Volatile
    var broken = false

    fun await() {
        val all = (arrived.getAndIncrement() / parties + 1) * parties
        var spins = 0
        while (arrived.get() < all) {
            if (broken) throw CancellationException("the race is over")
            if (Thread.currentThread().isInterrupted) throw InterruptedException("waiting for the others of a race")
            if (++spins < 200) Thread.onSpinWait() else Thread.yield()
        }
    }
}
