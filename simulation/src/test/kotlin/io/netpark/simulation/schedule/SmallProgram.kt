package io.netpark.simulation.schedule

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.collections.shouldBeEmpty
import io.kotest.matchers.shouldBe
import io.netpark.core.fd.Descriptor
import io.netpark.core.fd.Direction
import io.netpark.core.loop.EventLoopGroup
import io.netpark.core.net.streams.ConnectionDescriptor
import io.netpark.core.net.streams.PeerState
import io.netpark.core.sys.Errno
import io.netpark.core.sys.NetparkException
import io.netpark.simulation.kernel.SimulatedKernel
import java.nio.ByteBuffer
import java.time.Duration
import java.util.concurrent.Executor
import java.util.concurrent.TimeUnit

private const val DECISIONS = 5

private val SHORT: Duration = Duration.ofMillis(1)

/** Programs that are small enough to be run in all orders of their first decisions. */
internal enum class SmallProgram(val says: String, private val body: Ends.() -> Unit) {

    PARK("whoever parks while the byte comes has it", {
        start { hear() }
        say()
    }),

    CLOSE("whoever parks while the connection is closed is told", {
        start { shouldThrow<NetparkException.Closed> { schedule.read(near, ByteBuffer.allocate(1)) } }
        start { near.close() }
        awaitTasks()
        near.isInUse shouldBe false
    }),

    CANCEL("an operation that is cancelled while the byte comes leaves the byte to the next", {
        val waiter = Woken()
        var cancelled = false
        start {
            val target = ByteBuffer.allocate(2)
            var outcome = near.startRead(target)
            if (outcome == Descriptor.PARK) {
                if (near.park(Direction.READ, waiter)) schedule.await { waiter.isSo || cancelled }
                if (!cancelled) outcome = near.retryRead(target)
            }
            when {
                cancelled -> hear()
                outcome == Descriptor.PARK -> near.abandon(Direction.READ).also { hear() }
                else -> outcome shouldBe 1
            }
        }
        start { say() }
        start {
            if (near.unpark(Direction.READ, waiter)) {
                near.abandon(Direction.READ)
                cancelled = true
            }
        }
    }),

    CLOSE_TWICE("two that close at the same time close once, and whoever waits is told", {
        start { shouldThrow<NetparkException.Closed> { schedule.read(near, ByteBuffer.allocate(1)) } }
        repeat(2) { start { near.close() } }
    }),

    END("the end of a stream that comes right behind the byte is heard", {
        start { hear().also { hearEnd() } }
        say()
        far.shutdownOutput()
    }),

    PARTS("bytes for which there was no room are there for the next read", {
        start {
            repeat(2) {
                val target = ByteBuffer.allocate(1)
                schedule.read(near, target) shouldBe 1
            }
        }
        schedule.write(far, ByteBuffer.wrap(byteArrayOf(7, 7)))
    }),

    PASSED_DEADLINE("a deadline that passes between two reads leaves what came meanwhile to the second", {
        say()
        hear()
        near.setDeadline(Direction.READ, schedule.after(SHORT))
        start { say() }
        schedule.sleep(SHORT.multipliedBy(2))
        near.clearDeadline(Direction.READ)
        hear()
    }),

    DEADLINE("a read whose deadline passes while the byte comes has it, or leaves it to the next", {
        near.setDeadline(Direction.READ, schedule.after(SHORT))
        start {
            try {
                hear()
            } catch (e: NetparkException.TimedOut) {
                near.clearDeadline(Direction.READ)
                hear()
            }
        }
        start {
            schedule.sleep(SHORT)
            say()
        }
    }),

    MOVED_DEADLINE("whoever parks while its deadline is moved into the past is told", {
        start { shouldThrow<NetparkException.TimedOut> { schedule.read(near, ByteBuffer.allocate(1)) } }
        start { near.setDeadline(Direction.READ, schedule.nanoTime() - 1) }
    }),

    TIMEOUT("a timeout that has struck an operation does not strike the next", {
        near.setTimeout(Direction.READ, SHORT.toNanos())
        start {
            repeat(2) {
                val begin = schedule.elapsed()
                shouldThrow<NetparkException.TimedOut> { schedule.read(near, ByteBuffer.allocate(1)) }
                schedule.elapsed() - begin shouldBe SHORT
            }
        }
        start {
            schedule.sleep(SHORT.multipliedBy(3))
            say()
        }
        awaitTasks()
        hear()
    }),

    TASKS("a task that is passed to a loop that has a timer, and is about to sleep, runs at once", {
        loop.schedule({}, 1, TimeUnit.HOURS)
        val begin = schedule.elapsed()
        repeat(3) {
            var hasRun = false
            loop.execute { hasRun = true }
            schedule.await { hasRun }
        }
        schedule.elapsed() shouldBe begin
    }),

    SUCCESSOR("a connection that takes the place of a closed one hears nothing of its peer's end", {
        far.close()
        schedule.nanoTime()
        near.close()
        val pair = ConnectionDescriptor.pair(loop, loop)
        schedule.nanoTime()
        schedule.nanoTime()
        pair.first().peerState() shouldBe PeerState.PRESENT
        pair.second().peerState() shouldBe PeerState.PRESENT
        pair.first().close()
        pair.second().close()
    });

    /** Returns how many orders there were. In each of them all descriptors are closed, once. */
    fun explore(executor: Executor, eachOrder: () -> Unit = {}): Long = Exploration.of(DECISIONS).run { schedule ->
        eachOrder()
        val kernel = SimulatedKernel(schedule)
        schedule.run {
            EventLoopGroup.builder().name("loops").daemon(true).loops(1).libc(kernel).clock(schedule).open().use { group ->
                Ends(schedule, schedule.over(executor), group).use { ends ->
                    schedule.explore()
                    ends.body()
                    ends.awaitTasks()
                }
            }
        }
        kernel.descriptors().shouldBeEmpty()
        schedule.trace().last(4096).filter { " = -${Errno.EBADF} at " in it }.shouldBeEmpty()
    }
}
