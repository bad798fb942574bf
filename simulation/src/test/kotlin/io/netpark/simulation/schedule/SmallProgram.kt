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

/** More than the array of events has room for at first. */
private const val FULL = 130

/** More than the buffers of a unix socket hold, with another one of the same size. */
private const val MORE_THAN_FITS = 150_000

private fun Ends.tellAtOnce() {
    start { hear() }
    loop.execute { sayAside() }
    say()
    awaitAside()
}

/** Programs that are small enough to be run in all orders of their first decisions. */
internal enum class SmallProgram(val says: String, private val setUp: Ends.() -> Unit, private val body: Ends.() -> Unit) {

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
    }),

    ANSWERS("whoever has heard a byte, and parks again, hears the next", {
        start {
            hear()
            schedule.write(near, ByteBuffer.wrap(byteArrayOf(7)))
            hear()
        }
        say()
        hear(far)
        say()
    }),

    WAKE_UP("a byte that comes together with a wake-up of the loop is heard", {
        start { hear() }
        loop.execute { }
        say()
    }),

    CROWD("all to whom a byte comes at the same time are told", { repeat(3) { listenAside() } }, { tellAtOnce() }),

    FULL_ARRAY("all to whom a byte comes are told, though they do not fit into one array", { repeat(FULL) { listenAside() } }, {
        tellAtOnce()
    }),

    GATHERED("several buffers that are written at once arrive whole, however much of them the kernel takes at a time", { pair() }, {
        val pair = pairs.single()
        val sources = Array(2) { part -> ByteBuffer.allocate(MORE_THAN_FITS).put(0, (part + 1).toByte()) }
        val target = ByteBuffer.allocate(2 * MORE_THAN_FITS)
        start { while (target.hasRemaining()) schedule.read(pair.second(), target) }
        schedule.write(pair.first(), sources)
        awaitTasks()
        listOf(target.get(0), target.get(MORE_THAN_FITS)) shouldBe listOf<Byte>(1, 2)
    }),

    NEARER_DEADLINE("a deadline that is moved nearer strikes when it is due", {
        val begin = schedule.elapsed()
        near.setDeadline(Direction.READ, schedule.after(SHORT.multipliedBy(9)))
        start {
            shouldThrow<NetparkException.TimedOut> { schedule.read(near, ByteBuffer.allocate(1)) }
            schedule.elapsed() - begin shouldBe SHORT
        }
        near.setDeadline(Direction.READ, schedule.after(SHORT))
    }),

    END_OF_LOOP("a connection that is accepted while its loop ends is closed with it, or is not accepted", { dialAside() }, {
        start {
            try {
                schedule.accept(listener)
            } catch (_: NetparkException.Closed) {
                // That was too late.
            }
        }
        start { group.close() }
    });

    /** What is not done before it is explored needs no setting up. */
    constructor(says: String, body: Ends.() -> Unit) : this(says, {}, body)

    /** Returns how many orders there were. In each of them all descriptors are closed, once. */
    fun explore(executor: Executor, eachOrder: (Schedule) -> Unit = {}): Long = Exploration.of(DECISIONS).run { schedule ->
        eachOrder(schedule)
        val kernel = SimulatedKernel(schedule)
        schedule.run {
            EventLoopGroup.builder().name("loops").daemon(true).loops(1).libc(kernel).clock(schedule).open().use { group ->
                Ends(schedule, schedule.over(executor), group).use { ends ->
                    ends.setUp()
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
