package io.netpark.core.loop

import io.kotest.matchers.collections.shouldHaveSize
import io.kotest.matchers.longs.shouldBeLessThan
import io.kotest.matchers.longs.shouldBeLessThanOrEqual
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.netpark.core.sys.Errno
import io.netpark.core.sys.LibC
import io.netpark.core.testing.Bindings
import io.netpark.core.testing.CallCounter
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.PollerKind
import io.netpark.core.testing.SOON
import io.netpark.core.testing.async
import io.netpark.core.testing.eventually
import io.netpark.core.testing.fromNow
import io.netpark.core.testing.result
import java.util.concurrent.CompletableFuture
import java.util.concurrent.CountDownLatch
import java.util.concurrent.TimeUnit
import java.util.concurrent.atomic.AtomicInteger
import kotlin.time.Duration.Companion.seconds

class LoopTasksSpec : NetparkSpec(body = {
    test("tasks run on the loop, in the order in which they were submitted, from inside and outside") {
        LoopRig().use { rig ->
            val order = mutableListOf<Int>()
            val done = CompletableFuture<Boolean>()
            rig.loop.execute {
                order += 1
                rig.loop.execute {
                    order += 4
                    done.complete(rig.loop.inLoop() && EventLoop.current() === rig.loop)
                }
                order += 2
            }
            val third = rig.loop.submit { order += 3 }
            done.result() shouldBe true
            third.result() // before or after the fourth
            order.filter { it != 3 } shouldBe listOf(1, 2, 4)
            rig.loop.inLoop() shouldBe false
            EventLoop.current() shouldBe null
        }
    }

    test("S1: what a task throws, an Error too, is reported, and the loop goes on") {
        LoopRig().use { rig ->
            val thrown = listOf(IllegalStateException("a"), StackOverflowError("b"), OutOfMemoryError("c"), Exception("d"))
            for (failure in thrown) rig.loop.execute { throw failure }
            rig.loop.submit<Int> { 42 }.result() shouldBe 42
            val reports = rig.reporter.drain()
            reports.map { it.cause } shouldBe thrown
            reports.forEach { it.what shouldContain "netpark-test" }
        }
    }

    test("S1: a reporter that throws does not harm the loop") {
        val loop = EventLoop.open("netpark-test", true, Bindings.best, PollerKind.EPOLL.factory) { _, _ -> error("reporter") }
        loop.use {
            loop.execute { error("task") }
            loop.submit<Int> { 42 }.result() shouldBe 42
        }
    }

    for (kind in PollerKind.all) {
        test("$kind, M6: however tasks and sleep meet, every task runs") {
            LoopRig(pollers = kind.factory).use { rig ->
                val ran = AtomicInteger()
                val producers = List(3) { producer ->
                    async {
                        repeat(20_000) {
                            rig.loop.execute { ran.incrementAndGet() }
                            if (it % (10 + producer) == 0) Thread.yield()
                        }
                    }
                }
                producers.forEach { it.result() }
                eventually { ran.get() shouldBe 60_000 }
            }
        }

        test("$kind, M6: a single task wakes a loop that is just going to sleep") {
            LoopRig(pollers = kind.factory).use { rig ->
                val ran = AtomicInteger()
                val over = fromNow(2.seconds)
                var round = 0
                while (System.nanoTime() - over < 0) {
                    rig.loop.execute { ran.incrementAndGet() }
                    round++
                    val late = fromNow(SOON)
                    // Spins, because a thread that has to be woken comes too late to meet the loop falling asleep.
                    while (ran.get() < round) check(System.nanoTime() - late < 0) { "task $round was lost" }
                    val next = System.nanoTime() + round % 300 * 10
                    while (System.nanoTime() - next < 0) continue
                }
            }
        }
    }

    test("a busy loop is not woken: tasks cost no system call") {
        val calls = CallCounter()
        LoopRig(calls.libc).use { rig ->
            val block = CountDownLatch(1)
            val ran = AtomicInteger()
            rig.loop.execute { block.await() }
            eventually { calls["write"] shouldBeLessThanOrEqual 1 }
            val writes = calls["write"]
            repeat(10_000) { rig.loop.execute { ran.incrementAndGet() } }
            calls["write"] - writes shouldBeLessThanOrEqual 1
            block.countDown()
            eventually { ran.get() shouldBe 10_000 }
            calls["write"] - writes shouldBeLessThan 3
        }
    }

    test("a flood of tasks from inside keeps neither readiness nor timers waiting") {
        LoopRig().use { rig ->
            val stop = CompletableFuture<Boolean>()
            fun flood() {
                if (!stop.isDone) repeat(2) { if (it == 0) rig.loop.execute(::flood) }
            }
            repeat(2_000) { rig.loop.execute(::flood) }
            rig.loop.schedule({ stop.complete(true) }, 10, TimeUnit.MILLISECONDS)
            stop.result() shouldBe true
        }
    }

    test("S9: interrupting the loop's thread changes nothing") {
        LoopRig().use { rig ->
            val thread = rig.loop.submit<Thread> { Thread.currentThread() }.result()
            repeat(100) {
                thread.interrupt()
                rig.loop.submit<Int> { it }.result() shouldBe it
            }
            rig.loop.schedule<Int>({ 7 }, 5, TimeUnit.MILLISECONDS).result() shouldBe 7
        }
    }

    test("a poller that fails for a while is reported once, and the loop goes on; one that fails for good ends it") {
        val sick = object : LibC by Bindings.best {
            @Volatile
            var failing = 0 // so many waits

            override fun epollWait(epfd: Int, events: Long, capacity: Int, timeoutMillis: Int): Int =
                if (failing > 0) (-Errno.ENOMEM).also { failing-- } else Bindings.best.epollWait(epfd, events, capacity, timeoutMillis)
        }
        LoopRig(sick).use { rig ->
            rig.loop.submit<Int> { 1 }.result()
            sick.failing = 5
            rig.loop.execute {}
            eventually { rig.reporter.reports shouldHaveSize 1 }
            eventually { sick.failing shouldBe 0 }
            rig.loop.submit<Int> { 2 }.result() shouldBe 2
            sick.failing = Int.MAX_VALUE
            rig.loop.execute {}
            rig.loop.awaitTermination(20, TimeUnit.SECONDS) shouldBe true
            rig.reporter.drain().last().what shouldContain "closes"
        }
    }
})
