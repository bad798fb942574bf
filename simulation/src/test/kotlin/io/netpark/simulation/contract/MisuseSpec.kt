package io.netpark.simulation.contract

import io.kotest.assertions.withClue
import io.netpark.core.linux.Linux
import io.netpark.core.sys.Errno
import io.netpark.core.sys.LibC

/** A call about a descriptor, with arguments that are right for some descriptor. */
private class Call(private val name: String, val of: (LibC, Int) -> Long) {
    override fun toString() = name
}

/** All of them. */
private fun Caller.calls(): List<Call> {
    val a = memory(4096).address()
    return listOf(
        Call("read") { c, fd -> c.read(fd, a, 8) },
        Call("write") { c, fd -> c.write(fd, a, 8) },
        Call("readv") { c, fd -> c.readv(fd, a, 0) },
        Call("pread") { c, fd -> c.pread(fd, a, 8, 0) },
        Call("fcntl") { c, fd -> c.fcntl(fd, Linux.F_GETFL, 0).toLong() },
        Call("timerfdSettime") { c, fd -> c.timerfdSettime(fd, 0, a, 0).toLong() },
        Call("epollWait") { c, fd -> c.epollWait(fd, a, 1, 0).toLong() },
        Call("epollCtl") { c, fd -> c.epollCtl(fd, Linux.EPOLL_CTL_ADD, fd, a).toLong() },
        Call("sendfile") { c, fd -> c.sendfile(fd, fd, 0, 1) },
        Call("splice") { c, fd -> c.splice(fd, 0, fd, 0, 1, 0) },
    ) + socketCalls()
}

/** Those that are about sockets. */
private fun Caller.socketCalls(): List<Call> {
    val a = memory(4096).apply { buffer().putInt(1024, 16) }.address()
    val length = a + 1024
    return listOf(
        Call("bind") { c, fd -> c.bind(fd, a, 16).toLong() },
        Call("listen") { c, fd -> c.listen(fd, 1).toLong() },
        Call("accept4") { c, fd -> c.accept4(fd, a, length, 0).toLong() },
        Call("connect") { c, fd -> c.connect(fd, a, 16).toLong() },
        Call("shutdown") { c, fd -> c.shutdown(fd, Linux.SHUT_RD).toLong() },
        Call("getsockname") { c, fd -> c.getsockname(fd, a, length).toLong() },
        Call("getpeername") { c, fd -> c.getpeername(fd, a, length).toLong() },
        Call("getsockopt") { c, fd -> c.getsockopt(fd, Linux.SOL_SOCKET, Linux.SO_TYPE, a, length).toLong() },
        Call("setsockopt") { c, fd -> c.setsockopt(fd, Linux.SOL_SOCKET, Linux.SO_KEEPALIVE, a, 4).toLong() },
        Call("recv") { c, fd -> c.recv(fd, a, 8, Linux.MSG_DONTWAIT) },
        Call("send") { c, fd -> c.send(fd, a, 8, Linux.MSG_NOSIGNAL) },
        Call("sendmsg") { c, fd -> c.sendmsg(fd, a + 2048, Linux.MSG_NOSIGNAL) },
        Call("recvmsg") { c, fd -> c.recvmsg(fd, a + 2048, Linux.MSG_DONTWAIT) },
        Call("sendmmsg") { c, fd -> c.sendmmsg(fd, a + 2048, 1, Linux.MSG_NOSIGNAL).toLong() },
        Call("recvmmsg") { c, fd -> c.recvmmsg(fd, a + 2048, 1, Linux.MSG_DONTWAIT).toLong() },
    )
}

/** What calls say that were made on the wrong thing. */
class MisuseSpec : ContractSpec({
    contract("a descriptor that is not open is EBADF, to every call") {
        libc.close(-1) shouldFailWith Errno.EBADF
        for (call in calls()) {
            for (fd in listOf(-1, 3000, Int.MAX_VALUE)) withClue("$call($fd)") { call.of(libc, fd) shouldFailWith Errno.EBADF }
        }
    }

    contract("what is no socket is ENOTSOCK, to every call of sockets") {
        val others = mapOf(
            "an eventfd" to eventfd(), "a timerfd" to own(libc.timerfdCreate(Linux.CLOCK_MONOTONIC, 0)), "an epoll instance" to epoll(),
            "a pipe's reader" to pipe().first, "a pipe's writer" to pipe().second,
            "a file" to openFile(kernel.file("plain", ByteArray(1))),
        )
        for ((kind, fd) in others) {
            for (call in socketCalls()) withClue("$call of $kind") { call.of(libc, fd) shouldFailWith Errno.ENOTSOCK }
        }
    }

    contract("a socket is made of a family, type and protocol that there are") {
        libc.socket(-1, Linux.SOCK_STREAM, 0) shouldFailWith Errno.EAFNOSUPPORT
        libc.socket(9999, Linux.SOCK_STREAM, 0) shouldFailWith Errno.EAFNOSUPPORT
        libc.socket(Linux.AF_INET, 0xF, 0) shouldFailWith Errno.EINVAL
        libc.socket(Linux.AF_INET, Linux.SOCK_STREAM or 0x100, 0) shouldFailWith Errno.EINVAL
        libc.socket(Linux.AF_INET, Linux.SOCK_STREAM, Linux.IPPROTO_UDP) shouldFailWith Errno.EPROTONOSUPPORT
        libc.socket(Linux.AF_UNIX, Linux.SOCK_STREAM, 99) shouldFailWith Errno.EPROTONOSUPPORT
        own(libc.socket(Linux.AF_INET, Linux.SOCK_STREAM, Linux.IPPROTO_TCP))
        own(libc.socket(Linux.AF_INET, Linux.SOCK_DGRAM, Linux.IPPROTO_UDP))
        libc.socketpair(Linux.AF_INET, Linux.SOCK_STREAM, 0, memory(8).address()) shouldFailWith Errno.EOPNOTSUPP
        libc.socketpair(Linux.AF_UNIX, 0xF, 0, memory(8).address()) shouldFailWith Errno.EINVAL
    }
})
