package io.netpark.simulation.contract

import io.kotest.matchers.comparables.shouldBeBetween
import io.kotest.matchers.longs.shouldBeGreaterThanOrEqual
import io.kotest.matchers.shouldBe
import io.netpark.core.linux.ITimerSpec
import io.netpark.core.linux.Linux
import io.netpark.core.memory.NativeMemory
import io.netpark.core.sys.Errno
import java.time.Duration

private const val TFD_TIMER_ABSTIME = 1

private fun Caller.timer(flags: Int = Linux.TFD_NONBLOCK): Int =
    own(libc.timerfdCreate(Linux.CLOCK_MONOTONIC, flags or Linux.TFD_CLOEXEC))

private fun Caller.times(first: Duration, period: Duration = Duration.ZERO): NativeMemory =
    memory(ITimerSpec.SIZE).also { ITimerSpec.write(it.buffer(), 0, first, period) }

private fun Caller.set(fd: Int, first: Duration, period: Duration = Duration.ZERO, flags: Int = 0) {
    libc.timerfdSettime(fd, flags, times(first, period).address(), 0) shouldBe 0
}

/** timerfd_create(2). */
class TimerFdSpec : ContractSpec({
    contract("a timer that is not set never expires") {
        val fd = timer()
        poll(fd, Linux.EPOLLIN) shouldBe 0
        read(fd, 8) shouldFailWith Errno.EAGAIN
    }

    contract("it expires once, is readable until it is read, and says how often it has expired") {
        val fd = timer()
        set(fd, Duration.ofMillis(1))
        awaitReadable(fd) shouldBe Linux.EPOLLIN
        poll(fd, Linux.EPOLLIN) shouldBe Linux.EPOLLIN
        readNumber(fd) shouldBe 1
        poll(fd, Linux.EPOLLIN) shouldBe 0
        read(fd, 8) shouldFailWith Errno.EAGAIN
    }

    contract("with a period it expires again and again") {
        val fd = timer()
        set(fd, Duration.ofNanos(1), Duration.ofMillis(1))
        repeat(3) {
            awaitReadable(fd)
            readNumber(fd) shouldBeGreaterThanOrEqual 1
        }
    }

    contract("what was not read is counted together") {
        val (fd, later) = timer() to timer()
        set(fd, Duration.ofMillis(1), Duration.ofMillis(1))
        set(later, Duration.ofMillis(20))
        awaitReadable(later)
        readNumber(fd) shouldBeGreaterThanOrEqual 20
    }

    contract("setting it says what was left of the setting before, and its period") {
        val fd = timer()
        val old = memory(ITimerSpec.SIZE)
        libc.timerfdSettime(fd, 0, times(Duration.ofSeconds(100), Duration.ofSeconds(5, 7)).address(), old.address()) shouldBe 0
        List(4) { old.buffer().getLong(8 * it) } shouldBe listOf(0L, 0L, 0L, 0L)
        libc.timerfdSettime(fd, 0, times(Duration.ZERO).address(), old.address()) shouldBe 0
        List(2) { old.buffer().getLong(8 * it) } shouldBe listOf(5L, 7L)
        old.buffer().getLong(16).shouldBeBetween(60L, 100L)
        libc.timerfdSettime(fd, 0, times(Duration.ZERO).address(), old.address()) shouldBe 0
        List(4) { old.buffer().getLong(8 * it) } shouldBe listOf(0L, 0L, 0L, 0L)
    }

    contract("setting it anew forgets what has expired") {
        val fd = timer()
        set(fd, Duration.ofMillis(1))
        awaitReadable(fd)
        set(fd, Duration.ofSeconds(100))
        poll(fd, Linux.EPOLLIN) shouldBe 0
        read(fd, 8) shouldFailWith Errno.EAGAIN
    }

    contract("a first time of 0 disarms it, whatever the period") {
        val fd = timer()
        set(fd, Duration.ofMillis(1), Duration.ofMillis(1))
        set(fd, Duration.ZERO, Duration.ofMillis(1))
        val other = timer()
        set(other, Duration.ofMillis(5))
        awaitReadable(other)
        poll(fd, Linux.EPOLLIN) shouldBe 0
    }

    contract("an instant that is over expires at once") {
        val fd = timer()
        set(fd, Duration.ofNanos(1), flags = TFD_TIMER_ABSTIME)
        awaitReadable(fd)
        readNumber(fd) shouldBe 1
    }

    contract("epoll reports it, level-triggered until it is read") {
        val (epfd, fd) = epoll() to timer()
        watch(epfd, fd, Linux.EPOLLIN)
        look(epfd) shouldBe emptyMap()
        set(fd, Duration.ofMillis(1))
        await(epfd) shouldBe mapOf(fd.toLong() to Linux.EPOLLIN)
        look(epfd) shouldBe mapOf(fd.toLong() to Linux.EPOLLIN)
        readNumber(fd) shouldBe 1
        look(epfd) shouldBe emptyMap()
    }

    contract("what is wrong is EINVAL: clocks, flags, times, lengths, writes, other files") {
        libc.timerfdCreate(-1, 0) shouldFailWith Errno.EINVAL
        libc.timerfdCreate(Linux.CLOCK_MONOTONIC, 1) shouldFailWith Errno.EINVAL
        val fd = timer()
        val bad = memory(ITimerSpec.SIZE).apply { buffer().putLong(24, 1_000_000_000) }
        libc.timerfdSettime(fd, 0, bad.address(), 0) shouldFailWith Errno.EINVAL
        bad.buffer().putLong(24, 0).putLong(16, -1)
        libc.timerfdSettime(fd, 0, bad.address(), 0) shouldFailWith Errno.EINVAL
        libc.timerfdSettime(fd, -1, times(Duration.ZERO).address(), 0) shouldFailWith Errno.EINVAL
        read(fd, 7) shouldFailWith Errno.EINVAL
        write(fd, 8) shouldFailWith Errno.EINVAL
        libc.timerfdSettime(eventfd(), 0, times(Duration.ZERO).address(), 0) shouldFailWith Errno.EINVAL
        libc.timerfdSettime(-1, 0, times(Duration.ZERO).address(), 0) shouldFailWith Errno.EBADF
    }
})
