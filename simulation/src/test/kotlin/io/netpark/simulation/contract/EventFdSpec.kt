package io.netpark.simulation.contract

import io.kotest.matchers.shouldBe
import io.netpark.core.linux.Linux
import io.netpark.core.sys.Errno

private const val EFD_SEMAPHORE = 1
private const val IN_OUT = Linux.EPOLLIN or Linux.EPOLLOUT

/** eventfd(2). */
class EventFdSpec : ContractSpec({
    contract("it begins with its initial value, writes add to it, and a read takes all of it") {
        val fd = eventfd(3)
        readNumber(fd) shouldBe 3
        read(fd, 8) shouldFailWith Errno.EAGAIN
        writeNumber(fd, 5) shouldBe 8
        writeNumber(fd, 7) shouldBe 8
        readNumber(fd) shouldBe 12
        read(fd, 8) shouldFailWith Errno.EAGAIN
    }

    contract("the initial value is an unsigned int") {
        readNumber(eventfd(-1)) shouldBe 0xffff_ffffL
    }

    contract("nothing can be added to nothing: 0 leaves it unreadable") {
        val fd = eventfd()
        writeNumber(fd, 0) shouldBe 8
        read(fd, 8) shouldFailWith Errno.EAGAIN
    }

    contract("it holds up to 2^64 - 2: then EAGAIN, and no OUT until it is read") {
        val fd = eventfd()
        writeNumber(fd, -1) shouldFailWith Errno.EINVAL
        writeNumber(fd, -3) shouldBe 8
        poll(fd, IN_OUT) shouldBe IN_OUT
        writeNumber(fd, 2) shouldFailWith Errno.EAGAIN
        writeNumber(fd, 1) shouldBe 8
        poll(fd, IN_OUT) shouldBe Linux.EPOLLIN
        writeNumber(fd, 1) shouldFailWith Errno.EAGAIN
        readNumber(fd) shouldBe -2
        poll(fd, IN_OUT) shouldBe Linux.EPOLLOUT
    }

    contract("eight bytes are read and written, no fewer") {
        val fd = eventfd(1)
        read(fd, 7) shouldFailWith Errno.EINVAL
        write(fd, 7) shouldFailWith Errno.EINVAL
        read(fd, 100) shouldBe 8
    }

    contract("as a semaphore it gives one at a time") {
        val fd = eventfd(2, EFD_SEMAPHORE or Linux.EFD_NONBLOCK)
        repeat(2) { readNumber(fd) shouldBe 1 }
        read(fd, 8) shouldFailWith Errno.EAGAIN
    }

    contract("it is no socket and no file, and its flags are checked") {
        val fd = eventfd()
        send(fd, "x") shouldFailWith Errno.ENOTSOCK
        libc.pread(fd, memory(8).address(), 8, 0) shouldFailWith Errno.ESPIPE
        libc.eventfd(0, -1) shouldFailWith Errno.EINVAL
    }
})
