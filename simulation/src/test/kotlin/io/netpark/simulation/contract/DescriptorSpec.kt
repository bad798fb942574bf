package io.netpark.simulation.contract

import io.kotest.matchers.ints.shouldBeGreaterThanOrEqual
import io.kotest.matchers.shouldBe
import io.netpark.core.linux.Linux
import io.netpark.core.sys.Errno

/** A number that no other thread of this process gets by chance. */
private const val HIGH = 700

private const val LIMIT = 4096

/** fcntl(2) and close(2): numbers, and the open files behind them. */
class DescriptorSpec : ContractSpec({
    contract("a descriptor is duplicated to the lowest free number from a given one on") {
        val fd = eventfd()
        val first = own(libc.fcntl(fd, Linux.F_DUPFD_CLOEXEC, HIGH))
        val second = own(libc.fcntl(fd, Linux.F_DUPFD_CLOEXEC, HIGH))
        first shouldBeGreaterThanOrEqual HIGH
        second shouldBe first + 1
        close(first)
        own(libc.fcntl(fd, Linux.F_DUPFD_CLOEXEC, HIGH)) shouldBe first
    }

    contract("duplicates share the open file: what one reads, the other does not find") {
        val fd = eventfd(3)
        val copy = duplicate(fd)
        readNumber(copy) shouldBe 3
        read(fd, 8) shouldFailWith Errno.EAGAIN
        writeNumber(fd, 4) shouldBe 8
        readNumber(copy) shouldBe 4
    }

    contract("O_NONBLOCK is of the open file, FD_CLOEXEC of the number") {
        val fd = eventfd(flags = 0)
        val copy = duplicate(fd)
        libc.fcntl(fd, Linux.F_SETFL, Linux.O_NONBLOCK) shouldBe 0
        (statusFlags(copy) and Linux.O_NONBLOCK) shouldBe Linux.O_NONBLOCK
        libc.fcntl(fd, Linux.F_SETFD, 0) shouldBe 0
        libc.fcntl(fd, Linux.F_GETFD, 0) shouldBe 0
        libc.fcntl(copy, Linux.F_GETFD, 0) shouldBe Linux.FD_CLOEXEC
        libc.fcntl(copy, Linux.F_SETFL, 0) shouldBe 0
        (statusFlags(fd) and Linux.O_NONBLOCK) shouldBe 0
    }

    contract("every call that makes a descriptor takes CLOEXEC and NONBLOCK, and sets neither by itself") {
        val plain = listOf(
            own(libc.eventfd(0, 0)), own(libc.timerfdCreate(Linux.CLOCK_MONOTONIC, 0)),
            own(libc.socket(Linux.AF_INET, Linux.SOCK_STREAM, 0)), own(libc.socket(Linux.AF_UNIX, Linux.SOCK_DGRAM, 0)),
            pair { libc.pipe2(it, 0) }.first, pair { libc.socketpair(Linux.AF_UNIX, Linux.SOCK_STREAM, 0, it) }.second,
        )
        val flags = Linux.O_CLOEXEC or Linux.O_NONBLOCK
        val flagged = listOf(
            own(libc.eventfd(0, flags)), own(libc.timerfdCreate(Linux.CLOCK_MONOTONIC, flags)),
            own(libc.socket(Linux.AF_INET, Linux.SOCK_STREAM or flags, 0)), own(libc.socket(Linux.AF_UNIX, Linux.SOCK_DGRAM or flags, 0)),
            pair { libc.pipe2(it, flags) }.first, pair { libc.socketpair(Linux.AF_UNIX, Linux.SOCK_STREAM or flags, 0, it) }.second,
        )
        for (fd in plain) {
            libc.fcntl(fd, Linux.F_GETFD, 0) shouldBe 0
            (statusFlags(fd) and Linux.O_NONBLOCK) shouldBe 0
        }
        for (fd in flagged) {
            libc.fcntl(fd, Linux.F_GETFD, 0) shouldBe Linux.FD_CLOEXEC
            (statusFlags(fd) and Linux.O_NONBLOCK) shouldBe Linux.O_NONBLOCK
        }
        libc.fcntl(own(libc.epollCreate(0)), Linux.F_GETFD, 0) shouldBe 0
        libc.fcntl(epoll(), Linux.F_GETFD, 0) shouldBe Linux.FD_CLOEXEC
    }

    contract("F_GETFL has the access mode, which F_SETFL leaves alone") {
        val (reader, writer) = pipe(0)
        val mode = 3 // O_ACCMODE
        (statusFlags(reader) and mode) shouldBe 0
        (statusFlags(writer) and mode) shouldBe 1
        libc.fcntl(reader, Linux.F_SETFL, Linux.O_NONBLOCK or 1) shouldBe 0
        statusFlags(reader) and (mode or Linux.O_NONBLOCK) shouldBe Linux.O_NONBLOCK
        (statusFlags(eventfd()) and mode) shouldBe 2
    }

    contract("an open file is closed with its last number") {
        val (reader, writer) = pipe()
        val copy = duplicate(writer)
        close(writer)
        read(reader) shouldFailWith Errno.EAGAIN
        write(copy, "still open") shouldBe 10
        close(copy)
        readText(reader) shouldBe "still open"
        read(reader) shouldBe 0
    }

    contract("a number that is closed is no descriptor, and the next file may have it") {
        val fd = eventfd(1)
        val high = own(libc.fcntl(fd, Linux.F_DUPFD_CLOEXEC, HIGH))
        isOpen(high) shouldBe true
        close(high)
        isOpen(high) shouldBe false
        libc.close(high) shouldFailWith Errno.EBADF
        read(high, 8) shouldFailWith Errno.EBADF
        own(libc.fcntl(eventfd(2), Linux.F_DUPFD_CLOEXEC, HIGH)) shouldBe high
        readNumber(high) shouldBe 2
    }

    contract("at the limit of descriptors there is none: EMFILE, until one is closed; a number beyond it is EINVAL") {
        kernel.limitDescriptors(LIMIT)
        val fd = eventfd()
        val last = own(libc.fcntl(fd, Linux.F_DUPFD_CLOEXEC, LIMIT - 1))
        last shouldBe LIMIT - 1
        libc.fcntl(fd, Linux.F_DUPFD_CLOEXEC, LIMIT - 1) shouldFailWith Errno.EMFILE
        libc.fcntl(fd, Linux.F_DUPFD_CLOEXEC, LIMIT) shouldFailWith Errno.EINVAL
        close(last)
        own(libc.fcntl(fd, Linux.F_DUPFD_CLOEXEC, LIMIT - 1)) shouldBe last
    }

    contract("a descriptor below 0 and an unknown command are refused") {
        libc.fcntl(-1, Linux.F_DUPFD_CLOEXEC, 0) shouldFailWith Errno.EBADF
        libc.fcntl(eventfd(), Linux.F_DUPFD_CLOEXEC, -1) shouldFailWith Errno.EINVAL
        libc.fcntl(eventfd(), 99_999, 0) shouldFailWith Errno.EINVAL
    }
})
