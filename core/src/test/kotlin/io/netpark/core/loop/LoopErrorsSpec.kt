package io.netpark.core.loop

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.assertions.withClue
import io.kotest.matchers.collections.shouldHaveSize
import io.kotest.matchers.ints.shouldBeGreaterThan
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.kotest.matchers.types.shouldBeInstanceOf
import io.netpark.core.fd.Direction
import io.netpark.core.poll.Poller
import io.netpark.core.report.Reporter
import io.netpark.core.sys.Binding
import io.netpark.core.sys.LibC
import io.netpark.core.sys.NetparkException
import io.netpark.core.testing.Bindings
import io.netpark.core.testing.Chain
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.RunningTransfer
import io.netpark.core.testing.ScarceTasks
import io.netpark.core.testing.TestReactor
import io.netpark.core.testing.async
import io.netpark.core.testing.childJvm
import io.netpark.core.testing.eventually
import io.netpark.core.testing.fromNow
import io.netpark.core.testing.queueTasksBy
import io.netpark.core.testing.result
import io.netpark.core.testing.runToEnd
import io.netpark.core.testing.use
import java.io.ByteArrayOutputStream
import java.io.PrintStream
import java.time.Duration
import java.util.concurrent.CancellationException
import java.util.concurrent.CompletableFuture
import java.util.concurrent.ConcurrentLinkedQueue
import java.util.concurrent.CopyOnWriteArrayList
import java.util.concurrent.TimeUnit
import java.util.concurrent.atomic.AtomicBoolean
import java.util.concurrent.atomic.AtomicInteger
import java.util.function.UnaryOperator
import kotlin.time.Duration.Companion.hours
import kotlin.time.Duration.Companion.milliseconds

