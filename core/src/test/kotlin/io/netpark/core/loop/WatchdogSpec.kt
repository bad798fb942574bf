package io.netpark.core.loop

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.collections.shouldHaveSize
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.TestReactor
import io.netpark.core.testing.eventually
import java.time.Duration
import java.util.concurrent.ConcurrentLinkedQueue
import java.util.concurrent.CountDownLatch

class WatchdogSpec : NetparkSpec(body = {
    fun watched(observer: Observer = object : Observer {}) =
        TestReactor(loops = 2, configure = { watchdog(Duration.ofMillis(100)).observer(observer).name("kennel") })

    test("code that holds a loop is reported once an episode, with its stack, and the end of it is told") {
        val told = ConcurrentLinkedQueue<String>()
        val observer = object : Observer {
            override fun held(loop: EventLoop, atLeast: Duration, where: Throwable) { told += "held $loop" }
            override fun released(loop: EventLoop, about: Duration) { told += "released $loop" }
        }
        watched(observer).use { reactor ->
            repeat(2) { episode ->
                val release = CountDownLatch(1)
                reactor.group.loops()[1].execute { holdTheLoop(release) }
                eventually { reactor.reporter.reports shouldHaveSize 1 }
                Thread.sleep(250) // time for a second report, if there were one
                val report = reactor.reporter.drain().single()
                report.what shouldContain "kennel-loop-1 has been held for"
                report.cause.stackTrace.map { it.methodName }.contains("holdTheLoop") shouldBe true
                release.countDown()
                eventually { told shouldHaveSize 2 * (episode + 1) }
            }
            told.toSet() shouldBe setOf("held kennel-loop-1", "released kennel-loop-1")
        }
    }

    test("loops that wait, and loops that are busy with many short things, are left in peace") {
        watched().use { reactor ->
            val end = System.nanoTime() + 600_000_000
            val loop = reactor.group.first()
            val done = CountDownLatch(1)
            fun again() {
                if (System.nanoTime() - end < 0) loop.execute(::again) else done.countDown()
            }
            loop.execute(::again)
            done.await()
            reactor.reporter.shouldBeSilent()
        }
    }

    test("a watchdog may be as patient as can be") {
        TestReactor(configure = { watchdog(Duration.ofSeconds(Long.MAX_VALUE)).name("patient") }).use { reactor ->
            reactor.loop.submit {}.get()
        }
        eventually { Thread.getAllStackTraces().keys.count { it.name.startsWith("patient") } shouldBe 0 }
    }

    test("its thread ends with the group") {
        fun dogs() = Thread.getAllStackTraces().keys.count { it.name == "short-lived-watchdog" }
        TestReactor(configure = { watchdog(Duration.ofMinutes(1)).name("short-lived") }).use { dogs() shouldBe 1 }
        eventually { dogs() shouldBe 0 }
        shouldThrow<IllegalArgumentException> { EventLoopGroup.builder().watchdog(Duration.ZERO) }
    }
})

private fun holdTheLoop(release: CountDownLatch) = release.await()
