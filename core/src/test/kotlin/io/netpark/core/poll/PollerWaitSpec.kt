package io.netpark.core.poll

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.assertions.withClue
import io.kotest.matchers.collections.shouldBeEmpty
import io.kotest.matchers.collections.shouldContain
import io.kotest.matchers.longs.shouldBeGreaterThanOrEqual
import io.kotest.matchers.longs.shouldBeLessThan
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.netpark.core.sys.Errno
import io.netpark.core.sys.LibC
import io.netpark.core.sys.NetparkException
import io.netpark.core.testing.Bindings
import io.netpark.core.testing.CallCounter
import io.netpark.core.testing.Flavour
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.PollerKind
import io.netpark.core.testing.async
import io.netpark.core.testing.result
import java.util.concurrent.CountDownLatch
import kotlin.system.measureNanoTime

/** Waiting, waking and closing, over every binding and poller. */
class PollerWaitSpec : NetparkSpec(body = {
    for (flavour in Flavour.all) {
        context("$flavour") {
            suspend fun poller(name: String, body: PollerRig.() -> Unit) = test(name) { PollerRig(flavour).use(body) }

            poller("R9: a wait without events is never early, down to a nanosecond") {
                for (timeout in listOf(1L, 50_000L, 999_999L, 1_000_001L, 1_500_000L, 19_999_999L, 20_000_001L)) {
                    repeat(5) {
                        withClue("$timeout ns") { measureNanoTime { poller.await(timeout) } shouldBeGreaterThanOrEqual timeout }
                    }
                }
            }

            poller("a wait of zero only looks") {
                measureNanoTime { repeat(100) { poller.await(0) } } shouldBeLessThan 5 * SECOND
            }

            poller("R9: a huge timeout is clamped, not wrapped: it waits until woken") {
                for (timeout in listOf(-1L, Long.MAX_VALUE, Long.MAX_VALUE - 999_999, (1L shl 32) * 1_000_000 + 1)) {
                    val waiter = async { poller.await(timeout) }
                    Thread.sleep(20)
                    waiter.isDone shouldBe false
                    poller.wakeup()
                    waiter.result()
                }
            }

            poller("a wake-up ends the wait that goes on, or else the next, and only that") {
                poller.wakeup()
                poller.await(-1)
                (0 until poller.await(0)).map { poller.pollable(it) }.filterNotNull().shouldBeEmpty()
                measureNanoTime { poller.await(2_000_000) } shouldBeGreaterThanOrEqual 2_000_000
                repeat(50) {
                    val waiter = async { poller.await(-1) }
                    repeat(it) { Thread.onSpinWait() }
                    poller.wakeup()
                    waiter.result()
                }
            }

            poller("a registration, or its change, takes effect in a wait that goes on") {
                val fd = eventfd(1)
                val added = async { await(10 * SECOND) }
                Thread.sleep(10)
                val watched = watch(fd, Interest.READ or Interest.ONE_SHOT)
                (added.result().ifEmpty { await(SECOND) }).map { it.pollable } shouldContain watched

                val modified = async { await(10 * SECOND) }
                Thread.sleep(10)
                poller.modify(fd, watched, Interest.READ)
                (modified.result().ifEmpty { await(SECOND) }).map { it.pollable } shouldContain watched
            }

            poller("many threads register and remove while one waits") {
                val churn = List(3) {
                    async {
                        val fd = libc.eventfd(1, 0)
                        repeat(2_000) {
                            val watched = RecordingPollable("churn")
                            poller.add(fd, watched, Interest.READ)
                            poller.remove(fd, watched)
                        }
                        libc.close(fd)
                    }
                }
                val fd = eventfd(1)
                val watched = watch(fd, Interest.READ)
                while (churn.any { !it.isDone }) look(watched, timeoutNanos = SECOND)
                churn.forEach { it.result() }
                look(watched, timeoutNanos = SECOND) shouldBe Readiness.READABLE
                poller.size() shouldBe 1
            }

            poller("S10: a garbage collection goes on during a wait") {
                val started = CountDownLatch(1)
                val waiter = async {
                    started.countDown()
                    poller.await(-1)
                }
                started.await()
                repeat(3) {
                    Thread.sleep(5)
                    measureNanoTime { System.gc() } shouldBeLessThan 10 * SECOND
                }
                waiter.isDone shouldBe false
                poller.wakeup()
                waiter.result()
            }

            poller("after closing, adding says closed; waking, removing and closing again do nothing") {
                val fd = eventfd(1)
                val watched = watch(fd, Interest.READ)
                poller.close()
                poller.close()
                shouldThrow<NetparkException.Closed> { watch(eventfd(), Interest.READ) }.message!! shouldContain "closed"
                poller.size() shouldBe 1
                poller.remove(fd, watched)
                poller.size() shouldBe 0
            }

            poller("a wake-up after closing does not reach whoever has the number since") {
                poller.close()
                val reused = List(8) { eventfd() }
                poller.wakeup()
                reused.forEach { shouldBeEmpty(it) }
            }
        }
    }

    test("R9: timeouts in milliseconds round up and clamp") {
        val expected = mapOf(
            -1L to -1, Long.MIN_VALUE to -1, 0L to 0, 1L to 1, 999_999L to 1, 1_000_000L to 1, 1_000_001L to 2,
            Long.MAX_VALUE to Int.MAX_VALUE,
        )
        for ((nanos, millis) in expected) {
            withClue("$nanos ns") { EpollPoller.kernelTimeout(nanos) shouldBe millis }
        }
    }

    test("a kernel without epoll_pwait2, or a sandbox that forbids it, is asked once, and served in whole milliseconds") {
        for (errno in listOf(Errno.ENOSYS, Errno.EPERM, Errno.EACCES, Errno.EINVAL, Errno.EOPNOTSUPP)) {
            val old = object : LibC by Bindings.best {
                override fun epollPwait2(epfd: Int, events: Long, capacity: Int, timespec: Long) = -errno
            }
            val calls = CallCounter(old)
            PollerRig(calls.libc, PollerKind.EPOLL.factory).use { rig ->
                repeat(3) { measureNanoTime { rig.poller.await(100_000) } shouldBeGreaterThanOrEqual 100_000 }
                calls["epollPwait2"] shouldBe 1
                calls["epollWait"] shouldBe 3
            }
        }
    }

    test("opening a poller fails cleanly when descriptors run out") {
        for (kind in PollerKind.all) {
            val none = object : LibC by Bindings.best {
                override fun eventfd(initial: Int, flags: Int) = -Errno.EMFILE
            }
            shouldThrow<NetparkException.TooManyDescriptors> { kind.factory.open(none) }
        }
    }
})
