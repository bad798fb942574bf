package io.netpark.simulation.schedule

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.assertions.withClue
import io.kotest.matchers.collections.shouldBeEmpty
import io.kotest.matchers.collections.shouldContainExactly
import io.kotest.matchers.comparables.shouldBeGreaterThan
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.kotest.matchers.types.shouldBeSameInstanceAs
import io.kotest.matchers.types.shouldNotBeSameInstanceAs
import io.netpark.core.fd.Direction
import io.netpark.core.linux.Linux
import io.netpark.core.loop.EventLoopGroup
import io.netpark.core.net.dialing.Connecting
import io.netpark.core.net.listening.ListenerDescriptor
import io.netpark.core.net.options.NetOptions
import io.netpark.core.net.streams.ConnectionDescriptor
import io.netpark.core.sys.Calls
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.loopback
import io.netpark.simulation.kernel.SimulatedKernel
import java.net.InetSocketAddress
import java.nio.ByteBuffer
import java.time.Duration
import java.util.concurrent.CompletableFuture
import java.util.concurrent.atomic.AtomicInteger

class ScheduleSpec : NetparkSpec(body = {

    test("two runs of one seed make the same calls, in the same order, at the same times") {
        for (seed in 1L..10L) {
            val (first, second) = List(2) { conversation(seed) }
            withClue("seed $seed") {
                second.last(4096) shouldContainExactly first.last(4096)
                second.fingerprint() shouldBe first.fingerprint()
            }
        }
    }

    test("other seeds try other orders") {
        (1L..10L).map { conversation(it).fingerprint() }.toSet().size shouldBeGreaterThan 5
    }

    test("hours pass at once, and in the right order") {
        val schedule = Schedule(1)
        val woken = mutableListOf<String>()
        schedule.withTasks { run ->
            run { schedule.sleep(Duration.ofHours(2)).also { woken += "second" } }
            run { schedule.sleep(Duration.ofHours(1)).also { woken += "first" } }
            schedule.await { woken.size == 2 }
            schedule.elapsed() shouldBe Duration.ofHours(2)
        }
        woken shouldContainExactly listOf("first", "second")
    }

    test("a wait of no time ends, though others work without end") {
        val schedule = Schedule(4)
        schedule.withTasks { run ->
            val isOver = AtomicInteger()
            run { while (isOver.get() == 0) schedule.nanoTime() }
            schedule.awaits(0) { false } shouldBe true
            isOver.set(1)
            schedule.elapsed() shouldBe Duration.ZERO
        }
    }

    test("nothing can happen any more: the report says who waits where") {
        val schedule = Schedule(3)
        val kernel = SimulatedKernel(schedule)
        val stuck = shouldThrow<StuckException> {
            schedule.run { loops(schedule, kernel, 1).use { schedule.await { false } } }
        }
        stuck.message shouldContain "test 1 waits for a condition"
        stuck.message shouldContain "loops-loop-0 waits in epollWait("
        kernel.descriptors().shouldBeEmpty()
    }

    test("those who know more of who is stuck are asked, and may have others act meanwhile, which is not in the trace") {
        val schedule = Schedule(15)
        val kernel = SimulatedKernel(schedule)
        schedule.onStuck { "a number: ${kernel.close(kernel.eventfd(0, Linux.EFD_NONBLOCK))}" }
        schedule.onStuck { "an hour later: ${schedule.sleep(Duration.ofHours(1)).let { schedule.elapsed() }}" }
        schedule.onStuck { "never: ${schedule.await { false }}" }
        schedule.onStuck { error("no") }
        val stuck = shouldThrow<StuckException> { schedule.run { schedule.await { false } } }
        stuck.message!!.lines() shouldContainExactly listOf(
            "nothing can happen any more:",
            "  test 1 waits for a condition in its beginning",
            "a number: 0",
            "an hour later: PT1H",
            "it could not be looked at closer: somebody works without end, or waits for ever",
            "it could not be looked at closer: java.lang.IllegalStateException: no",
        )
        schedule.trace().count() shouldBe 0
    }

    test("work without end while the time stands still is told: by whom, and the seed") {
        val schedule = Schedule(9)
        schedule.limitSteps(2000)
        val kernel = SimulatedKernel(schedule)
        val stuck = shouldThrow<StuckException> {
            schedule.run {
                loops(schedule, kernel, 2).use { group ->
                    var isOver = false
                    val loop = group.next()
                    val again = object : Runnable {
                        override fun run() {
                            if (!isOver) loop.execute(this)
                        }
                    }
                    loop.execute(again)
                    try {
                        schedule.await { false }
                    } finally {
                        isOver = true
                    }
                }
            }
        }
        val lines = stuck.message!!.lines()
        lines[0] shouldBe "more than 2000 steps were taken while the time stood still, by seed 9:"
        lines[1] shouldContain Regex("loops-loop-. took \\d+ steps; .* epollWait\\(")
        stuck.message shouldContain "test 1 took "
        kernel.descriptors().shouldBeEmpty()
    }

    test("work without end of whoever is in a run is told where it goes on") {
        val schedule = Schedule(10)
        schedule.limitSteps(2000)
        val kernel = SimulatedKernel(schedule)
        val stuck = shouldThrow<StuckException> {
            schedule.run { while (true) kernel.close(kernel.eventfd(0, Linux.EFD_NONBLOCK)) }
        }
        stuck.message shouldContain "test 1 took 2001 steps"
        shouldThrow<StuckException> { schedule.run { while (schedule.elapsed() < Duration.ofDays(1)) schedule.nanoTime() } }
            .message shouldContain "test 2 took 2001 steps"
    }

    test("work during which the time passes may go on as long as it likes") {
        val schedule = Schedule(11)
        schedule.limitSteps(5)
        schedule.run { repeat(1000) { schedule.sleep(Duration.ofNanos(1)) } }
        schedule.elapsed() shouldBe Duration.ofNanos(1000)
        shouldThrow<IllegalArgumentException> { schedule.limitSteps(0) }
    }

    test("a thread that waits for something else does not stop the others, and comes back") {
        val schedule = Schedule(4)
        schedule.withTasks { run ->
            val answer = CompletableFuture<String>()
            run {
                schedule.sleep(Duration.ofMinutes(1))
                answer.complete("here")
            }
            answer.get() shouldBe "here"
            schedule.sleep(Duration.ofMinutes(1))
            schedule.elapsed() shouldBe Duration.ofMinutes(2)
        }
    }

    test("a thread that waits for something else for ever is interrupted, and told why") {
        val schedule = Schedule(5)
        val stuck = shouldThrow<StuckException> {
            schedule.run { loops(schedule, SimulatedKernel(schedule), 1).use { CompletableFuture<Unit>().get() } }
        }
        stuck.message shouldContain "test 1 waits for something of its own"
        (stuck.suppressed.first() is InterruptedException) shouldBe true
    }

    test("whoever holds a monitor goes on until it has left it") {
        val schedule = Schedule(6)
        val kernel = SimulatedKernel(schedule)
        val monitor = Any()
        val inside = AtomicInteger()
        var done = 0
        schedule.withTasks { run ->
            repeat(3) {
                run {
                    Calls(kernel).use { calls ->
                        repeat(20) {
                            synchronized(monitor) {
                                inside.incrementAndGet() shouldBe 1
                                val event = kernel.eventfd(0, Linux.EFD_NONBLOCK)
                                calls.buffer.putLong(0, 1)
                                kernel.write(event, calls.address, 8) shouldBe 8
                                kernel.read(event, calls.address, 8) shouldBe 8
                                kernel.close(event)
                                inside.decrementAndGet()
                            }
                        }
                    }
                    done++
                }
            }
            schedule.await { done == 3 }
        }
        schedule.trace().count() shouldBe 3L * 20 * 4
    }

    test("tasks for threads that all groups share have threads of their own, however many wait at a time") {
        val schedule = Schedule(12)
        val shared = schedule.overShared { error("nobody asks it") }
        schedule.run {
            var done = 0
            repeat(8) {
                shared.execute {
                    schedule.sleep(Duration.ofHours(1))
                    done++
                }
            }
            schedule.await { done == 8 }
        }
        schedule.elapsed() shouldBe Duration.ofHours(1)
    }

    test("an executor that is wrapped already is not wrapped again: a task would take part twice, and wait for itself") {
        val schedule = Schedule(13)
        val over = schedule.over { it.run() }
        schedule.over(over) shouldBeSameInstanceAs over
        Schedule(14).over(over) shouldNotBeSameInstanceAs over
    }

    test("a thread that does not take part may call the kernel, and is named in the trace") {
        val schedule = Schedule(7)
        val kernel = SimulatedKernel(schedule)
        kernel.close(kernel.eventfd(0, Linux.EFD_NONBLOCK)) shouldBe 0
        schedule.trace().last(1).single() shouldBe "a stranger close(3) = 0 at 0 ns"
        shouldThrow<IllegalStateException> { schedule.await { true } }
        shouldThrow<IllegalStateException> { schedule.sleep(Duration.ofSeconds(1)) }
    }

    test("what is thrown in a run comes out of it, and a run inside of a run is the same one") {
        val schedule = Schedule(8)
        val failure = shouldThrow<ArithmeticException> { schedule.run { schedule.run { throw ArithmeticException() } } }
        failure.suppressed.single().message shouldContain "seed 8 does that again"
        schedule.run { "again" } shouldBe "again"
    }
})

