package io.netpark.core.testing

import io.netpark.core.loop.EventLoop
import io.netpark.core.loop.EventLoopGroup
import io.netpark.core.sys.Clock
import java.util.Random
import java.util.concurrent.atomic.AtomicLong
import java.util.concurrent.locks.LockSupport
import kotlin.time.Duration
import kotlin.time.Duration.Companion.minutes

/** Time that stands still until a test moves it, and chance from a seed. Its instants soon wrap around. */
class HandMovedClock(seed: Long = 1) : Clock() {
    private val now = AtomicLong(Long.MAX_VALUE - 1.minutes.inWholeNanoseconds)
    private val random = Random(seed)

    override fun nanoTime(): Long = now.get()

    override fun draw(bound: Long): Long = random.nextLong(bound)

    override fun park(blocker: Any, nanos: Long) = LockSupport.parkNanos(blocker, nanos)

    /** Moves time on. Who sleeps does not see it. */
    fun move(time: Duration) {
        now.addAndGet(time.inWholeNanoseconds)
    }

    /** Moves time on, and has the loops of [group] look. */
    fun move(time: Duration, group: EventLoopGroup) = move(time, group.loops())

    /** As the other, where some loops are closed. */
    fun move(time: Duration, loops: List<EventLoop>) {
        move(time)
        loops.forEach { it.execute {} }
    }

    /** As [move], for a reactor of one loop, and waits until what is due then has run. */
    fun pass(time: Duration, reactor: TestReactor) {
        move(time, reactor.group)
        repeat(2) { reactor.onLoop {} }
    }
}
