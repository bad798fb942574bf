package io.netpark.core.sys

import io.kotest.matchers.longs.shouldBeGreaterThanOrEqual
import io.kotest.matchers.shouldBe
import io.netpark.core.linux.EpollEvent
import io.netpark.core.linux.ITimerSpec
import io.netpark.core.linux.IoVec
import io.netpark.core.linux.Linux
import io.netpark.core.linux.MsgHdr
import io.netpark.core.linux.PollFd
import io.netpark.core.linux.Timespec
import io.netpark.core.memory.NativeMemory
import io.netpark.core.testing.Bindings
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.async
import java.net.InetAddress
import java.net.InetSocketAddress
import java.time.Duration

/** The whole seam over every binding: each call at least once, each kind of result. */
class LibCContractSpec : NetparkSpec(body = {
    for (libc in Bindings.all) {
        context("${libc.binding()}") {
            test("an eventfd is read and written, and has the flags it was asked for") {
                Calls(libc).use { calls ->
                    val fd = calls.open(libc.eventfd(3, Linux.EFD_CLOEXEC or Linux.EFD_NONBLOCK))
                    libc.fcntl(fd, Linux.F_GETFD, 0) shouldBe Linux.FD_CLOEXEC
                    (libc.fcntl(fd, Linux.F_GETFL, 0) and Linux.O_NONBLOCK) shouldBe Linux.O_NONBLOCK
                    libc.read(fd, calls.address, 8) shouldBe 8
                    calls.buffer.getLong(0) shouldBe 3
                    libc.read(fd, calls.address, 8) shouldBe -Errno.EAGAIN
                    libc.write(fd, calls.address, 8) shouldBe 8
                    libc.read(fd, calls.address, 4) shouldBe -Errno.EINVAL
                }
            }

            test("a timerfd expires as often as its period says, and says so when it is read") {
                Calls(libc).use { calls ->
                    val fd = calls.open(libc.timerfdCreate(Linux.CLOCK_MONOTONIC, Linux.TFD_CLOEXEC or Linux.TFD_NONBLOCK))
                    libc.fcntl(fd, Linux.F_GETFD, 0) shouldBe Linux.FD_CLOEXEC
                    libc.read(fd, calls.address, 8) shouldBe -Errno.EAGAIN
                    ITimerSpec.write(calls.buffer, 0, Duration.ofMillis(1), Duration.ofMillis(1))
                    libc.timerfdSettime(fd, 0, calls.address, 0) shouldBe 0
                    calls.awaitReadable(fd)
                    libc.read(fd, calls.address, 8) shouldBe 8
                    calls.buffer.getLong(0) shouldBeGreaterThanOrEqual 1
                    ITimerSpec.write(calls.buffer, 0, Duration.ofSeconds(100), Duration.ofSeconds(5, 7))
                    libc.timerfdSettime(fd, 0, calls.address, 0) shouldBe 0
                    ITimerSpec.write(calls.buffer, 0, Duration.ZERO, Duration.ZERO)
                    libc.timerfdSettime(fd, 0, calls.address, calls.address + 100) shouldBe 0
                    calls.buffer.getLong(100) shouldBe 5
                    calls.buffer.getLong(108) shouldBe 7
                    calls.buffer.getLong(116) shouldBeGreaterThanOrEqual 90
                }
            }

            test("a pipe carries bytes; F_SETFL changes its flags") {
                Calls(libc).use { calls ->
                    libc.pipe2(calls.address, Linux.O_CLOEXEC) shouldBe 0
                    val (reader, writer) = calls.openPair()
                    (libc.fcntl(reader, Linux.F_GETFL, 0) and Linux.O_NONBLOCK) shouldBe 0
                    libc.fcntl(reader, Linux.F_SETFL, Linux.O_NONBLOCK) shouldBe 0
                    libc.read(reader, calls.address, 1) shouldBe -Errno.EAGAIN
                    libc.write(writer, calls.address, 100) shouldBe 100
                    libc.read(reader, calls.address, 1000) shouldBe 100
                }
            }

            test("a socket pair sends, receives, gathers, scatters and is shut down") {
                Calls(libc).use { calls ->
                    val type = Linux.SOCK_STREAM or Linux.SOCK_NONBLOCK or Linux.SOCK_CLOEXEC
                    libc.socketpair(Linux.AF_UNIX, type, 0, calls.address) shouldBe 0
                    val (left, right) = calls.openPair()
                    libc.fcntl(left, Linux.F_GETFD, 0) shouldBe Linux.FD_CLOEXEC
                    libc.recv(right, calls.address, 8, 0) shouldBe -Errno.EAGAIN

                    "hello".forEachIndexed { i, c -> calls.buffer.put(i, c.code.toByte()) }
                    libc.send(left, calls.address, 5, Linux.MSG_NOSIGNAL) shouldBe 5
                    libc.recv(right, calls.address + 100, 50, 0) shouldBe 5
                    calls.text(100, 5) shouldBe "hello"

                    // llo + he, out of one message and into two parts
                    IoVec.write(calls.buffer, 200, 0, calls.address + 2, 3)
                    IoVec.write(calls.buffer, 200, 1, calls.address, 2)
                    MsgHdr.write(calls.buffer, 300, calls.address + 200, 2)
                    libc.sendmsg(left, calls.address + 300, Linux.MSG_NOSIGNAL) shouldBe 5
                    IoVec.write(calls.buffer, 200, 0, calls.address + 101, 1)
                    IoVec.write(calls.buffer, 200, 1, calls.address + 110, 90)
                    libc.readv(right, calls.address + 200, 2) shouldBe 5
                    calls.text(101, 1) + calls.text(110, 4) shouldBe "llohe"

                    libc.shutdown(left, Linux.SHUT_WR) shouldBe 0
                    libc.recv(right, calls.address, 8, 0) shouldBe 0
                    libc.send(left, calls.address, 1, Linux.MSG_NOSIGNAL) shouldBe -Errno.EPIPE
                }
            }

            test("TCP: bind, listen, connect, accept, options and names") {
                Calls(libc).use { calls ->
                    val type = Linux.SOCK_STREAM or Linux.SOCK_NONBLOCK or Linux.SOCK_CLOEXEC
                    val listener = calls.open(libc.socket(Linux.AF_INET, type, Linux.IPPROTO_TCP))
                    libc.bind(listener, calls.address, calls.put(InetSocketAddress(InetAddress.getLoopbackAddress(), 0))) shouldBe 0
                    libc.listen(listener, 10) shouldBe 0
                    libc.accept4(listener, calls.address, calls.length(28), 0) shouldBe -Errno.EAGAIN
                    libc.getsockname(listener, calls.address, calls.length(28)) shouldBe 0
                    val address = calls.socketAddress()

                    val client = calls.open(libc.socket(Linux.AF_INET, type, Linux.IPPROTO_TCP))
                    libc.getpeername(client, calls.address, calls.length(28)) shouldBe -Errno.ENOTCONN
                    val connected = libc.connect(client, calls.address, calls.put(address))
                    (connected == 0 || connected == -Errno.EINPROGRESS) shouldBe true
                    calls.awaitReadable(listener)
                    val server = calls.open(
                        libc.accept4(listener, calls.address, calls.length(28), Linux.SOCK_NONBLOCK or Linux.SOCK_CLOEXEC),
                    )
                    val clientAddress = calls.socketAddress()
                    libc.fcntl(server, Linux.F_GETFD, 0) shouldBe Linux.FD_CLOEXEC
                    (libc.fcntl(server, Linux.F_GETFL, 0) and Linux.O_NONBLOCK) shouldBe Linux.O_NONBLOCK
                    libc.getpeername(client, calls.address, calls.length(28)) shouldBe 0
                    calls.socketAddress() shouldBe address
                    libc.getsockname(client, calls.address, calls.length(28)) shouldBe 0
                    calls.socketAddress() shouldBe clientAddress

                    calls.buffer.putInt(0, 1)
                    libc.setsockopt(client, Linux.IPPROTO_TCP, Linux.TCP_NODELAY, calls.address, 4) shouldBe 0
                    calls.buffer.putInt(0, 0)
                    libc.getsockopt(client, Linux.IPPROTO_TCP, Linux.TCP_NODELAY, calls.address, calls.length(4)) shouldBe 0
                    calls.buffer.getInt(0) shouldBe 1
                }
            }

            test("epoll and poll report readiness, and time out") {
                Calls(libc).use { calls ->
                    val epfd = calls.open(libc.epollCreate(Linux.EPOLL_CLOEXEC))
                    libc.fcntl(epfd, Linux.F_GETFD, 0) shouldBe Linux.FD_CLOEXEC
                    val fd = calls.open(libc.eventfd(1, Linux.EFD_NONBLOCK))
                    EpollEvent.write(calls.buffer, 0, Linux.EPOLLIN, 42)
                    libc.epollCtl(epfd, Linux.EPOLL_CTL_ADD, fd, calls.address) shouldBe 0
                    libc.epollCtl(epfd, Linux.EPOLL_CTL_ADD, fd, calls.address) shouldBe -Errno.EEXIST
                    libc.epollWait(epfd, calls.address + 100, 4, 1000) shouldBe 1
                    EpollEvent.data(calls.at(100), 0) shouldBe 42
                    Timespec.write(calls.buffer, 300, 1_000_000)
                    val waited = libc.epollPwait2(epfd, calls.address + 100, 4, calls.address + 300)
                    (waited == 1 || waited == -Errno.ENOSYS) shouldBe true
                    EpollEvent.write(calls.buffer, 0, Linux.EPOLLOUT or Linux.EPOLLONESHOT, 43)
                    libc.epollCtl(epfd, Linux.EPOLL_CTL_MOD, fd, calls.address) shouldBe 0
                    libc.epollWait(epfd, calls.address + 100, 4, 1000) shouldBe 1
                    libc.epollWait(epfd, calls.address + 100, 4, 0) shouldBe 0
                    libc.epollCtl(epfd, Linux.EPOLL_CTL_DEL, fd, 0) shouldBe 0
                    libc.epollCtl(epfd, Linux.EPOLL_CTL_DEL, fd, 0) shouldBe -Errno.ENOENT
                    libc.epollWait(epfd, calls.address, 0, 0) shouldBe -Errno.EINVAL

                    PollFd.write(calls.at(0), 0, fd, Linux.EPOLLIN)
                    libc.poll(calls.address, 1, 1000) shouldBe 1
                    PollFd.readiness(calls.at(0), 0) shouldBe Linux.EPOLLIN
                    libc.read(fd, calls.address + 100, 8) shouldBe 8
                    libc.poll(calls.address, 1, 0) shouldBe 0
                }
            }

            test("a descriptor that is not open gives EBADF, a wrong kind its own errno") {
                Calls(libc).use { calls ->
                    val a = calls.address
                    libc.close(-1) shouldBe -Errno.EBADF
                    libc.read(-1, a, 1) shouldBe -Errno.EBADF
                    libc.write(-1, a, 1) shouldBe -Errno.EBADF
                    libc.readv(-1, a, 0) shouldBe -Errno.EBADF
                    libc.fcntl(-1, Linux.F_GETFL, 0) shouldBe -Errno.EBADF
                    libc.bind(-1, a, 16) shouldBe -Errno.EBADF
                    libc.listen(-1, 1) shouldBe -Errno.EBADF
                    libc.accept4(-1, a, a, 0) shouldBe -Errno.EBADF
                    libc.connect(-1, a, 16) shouldBe -Errno.EBADF
                    libc.shutdown(-1, Linux.SHUT_RD) shouldBe -Errno.EBADF
                    libc.getsockname(-1, a, a) shouldBe -Errno.EBADF
                    libc.getpeername(-1, a, a) shouldBe -Errno.EBADF
                    libc.getsockopt(-1, 0, 0, a, a) shouldBe -Errno.EBADF
                    libc.setsockopt(-1, 0, 0, a, 4) shouldBe -Errno.EBADF
                    libc.recv(-1, a, 1, 0) shouldBe -Errno.EBADF
                    libc.send(-1, a, 1, 0) shouldBe -Errno.EBADF
                    libc.sendmsg(-1, a, 0) shouldBe -Errno.EBADF
                    libc.epollCtl(-1, Linux.EPOLL_CTL_ADD, -1, a) shouldBe -Errno.EBADF
                    libc.epollWait(-1, a, 1, 0) shouldBe -Errno.EBADF

                    val eventfd = calls.open(libc.eventfd(0, 0))
                    libc.send(eventfd, a, 1, Linux.MSG_NOSIGNAL) shouldBe -Errno.ENOTSOCK
                    libc.epollCtl(eventfd, Linux.EPOLL_CTL_ADD, eventfd, a) shouldBe -Errno.EINVAL
                    libc.socket(-1, Linux.SOCK_STREAM, 0) shouldBe -Errno.EAFNOSUPPORT
                    libc.socketpair(Linux.AF_INET, Linux.SOCK_STREAM, 0, a) shouldBe -Errno.EOPNOTSUPP
                    libc.pipe2(a, -1) shouldBe -Errno.EINVAL
                    libc.eventfd(0, -1) shouldBe -Errno.EINVAL
                    libc.timerfdCreate(-1, 0) shouldBe -Errno.EINVAL
                    libc.timerfdSettime(-1, 0, a, 0) shouldBe -Errno.EBADF
                    libc.timerfdSettime(eventfd, 0, a, 0) shouldBe -Errno.EINVAL
                    libc.epollCreate(-1) shouldBe -Errno.EINVAL
                }
            }

            test("results and errors of many threads do not mix") {
                val threads = (0 until 4).map { i ->
                    async {
                        val fd = libc.eventfd(0, Linux.EFD_NONBLOCK)
                        val memory = NativeMemory.allocate(8)
                        repeat(20_000) {
                            if (i % 2 == 0) {
                                libc.read(-1, memory.address(), 8) shouldBe -Errno.EBADF
                            } else {
                                libc.read(fd, memory.address(), 8) shouldBe -Errno.EAGAIN
                            }
                        }
                        libc.close(fd)
                    }
                }
                threads.forEach { it.get() }
            }
        }
    }
})