/** Errors of all kinds: a loop lives on, or is closed in order and missed. */
class LoopErrorsSpec : NetparkSpec(body = {
    /** What waits throw, for so many of them. */
    class Failing(val error: () -> Throwable) : LibC by Bindings.best {
        val left = AtomicInteger()

        private fun fail() {
            if (left.getAndUpdate { maxOf(0, it - 1) } > 0) throw error()
        }

        override fun epollWait(epfd: Int, events: Long, capacity: Int, timeoutMillis: Int): Int {
            fail()
            return Bindings.best.epollWait(epfd, events, capacity, timeoutMillis)
        }

        override fun epollPwait2(epfd: Int, events: Long, capacity: Int, timespec: Long): Int {
            fail()
            return Bindings.best.epollPwait2(epfd, events, capacity, timespec)
        }
    }

    fun catchingStandardError(body: () -> Unit): String {
        val before = System.err
        val caught = ByteArrayOutputStream()
        System.setErr(PrintStream(caught, true))
        try {
            body()
        } finally {
            System.setErr(before)
        }
        return caught.toString()
    }

    fun probe(mode: String, libc: LibC, vararg limits: String) {
        val options = limits.toList() + "-D${Binding.PROPERTY}=${libc.binding()}"
        val (output, status) = (childJvm("io.netpark.core.loop.OutOfMemoryProbeKt", options) + mode).runToEnd()
        withClue(output) { status shouldBe 0 }
    }

    for (libc in Bindings.all) {
        test("${libc.binding()}: a task that uses up the heap, so that not even a report finds memory, ends nothing") {
            probe("heap", libc, "-Xmx16m")
        }
        test("${libc.binding()}: a waiter is not lost if there is no memory for another task") {
            probe("tasks", libc, "-Xmx16m")
        }
        test("${libc.binding()}: an event array that cannot grow is used as it is") {
            probe("outside", libc, "-XX:MaxDirectMemorySize=4m")
        }
    }

    test("errors of a wait are reported once an episode, and what is ready is told after them") {
        val libc = Failing { OutOfMemoryError("on purpose") }
        TestReactor(libc).use { reactor ->
            reactor.pair().use { client, server ->
                libc.left.set(5)
                client.write("x")
                server.readText(1) shouldBe "x"
                eventually { libc.left.get() shouldBe 0 }
                reactor.loop.submit<Int> { 1 }.result() shouldBe 1
            }
            reactor.reporter.drain().single().cause.message shouldBe "on purpose"
            reactor.group.failure() shouldBe null
        }
    }

    test("memory that is wanting for long ends no loop") {
        val libc = Failing { OutOfMemoryError("on purpose") }
        TestReactor(libc).use { reactor ->
            libc.left.set(150) // more failures than a poller is allowed
            reactor.loop.submit<Int> { 1 }.result() shouldBe 1
            eventually { libc.left.get() shouldBe 0 }
            reactor.loop.submit<Int> { 2 }.result() shouldBe 2
            reactor.reporter.drain() shouldHaveSize 1
        }
    }

    test("a loop that can wait no more closes what lives on it, says so on standard error, and its group tells") {
        val libc = Failing { NoClassDefFoundError("on purpose") }
        val lost = ConcurrentLinkedQueue<String>()
        val observer = object : Observer {
            override fun lost(loop: EventLoop, why: Throwable) { lost += "$loop: ${why.message}" }
        }
        TestReactor(libc, loops = 1, configure = { observer(observer).name("doomed") }).use { reactor ->
            reactor.pair().use { client, server ->
                reactor.group.awaitTermination(Duration.ofMillis(1)) shouldBe false
                val said = catchingStandardError {
                    libc.left.set(Int.MAX_VALUE)
                    reactor.loop.execute {}
                    reactor.group.awaitTermination(Duration.ofSeconds(60)) shouldBe true
                }
                said shouldContain "event loop of Netpark has ended by a failure"
                said shouldContain "on purpose"
                lost.toList() shouldBe listOf("doomed-loop-0: on purpose")
                reactor.group.failure()?.message shouldBe "on purpose"
                (client.connection.isClosed && server.connection.isClosed) shouldBe true
            }
            reactor.reporter.drain() shouldHaveSize 2
        }
    }

    test("what a reporter throws goes to standard error, with what it was told") {
        val loop = EventLoop.open("mute", true, Bindings.best, Poller.EPOLL) { _, _ -> throw OutOfMemoryError("no words") }
        val said = catchingStandardError {
            loop.execute { error("a failure to be told") }
            loop.submit {}.get()
            loop.close()
        }
        said shouldContain "A task on mute threw"
        said shouldContain "a failure to be told"
        said shouldContain "no words"
    }

    test("a group gets its reporter ready when it opens") {
        val prepared = AtomicInteger()
        val reporter = object : Reporter {
            override fun report(what: String, cause: Throwable) = Unit
            override fun prepare() { prepared.incrementAndGet() }
        }
        EventLoopGroup.builder().loops(2).daemon(true).reporter(reporter).open().use { prepared.get() shouldBe 1 }
    }

    test("an interrupt flag that user code leaves is gone before the next user code runs") {
        LoopRig().use { rig ->
            val flags = CopyOnWriteArrayList<Boolean>()
            fun leaveOne() {
                flags += Thread.currentThread().isInterrupted
                Thread.currentThread().interrupt()
            }
            rig.loop.submit {
                rig.loop.execute(::leaveOne)
                rig.loop.newTimer(::leaveOne).arm(System.nanoTime())
                rig.loop.newTimer(::leaveOne).arm(System.nanoTime())
                rig.loop.execute(::leaveOne)
                leaveOne()
                EventLoop.leaveUserCode()
                leaveOne()
            }.result()
            eventually { flags shouldBe List(6) { false } }
            rig.loop.submit<Boolean> { Thread.currentThread().isInterrupted }.result() shouldBe false
        }
    }

    test("waiting on a loop for what only that loop can do is refused") {
        LoopRig().use { rig ->
            val loop = rig.loop
            loop.submit {
                val later = loop.submit<Int> { 1 }
                shouldThrow<IllegalStateException> { later.get() }.message!! shouldContain "wait for itself"
                shouldThrow<IllegalStateException> { later.get(1, TimeUnit.SECONDS) }
                shouldThrow<IllegalStateException> { loop.schedule({}, 1, TimeUnit.MILLISECONDS).get() }
                shouldThrow<IllegalStateException> { loop.invokeAll(listOf(java.util.concurrent.Callable { 1 })) }
                shouldThrow<IllegalStateException> { loop.awaitTermination(1, TimeUnit.SECONDS) }
            }.result()
            loop.submit<Int> { 1 }.also { it.result() }.get() shouldBe 1
        }
    }

    test("a wake-up that an error keeps from being sent is sent by the next who has something to do") {
        val overflows = AtomicBoolean()
        val libc = object : LibC by Bindings.best {
            override fun write(fd: Int, address: Long, length: Long): Long {
                if (overflows.get()) throw StackOverflowError()
                return Bindings.best.write(fd, address, length)
            }
        }
        TestReactor(libc).use { reactor ->
            val first = CompletableFuture<Unit>()
            overflows.set(true)
            eventually { shouldThrow<StackOverflowError> { reactor.loop.execute { first.complete(Unit) } } } // once it sleeps
            overflows.set(false)
            reactor.loop.submit<Int> { 1 }.result() shouldBe 1
            first.result()
        }
    }

    test("one who waits is not lost when the queue has no memory") {
        TestReactor().use { reactor ->
            reactor.pair().use { client, _ ->
                val reading = async { shouldThrow<NetparkException.Closed> { client.readText(1) } }
                eventually { reactor.loop.parked() shouldBe 1 }
                reactor.loop.queueTasksBy(::ScarceTasks).whileFull {
                    client.close()
                    reading.result()
                }
            }
        }
    }

    test("a copy that is cancelled ends when the queue has no memory") {
        TestReactor().use { reactor ->
            Chain(reactor).use { chain ->
                val copy = RunningTransfer(chain.source, chain.target)
                eventually { reactor.loop.parked() shouldBe 1 }
                reactor.loop.queueTasksBy(::ScarceTasks).whileFull {
                    copy.transfer.cancel()
                    copy.failure().shouldBeInstanceOf<CancellationException>()
                }
            }
        }
    }

    test("what has a deadline is closed, or detached, and forgotten by its loop when the queue has no memory") {
        TestReactor().use { reactor ->
            reactor.pair().use { client, server ->
                val timers = reactor.loop.timers()
                listOf(client, server).forEach { it.connection.setDeadline(Direction.READ, fromNow(1.hours)) }
                eventually { reactor.onLoop { timers.size() } shouldBe 2 }
                reactor.loop.queueTasksBy(::ScarceTasks).whileFull {
                    client.close()
                    server.connection.detach().close()
                    reactor.loop.descriptors() shouldBe 0
                }
                eventually { reactor.onLoop { timers.size() } shouldBe 0 }
            }
        }
    }

    test("a timer that another thread disarms without memory for that runs, and harms nobody") {
        LoopRig().use { rig ->
            val ran = CompletableFuture<Unit>()
            val timer = rig.loop.newTimer { ran.complete(Unit) }
            timer.arm(fromNow(100.milliseconds))
            rig.loop.queueTasksBy(::ScarceTasks).whileFull { timer.disarm() }
            ran.result()
        }
    }

    test("a timeout strikes though there is no memory for its timer") {
        TestReactor().use { reactor ->
            reactor.pair().use { client, _ ->
                val timers = reactor.loop.timers()
                val refused = AtomicInteger()
                val none = UnaryOperator<Array<Timer>> {
                    refused.incrementAndGet()
                    throw OutOfMemoryError("for a test")
                }
                TimerQueue::class.java.getDeclaredField("larger").apply { isAccessible = true }.set(timers, none)
                val others = reactor.onLoop { List(16) { reactor.loop.newTimer {}.apply { arm(fromNow(1.hours)) } } }
                client.connection.setTimeout(Direction.READ, 1.milliseconds.inWholeNanoseconds)
                repeat(2) { shouldThrow<NetparkException.TimedOut> { client.readSome() } }
                refused.get() shouldBeGreaterThan 0
                reactor.onLoop { others.forEach { it.disarm() } }
                eventually { reactor.onLoop { timers.size() } shouldBe 0 }
            }
        }
    }
})

private fun EventLoop.timers(): TimerQueue =
    (EventLoop::class.java.getDeclaredField("turn").apply { isAccessible = true }.get(this) as Turn).timers