private fun loops(schedule: Schedule, kernel: SimulatedKernel, count: Int): EventLoopGroup =
    EventLoopGroup.builder().name("loops").daemon(true).loops(count).libc(kernel).clock(schedule).open()

/** Three clients say something to a server and hear it again. */
private fun conversation(seed: Long): Trace {
    val schedule = Schedule(seed)
    val kernel = SimulatedKernel(schedule)
    schedule.withTasks { run ->
        loops(schedule, kernel, 2).use { group ->
            ListenerDescriptor.listen(group, loopback(), NetOptions.DEFAULT, null).use { listener ->
                var heard = 0
                var served = 0
                run {
                    repeat(CLIENTS) {
                        val accepted = schedule.accept(listener)
                        run {
                            accepted.use { schedule.echo(it) }
                            served++
                        }
                    }
                }
                repeat(CLIENTS) { client ->
                    run {
                        Connecting.begin(group.next(), listener.localAddress() as InetSocketAddress, NetOptions.DEFAULT).use {
                            schedule.perform(it, Direction.WRITE, it::startConnect, it::retryConnect)
                            repeat(3) { time -> schedule.say(it, "$client says $time") }
                        }
                        heard++
                    }
                }
                schedule.await { heard == CLIENTS && served == CLIENTS }
            }
        }
    }
    kernel.descriptors().shouldBeEmpty()
    return schedule.trace()
}

private const val CLIENTS = 3

private fun Schedule.echo(connection: ConnectionDescriptor) {
    val bytes = ByteBuffer.allocateDirect(64)
    while (read(connection, bytes.clear()) != ConnectionDescriptor.END_OF_STREAM) write(connection, bytes.flip())
}

private fun Schedule.say(connection: ConnectionDescriptor, text: String) {
    write(connection, ByteBuffer.wrap(text.toByteArray()))
    val answer = ByteBuffer.allocateDirect(text.length)
    while (answer.hasRemaining()) read(connection, answer)
    Charsets.UTF_8.decode(answer.flip()).toString() shouldBe text
}
