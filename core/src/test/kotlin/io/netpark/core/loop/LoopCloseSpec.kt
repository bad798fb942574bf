package io.netpark.core.loop

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.collections.shouldContainExactly
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.netpark.core.fd.Direction
import io.netpark.core.poll.Interest
import io.netpark.core.poll.Pollable
import io.netpark.core.poll.WokenBatch
import io.netpark.core.sys.Errno
import io.netpark.core.sys.LibC
import io.netpark.core.sys.NetparkException
import io.netpark.core.testing.Bindings
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.PollerKind
import io.netpark.core.testing.SOON
import io.netpark.core.testing.TestReactor
import io.netpark.core.testing.async
import io.netpark.core.testing.childJvm
import io.netpark.core.testing.eventually
import io.netpark.core.testing.fromNow
import io.netpark.core.testing.queueTasksBy
import io.netpark.core.testing.result
import io.netpark.core.testing.runToEnd
import io.netpark.core.testing.use
import java.util.Queue
import java.util.concurrent.CompletableFuture
import java.util.concurrent.ConcurrentHashMap
import java.util.concurrent.CountDownLatch
import java.util.concurrent.CyclicBarrier
import java.util.concurrent.Future
import java.util.concurrent.RejectedExecutionException
import java.util.concurrent.TimeUnit
import java.util.concurrent.atomic.AtomicInteger
import kotlin.time.Duration.Companion.hours

