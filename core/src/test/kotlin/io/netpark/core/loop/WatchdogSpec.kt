package io.netpark.core.loop

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.collections.shouldHaveSize
import io.kotest.matchers.shouldBe
import io.kotest.matchers.shouldNotBe
import io.kotest.matchers.string.shouldContain
import io.netpark.core.sys.Clock
import io.netpark.core.sys.Due
import io.netpark.core.testing.ChildJvm
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.TestReactor
import io.netpark.core.testing.eventually
import java.time.Duration
import java.util.concurrent.ConcurrentLinkedQueue
import java.util.concurrent.CountDownLatch
import java.util.concurrent.atomic.AtomicBoolean

class WatchdogSpec : NetparkSpec(body = {
    test("code that holds a loop is reported once an episode, with its stack, and the end of it is told") {
        val told = ConcurrentLinkedQueue<String>()
        val observer = object : Observer {
            override fun held(loop: EventLoop, atLeast: Duration, where: Throwable) { told += "held $loop" }
            override fun released(loop: EventLoop, about: Duration) { told += "released $loop" }
        }
        TestReactor(loops = 2, configure = { watchdog(Duration.ofMillis(500)).observer(observer).name("kennel") }).use { reactor ->
            repeat(2) { episode ->
                val release = CountDownLatch(1)
                reactor.group.loops()[1].execute { holdTheLoop(release) }
                eventually { reactor.reporter.reports shouldHaveSize 1 }
                if (episode == 0) Thread.sleep(1250) // time for a second report, if there were one
                val report = reactor.reporter.drain().single()
                report.what shouldContain "kennel-loop-1 has been held for"
                report.what shouldContain "this is said after 500 ms, which EventLoopGroup.Builder.watchdog changes"
                report.cause.stackTrace.map { it.methodName }.contains("holdTheLoop") shouldBe true
                release.countDown()
                eventually { told shouldHaveSize 2 * (episode + 1) }
            }
            told.toSet() shouldBe setOf("held kennel-loop-1", "released kennel-loop-1")
        }
    }

    test("loops that wait, and loops that are busy with many short things, are left in peace") {
        TestReactor(loops = 2, configure = { watchdog(Due.INFINITE) }).use { reactor ->
            val (busy, waiting) = reactor.group.loops()
            val over = AtomicBoolean()
            fun again() {
                if (!over.get()) busy.execute(::again)
            }
            busy.execute(::again)
            eventually { waiting.isWaiting shouldBe true }
            // By hand: a loop whose thread gets no processor for a while is held as well.
            val watchdog = Watchdog("by hand", Clock.SYSTEM, 1000_000_000, null) { reactor.group.loops() }
            var now = System.nanoTime()
            repeat(12) { // three times what it takes to report a loop that is held
                val actions = busy.actions()
                eventually { busy.actions() shouldNotBe actions }
                now += 250_000_000
                watchdog.look(now)
            }
            over.set(true)
            reactor.reporter.shouldBeSilent()
        }
    }

    test("a group has one unless it wants none, and its thread ends with the group") {
        fun dogs() = Thread.getAllStackTraces().keys.count { it.name == "short-lived-watchdog" }
        TestReactor(configure = { name("short-lived") }).use { dogs() shouldBe 1 }
        eventually { dogs() shouldBe 0 }
        for (never in listOf(Due.INFINITE, Duration.ofSeconds(Long.MAX_VALUE))) {
            TestReactor(configure = { watchdog(never).name("short-lived") }).use { dogs() shouldBe 0 }
        }
        for (wrong in listOf(Duration.ZERO, Duration.ofMillis(-1))) {
            shouldThrow<IllegalArgumentException> { EventLoopGroup.builder().watchdog(wrong) }.message!! shouldContain "Due.INFINITE"
        }
    }

    test("what the running action has said of itself is named, and what an earlier one has said is not") {
        TestReactor(configure = { watchdog(Due.INFINITE) }).use { reactor ->
            for ((said, named) in listOf("a long tale" to "by \"a long tale\", and", null to "by one callback, task or coroutine, and")) {
                val release = CountDownLatch(1)
                val held = CountDownLatch(1)
                reactor.loop.execute { if (said == null) reactor.loop.setOccupation("an earlier tale") }
                reactor.loop.execute {
                    if (said != null) reactor.loop.setOccupation(said)
                    held.countDown()
                    holdTheLoop(release)
                }
                held.await()
                try {
                    var now = System.nanoTime()
                    val watchdog = Watchdog("by hand", Clock.SYSTEM, 1000_000_000, null) { listOf(reactor.loop) }
                    repeat(6) {
                        watchdog.look(now)
                        now += 250_000_000
                    }
                    reactor.reporter.drain().single().what shouldContain named
                } finally {
                    release.countDown()
                }
            }
        }
    }

    test("time in which it could not look is not the loop's fault") {
        TestReactor(configure = { watchdog(Due.INFINITE) }).use { reactor ->
            val release = CountDownLatch(1)
            val held = CountDownLatch(1)
            reactor.loop.execute {
                held.countDown()
                holdTheLoop(release)
            }
            held.await()
            try {
                var now = System.nanoTime()
                val watchdog = Watchdog("by hand", Clock.SYSTEM, 1000_000_000, null) { listOf(reactor.loop) }
                fun lookAfter(millis: Long) {
                    now += millis * 1_000_000
                    watchdog.look(now)
                }
                lookAfter(250) // sees it for the first time
                repeat(3) { lookAfter(250) }
                repeat(5) { lookAfter(3600_000) } // the machine was suspended, again and again
                reactor.reporter.shouldBeSilent()
                lookAfter(251)
                reactor.reporter.drain().single().what shouldContain "has been held for 1001 ms"
                lookAfter(250)
                reactor.reporter.shouldBeSilent()
            } finally {
                release.countDown()
            }
        }
    }

    test("a process that was stopped and goes on reports nothing") {
        ChildJvm("io.netpark.core.loop.StoppedProbeKt").run() shouldContain "stood still"
    }
})

private fun holdTheLoop(release: CountDownLatch) = release.await()
