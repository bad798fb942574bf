package io.netpark.simulation.contract

import io.kotest.matchers.collections.shouldBeIn
import io.kotest.matchers.longs.shouldBeGreaterThanOrEqual
import io.kotest.matchers.shouldBe
import io.netpark.core.linux.EpollEvent
import io.netpark.core.linux.Linux
import io.netpark.core.linux.Timespec
import io.netpark.core.sys.Errno

private const val IN = Linux.EPOLLIN
private const val OUT = Linux.EPOLLOUT

/** errno.h; not among those that Netpark knows. */
private const val ELOOP = 40

/** epoll(7), level-triggered, and what is registered. */
class EpollSpec : ContractSpec({
    contract("what is ready is reported by every wait, until it is not") {
        val (epfd, fd) = epoll() to eventfd()
        watch(epfd, fd, IN)
        look(epfd) shouldBe emptyMap()
        writeNumber(fd, 1)
        repeat(3) { look(epfd) shouldBe mapOf(fd.toLong() to IN) }
        readNumber(fd)
        look(epfd) shouldBe emptyMap()
    }

    contract("what is ready already is reported after it was added") {
        val (epfd, fd) = epoll() to eventfd(1)
        watch(epfd, fd, IN or OUT)
        look(epfd) shouldBe mapOf(fd.toLong() to (IN or OUT))
    }

    contract("only what was asked for is reported, and always ERR and HUP") {
        val epfd = epoll()
        val (left, right) = socketPair()
        val (reader, writer) = pipe()
        watch(epfd, left, OUT)
        watch(epfd, reader, 0)
        watch(epfd, writer, 0)
        send(right, "x") shouldBe 1
        look(epfd) shouldBe mapOf(left.toLong() to OUT)
        libc.shutdown(right, Linux.SHUT_WR) shouldBe 0
        look(epfd) shouldBe mapOf(left.toLong() to OUT)
        modify(epfd, left, OUT or Linux.EPOLLRDHUP)
        look(epfd) shouldBe mapOf(left.toLong() to (OUT or Linux.EPOLLRDHUP))
        close(reader)
        look(epfd)[writer.toLong()] shouldBe Linux.EPOLLERR
        close(right)
        look(epfd)[left.toLong()] shouldBe (OUT or Linux.EPOLLRDHUP or Linux.EPOLLHUP)
    }

    contract("a token is 64 bits that come back as they are, and MOD changes it with the events") {
        val (epfd, fd) = epoll() to eventfd(1)
        watch(epfd, fd, IN, -0x0123_4567_89AB_CDEFL)
        look(epfd) shouldBe mapOf(-0x0123_4567_89AB_CDEFL to IN)
        modify(epfd, fd, OUT, Long.MAX_VALUE)
        look(epfd) shouldBe mapOf(Long.MAX_VALUE to OUT)
        modify(epfd, fd, 0, 1)
        look(epfd) shouldBe emptyMap()
    }

    contract("a wait with less room reports the others the next time") {
        val epfd = epoll()
        val ready = List(4) { eventfd(1).also { fd -> watch(epfd, fd, IN) }.toLong() }
        val seen = look(epfd, capacity = 3).keys + look(epfd, capacity = 3).keys
        seen shouldBe ready.toSet()
    }

    contract("DEL takes it away") {
        val (epfd, fd) = epoll() to eventfd(1)
        watch(epfd, fd, IN)
        unwatch(epfd, fd)
        look(epfd) shouldBe emptyMap()
        libc.epollCtl(epfd, Linux.EPOLL_CTL_DEL, fd, 0) shouldFailWith Errno.ENOENT
        watch(epfd, fd, IN)
        look(epfd).keys shouldBe setOf(fd.toLong())
    }

    contract("a descriptor is registered once in an epoll instance, and can be in several") {
        val (first, second) = epoll() to epoll()
        val fd = eventfd(1)
        watch(first, fd, IN)
        control(first, Linux.EPOLL_CTL_ADD, fd, OUT) shouldFailWith Errno.EEXIST
        watch(second, fd, OUT)
        look(first) shouldBe mapOf(fd.toLong() to IN)
        look(second) shouldBe mapOf(fd.toLong() to OUT)
    }

    contract("two numbers of one open file are two registrations") {
        val (epfd, fd) = epoll() to eventfd(1)
        val copy = duplicate(fd)
        watch(epfd, fd, IN)
        watch(epfd, copy, OUT)
        look(epfd) shouldBe mapOf(fd.toLong() to IN, copy.toLong() to OUT)
        unwatch(epfd, fd)
        look(epfd) shouldBe mapOf(copy.toLong() to OUT)
    }

    contract("closing the only number of a file removes its registration") {
        val (epfd, fd) = epoll() to eventfd(1)
        watch(epfd, fd, IN, 7)
        close(fd)
        look(epfd) shouldBe emptyMap()
    }

    contract("closing a number of a file that has others does not: it is still reported, and out of reach") {
        val (epfd, fd) = epoll() to own(libc.fcntl(eventfd(), Linux.F_DUPFD_CLOEXEC, 700))
        watch(epfd, fd, IN, 7)
        val copy = duplicate(fd)
        close(fd)
        writeNumber(copy, 1)
        look(epfd) shouldBe mapOf(7L to IN)
        libc.epollCtl(epfd, Linux.EPOLL_CTL_DEL, fd, 0) shouldFailWith Errno.EBADF
        libc.epollCtl(epfd, Linux.EPOLL_CTL_DEL, copy, 0) shouldFailWith Errno.ENOENT
        readNumber(copy)
        look(epfd) shouldBe emptyMap()
    }

    contract("the number of a registration that is left over can be registered for another file") {
        val epfd = epoll()
        val original = eventfd(1)
        val fd = own(libc.fcntl(original, Linux.F_DUPFD_CLOEXEC, 700))
        watch(epfd, fd, IN, 1)
        close(fd)
        own(libc.fcntl(eventfd(1), Linux.F_DUPFD_CLOEXEC, 700)) shouldBe fd
        libc.epollCtl(epfd, Linux.EPOLL_CTL_DEL, fd, 0) shouldFailWith Errno.ENOENT
        watch(epfd, fd, IN, 2)
        look(epfd) shouldBe mapOf(1L to IN, 2L to IN)
        unwatch(epfd, fd)
        look(epfd) shouldBe mapOf(1L to IN)
        close(original)
        look(epfd) shouldBe emptyMap()
    }

    contract("an epoll instance has IN itself, for another and for poll, while it has something to report") {
        val (outer, inner) = epoll() to epoll()
        val fd = eventfd()
        watch(inner, fd, IN)
        watch(outer, inner, IN)
        poll(inner, IN) shouldBe 0
        look(outer) shouldBe emptyMap()
        writeNumber(fd, 1)
        poll(inner, IN) shouldBe IN
        look(outer) shouldBe mapOf(inner.toLong() to IN)
        readNumber(fd)
        poll(inner, IN) shouldBe 0
        look(outer) shouldBe emptyMap()
    }

    contract("epoll instances that watch each other are refused") {
        val (first, second) = epoll() to epoll()
        watch(first, second, IN)
        control(second, Linux.EPOLL_CTL_ADD, first, IN) shouldFailWith ELOOP
        control(first, Linux.EPOLL_CTL_ADD, first, IN) shouldFailWith Errno.EINVAL
    }

    contract("a wait that finds nothing ends when its time is over, not before") {
        val epfd = epoll()
        val begun = System.nanoTime()
        look(epfd, timeoutMillis = 20) shouldBe emptyMap()
        System.nanoTime() - begun shouldBeGreaterThanOrEqual 20_000_000
    }

    contract("epoll_pwait2 waits for nanoseconds, if there is such a call") {
        val (epfd, fd) = epoll() to eventfd()
        watch(epfd, fd, IN)
        val events = memory(EpollEvent.SIZE)
        val time = memory(Timespec.SIZE).also { Timespec.write(it.buffer(), 0, 1_500_000) }
        val begun = System.nanoTime()
        val nothing = libc.epollPwait2(epfd, events.address(), 1, time.address())
        nothing shouldBeIn listOf(0, -Errno.ENOSYS)
        if (nothing == 0) {
            System.nanoTime() - begun shouldBeGreaterThanOrEqual 1_500_000
            writeNumber(fd, 1)
            libc.epollPwait2(epfd, events.address(), 1, time.address()) shouldBe 1
            EpollEvent.data(events.buffer(), 0) shouldBe fd.toLong()
            libc.epollPwait2(epfd, events.address(), 0, time.address()) shouldFailWith Errno.EINVAL
        }
    }

    contract("what is wrong has its errno") {
        val (epfd, fd) = epoll() to eventfd()
        val events = memory(EpollEvent.SIZE).address()
        libc.epollCreate(-1) shouldFailWith Errno.EINVAL
        control(-1, Linux.EPOLL_CTL_ADD, fd, IN) shouldFailWith Errno.EBADF
        control(epfd, Linux.EPOLL_CTL_ADD, -1, IN) shouldFailWith Errno.EBADF
        control(fd, Linux.EPOLL_CTL_ADD, epfd, IN) shouldFailWith Errno.EINVAL
        control(epfd, Linux.EPOLL_CTL_MOD, fd, IN) shouldFailWith Errno.ENOENT
        control(epfd, 99, fd, IN) shouldFailWith Errno.EINVAL
        libc.epollWait(-1, events, 1, 0) shouldFailWith Errno.EBADF
        libc.epollWait(fd, events, 1, 0) shouldFailWith Errno.EINVAL
        libc.epollWait(epfd, events, 0, 0) shouldFailWith Errno.EINVAL
        read(epfd) shouldFailWith Errno.EINVAL
        val file = own(libc.open(name(kernel.file("plain", ByteArray(1))), Linux.O_RDONLY or Linux.O_CLOEXEC))
        control(epfd, Linux.EPOLL_CTL_ADD, file, IN) shouldFailWith Errno.EPERM
    }
})