class LoopCloseSpec : NetparkSpec(body = {
    for (kind in PollerKind.all) {
        test("$kind: closing from another thread waits for the end; tasks already queued run; closing again does nothing") {
            repeat(50) {
                val rig = LoopRig(pollers = kind.factory)
                val ran = AtomicInteger()
                repeat(100) { rig.loop.execute(ran::incrementAndGet) }
                rig.close()
                ran.get() shouldBe 100
                rig.loop.isShutdown shouldBe true
                rig.loop.isTerminated shouldBe true
                rig.close()
            }
        }

        test("$kind: tasks submitted while the loop closes run or are refused, never both nor neither") {
            repeat(30) { round ->
                val rig = LoopRig(pollers = kind.factory)
                val start = CountDownLatch(1)
                val ran = AtomicInteger()
                val submitters = List(2) {
                    async {
                        start.countDown()
                        var taken = 0
                        while (true) {
                            try {
                                rig.loop.execute(ran::incrementAndGet)
                                taken++
                            } catch (_: RejectedExecutionException) {
                                break
                            }
                            if (taken % 50 == 0) Thread.yield()
                        }
                        taken
                    }
                }
                start.await()
                repeat(round * 100) { Thread.onSpinWait() }
                rig.close()
                val taken = submitters.sumOf { it.result() }
                eventually { ran.get() shouldBe taken }
            }
        }
    }

    test("threads that meet the very end of a loop, each in the midst of a read with a timeout, do not wait for one another") {
        TestReactor().use { reactor ->
            reactor.pair().use { client, server ->
                val tasks = reactor.loop.queueTasksBy { LateTasks(it, reactor.loop) }
                val readers = listOf(client, server).map { end ->
                    end.connection.setTimeout(Direction.READ, 1.hours.inWholeNanoseconds)
                    async {
                        tasks.threads += Thread.currentThread()
                        shouldThrow<NetparkException.Closed> { end.readSome() }
                    }
                }
                eventually { tasks.held.get() shouldBe 2 }
                reactor.loop.shutdown()
                readers.forEach { it.result() }
            }
        }
    }

    test("a task may close its own loop, and another's; neither waits for itself") {
        val own = LoopRig()
        val other = LoopRig()
        own.loop.execute {
            other.loop.close()
            own.loop.close()
            own.loop.isTerminated shouldBe false
        }
        for (rig in listOf(own, other)) {
            rig.loop.awaitTermination(SOON.inWholeSeconds, TimeUnit.SECONDS) shouldBe true
            rig.close()
        }
    }

    test("two loops that close each other both end") {
        val first = LoopRig()
        val second = LoopRig()
        val both = CyclicBarrier(2)
        for ((own, other) in listOf(first to second, second to first)) {
            own.loop.execute {
                both.await()
                other.loop.close()
            }
        }
        eventually { (first.loop.isTerminated && second.loop.isTerminated) shouldBe true }
        first.close()
        second.close()
    }

    test("everything watched learns of the end, once, also what is registered meanwhile") {
        class Watched(val loop: EventLoop, val fd: Int, val onClose: () -> Unit = {}) : Pollable() {
            val told = AtomicInteger()
            override fun ready(readiness: Int, woken: WokenBatch) = Unit

            override fun pollerClosed(woken: WokenBatch) {
                told.incrementAndGet()
                loop.poller().remove(fd, this)
                loop.libc().close(fd)
                woken.add(onClose)
            }
        }
        for (kind in PollerKind.all) {
            LoopRig(pollers = kind.factory).use { rig ->
                fun watch(onClose: () -> Unit = {}) =
                    Watched(rig.loop, rig.loop.libc().eventfd(0, 0), onClose)
                        .also { rig.loop.poller().add(it.fd, it, Interest.PARKING) }
                lateinit var late: Watched
                val early = List(5) { watch() } + watch { late = watch() }
                rig.close()
                (early + late).map { it.told.get() } shouldBe List(7) { 1 }
            }
        }
    }

    test("what fails when readiness is taken in is reported, and keeps it from nobody else of the batch") {
        class Watched(val loop: EventLoop, val fails: Boolean) : Pollable() {
            val fd = loop.libc().eventfd(1, 0)
            val told = AtomicInteger()

            override fun ready(readiness: Int, woken: WokenBatch) {
                if (told.getAndIncrement() == 0 && fails) throw OutOfMemoryError("on purpose")
            }

            override fun pollerClosed(woken: WokenBatch) {
                loop.poller().remove(fd, this)
                loop.libc().close(fd)
            }
        }
        LoopRig().use { rig ->
            val watched = rig.loop.submit<List<Watched>> { // of one batch, as the loop looks after this
                List(9) { Watched(rig.loop, it % 3 == 0) }.onEach { rig.loop.poller().add(it.fd, it, Interest.PARKING) }
            }.result()
            eventually { watched.map { it.told.get() } shouldBe List(9) { 1 } }
            eventually { rig.reporter.reports.size shouldBe 3 }
            rig.reporter.drain()
        }
    }

    test("exiting on a loop ends the process, though a shutdown hook closes the group") {
        val (output, status) = childJvm("io.netpark.core.loop.ExitProbeKt").runToEnd()
        output shouldContain "closed; the other loop has ended: true"
        status shouldBe 7
    }

    test("scheduled tasks are cancelled, and none that was taken is left undecided") {
        repeat(30) { round ->
            val rig = LoopRig()
            val pending = rig.loop.schedule({}, 1, TimeUnit.HOURS)
            val periodic = rig.loop.scheduleAtFixedRate({}, 1, 1, TimeUnit.HOURS)
            val meanwhile = async {
                val futures = mutableListOf<Future<*>>()
                try {
                    while (true) futures += rig.loop.schedule({}, 1, TimeUnit.HOURS)
                } catch (_: RejectedExecutionException) {
                }
                futures
            }
            repeat(round * 200) { Thread.onSpinWait() }
            rig.close()
            pending.isCancelled shouldBe true
            periodic.isCancelled shouldBe true
            eventually { meanwhile.result().count { !it.isDone } shouldBe 0 }
        }
    }

    test("a timer's replacement runs when the loop closes, its action does not; arming later says no") {
        val rig = LoopRig()
        val events = mutableListOf<String>()
        val timer = rig.loop.newTimer({ events += "action" }, { events += "abandoned" })
        timer.arm(System.nanoTime() + TimeUnit.HOURS.toNanos(1))
        rig.loop.submit<Int> { 0 }.result()
        rig.close()
        events shouldContainExactly listOf("abandoned")
        timer.arm(System.nanoTime()) shouldBe false
        timer.disarm()
    }

    test("a timer armed from outside at the very end, again and again, is refused or replaced, never lost") {
        val rig = LoopRig()
        val armed = AtomicInteger()
        val replaced = AtomicInteger()
        fun armAgain() {
            val timer = rig.loop.newTimer({}) {
                replaced.incrementAndGet()
                async { armAgain() }.result()
            }
            if (timer.arm(fromNow(1.hours))) armed.incrementAndGet()
        }
        armAgain()
        rig.close()
        replaced.get() shouldBe armed.get()
    }

    test("S9: an interrupted closer waits all the same, and stays interrupted") {
        val rig = LoopRig()
        val block = CountDownLatch(1)
        rig.loop.execute { block.await() }
        val closer = async {
            Thread.currentThread().interrupt()
            rig.loop.close()
            Thread.interrupted() to rig.loop.isTerminated
        }
        eventually { rig.loop.isShutdown shouldBe true }
        closer.isDone shouldBe false
        block.countDown()
        closer.result() shouldBe (true to true)
    }

    test("a closed loop refuses and says its name") {
        val rig = LoopRig()
        rig.loop.shutdownNow() shouldBe emptyList()
        rig.close()
        shouldThrow<RejectedExecutionException> { rig.loop.execute {} }.message!! shouldContain "netpark-test is closed"
        rig.loop.tryExecute {} shouldBe false
        shouldThrow<RejectedExecutionException> { rig.loop.schedule({}, 1, TimeUnit.SECONDS) }
    }

    test("a task that submits itself for ever does not keep the loop from ending") {
        val rig = LoopRig()
        val refused = CompletableFuture<Boolean>()
        fun again() {
            if (!rig.loop.tryExecute(::again)) refused.complete(true)
        }
        rig.loop.execute(::again)
        val closer = async { rig.loop.close() }
        closer.result()
        rig.loop.isTerminated shouldBe true
    }

    test("a group that cannot start all its loops leaves none running") {
        val scarce = object : LibC by Bindings.best {
            val left = AtomicInteger(2)
            override fun epollCreate(flags: Int): Int =
                if (left.decrementAndGet() < 0) -Errno.EMFILE else Bindings.best.epollCreate(flags)
        }
        shouldThrow<NetparkException.TooManyDescriptors> { EventLoopGroup.builder().loops(3).libc(scarce).open() }
        shouldThrow<IllegalArgumentException> { EventLoopGroup.builder().loops(0) }
    }

    test("a group hands out its loops in turn, but the calling loop where that is asked for") {
        EventLoopGroup.builder().loops(3).name("netpark-group").open().use { group ->
            List(6) { group.next() } shouldBe group.loops() + group.loops()
            val second = group.loops()[1]
            second.submit<EventLoop> { group.currentOrNext() }.result() shouldBe second
            second.toString() shouldBe "netpark-group-loop-1"
        }
    }
})

/** Holds the next task of each of two [threads] until [loop] has ended, and then until both are in the queue. */
private class LateTasks(private val real: Queue<Runnable>, private val loop: EventLoop) : Queue<Runnable> by real {
    val threads: MutableSet<Thread> = ConcurrentHashMap.newKeySet()
    val held = AtomicInteger()
    private val both = CyclicBarrier(2)

    override fun add(element: Runnable): Boolean {
        if (!threads.remove(Thread.currentThread())) return real.add(element)
        held.incrementAndGet()
        eventually { check(loop.isTerminated) }
        real.add(element)
        both.await()
        return true
    }
}
