package io.netpark.simulation.contract

import io.kotest.assertions.withClue
import io.kotest.matchers.shouldBe
import io.netpark.core.linux.Linux
import io.netpark.core.sys.Errno
import io.netpark.core.sys.SockAddr
import io.netpark.core.sys.UnixAddress
import java.net.Inet4Address
import java.net.Inet6Address
import java.net.InetAddress
import java.net.InetSocketAddress
import java.net.SocketAddress

/** A family of sockets, and an address of this host that the kernel completes. */
enum class Family(val number: Int, val needs: List<Feature>) {
    IPV4(Linux.AF_INET, emptyList()) {
        override fun free(caller: Caller) = InetSocketAddress(LOOPBACK_4, 0)
    },
    IPV6(Linux.AF_INET6, listOf(Feature.IPV6)) {
        override fun free(caller: Caller) = InetSocketAddress(LOOPBACK_6, 0)
    },
    UNIX(Linux.AF_UNIX, emptyList()) {
        override fun free(caller: Caller) = caller.freePath()
    };

    /** To bind to; what it is bound to then is the socket's name. */
    abstract fun free(caller: Caller): SocketAddress

    companion object {
        val LOOPBACK_4: InetAddress = Inet4Address.getByAddress(byteArrayOf(127, 0, 0, 1))
        val LOOPBACK_6: InetAddress = Inet6Address.getByAddress(ByteArray(15) + 1)
        val INTERNET = listOf(IPV4, IPV6)
    }
}

/** A path in the kernel's folder where nothing is. */
fun Caller.freePath(): UnixAddress =
    generateSequence(0) { it + 1 }.map { "${kernel.folder}/$it" }
        .first { libc.statx(Linux.AT_FDCWD, name(it), 0, Linux.STATX_TYPE, memory(256).address()) == -Errno.ENOENT }
        .let { UnixAddress.path(it) }

fun Caller.socket(family: Family, type: Int = Linux.SOCK_STREAM, flags: Int = Linux.SOCK_NONBLOCK): Int =
    own(libc.socket(family.number, type or flags or Linux.SOCK_CLOEXEC, 0))

/** A socket for datagrams that has a name. */
fun Caller.datagrams(family: Family): Int = socket(family, Linux.SOCK_DGRAM).also { bind(it, family.free(this)) shouldBe 0 }

/** bind(2), for its result. */
fun Caller.bind(fd: Int, address: SocketAddress): Int = withAddress(address) { at, length -> libc.bind(fd, at, length) }

/** connect(2), for its result. */
fun Caller.connect(fd: Int, address: SocketAddress): Int = withAddress(address) { at, length -> libc.connect(fd, at, length) }

private fun Caller.withAddress(address: SocketAddress, call: (Long, Int) -> Int): Int {
    val memory = memory(SockAddr.MAX_SIZE)
    return call(memory.address(), SockAddr.write(memory.buffer(), 0, address))
}

/** The address that [call] writes, with room for it whose size is at the second address, as a result and an address. */
fun Caller.address(call: (Long, Long) -> Int): Pair<Int, SocketAddress?> {
    val memory = memory(SockAddr.MAX_SIZE)
    val length = memory(Int.SIZE_BYTES).apply { buffer().putInt(0, SockAddr.MAX_SIZE) }
    val result = call(memory.address(), length.address())
    return result to if (result < 0) null else SockAddr.read(memory.buffer(), 0, length.buffer().getInt(0))
}

/** getsockname(2). */
fun Caller.localAddress(fd: Int): SocketAddress = written("getsockname", address { at, length -> libc.getsockname(fd, at, length) })

/** getpeername(2). */
fun Caller.peerAddress(fd: Int): SocketAddress = written("getpeername", address { at, length -> libc.getpeername(fd, at, length) })

private fun written(call: String, answer: Pair<Int, SocketAddress?>): SocketAddress =
    answer.second ?: throw AssertionError("$call: ${Errno.describe(-answer.first)}")

/** A socket that listens. */
fun Caller.listener(family: Family, backlog: Int = 16, flags: Int = Linux.SOCK_NONBLOCK): Int {
    val fd = socket(family, flags = flags)
    withClue("bind") { bind(fd, family.free(this)) shouldBe 0 }
    withClue("listen") { libc.listen(fd, backlog) shouldBe 0 }
    return fd
}

/** accept4(2) without the address, for its result. */
fun Caller.tryAccept(listener: Int, flags: Int = Linux.SOCK_NONBLOCK): Int =
    libc.accept4(listener, 0, 0, flags or Linux.SOCK_CLOEXEC)

/** Waits for a connection, and accepts it. */
fun Caller.accept(listener: Int, flags: Int = Linux.SOCK_NONBLOCK): Int {
    awaitReadable(listener)
    return own(tryAccept(listener, flags))
}

/** A socket whose connection to [listener] is there, accepted or not. */
fun Caller.dial(family: Family, listener: Int): Int {
    val fd = socket(family)
    val result = connect(fd, localAddress(listener))
    if (result != 0) {
        result shouldFailWith Errno.EINPROGRESS
        awaitWritable(fd)
    }
    withClue("SO_ERROR after connect") { pendingError(fd) shouldBe 0 }
    return fd
}

/** Two ends of a connection: that of the client, that of the server. */
fun Caller.connection(family: Family): Pair<Int, Int> {
    val listener = listener(family)
    val client = dial(family, listener)
    val server = accept(listener)
    close(listener)
    return client to server
}

/** getsockopt(2) of an int, or minus errno. */
fun Caller.option(fd: Int, level: Int, name: Int): Int {
    val value = memory(Int.SIZE_BYTES)
    val length = memory(Int.SIZE_BYTES).apply { buffer().putInt(0, Int.SIZE_BYTES) }
    val result = libc.getsockopt(fd, level, name, value.address(), length.address())
    return if (result < 0) result else value.buffer().getInt(0)
}

/** setsockopt(2) of ints, for its result. */
fun Caller.setOption(fd: Int, level: Int, name: Int, vararg value: Int): Int {
    val memory = memory(value.size * Int.SIZE_BYTES)
    value.forEachIndexed { i, int -> memory.buffer().putInt(i * Int.SIZE_BYTES, int) }
    return libc.setsockopt(fd, level, name, memory.address(), memory.size())
}

/** SO_ERROR, which is 0 from then on. */
fun Caller.pendingError(fd: Int): Int = option(fd, Linux.SOL_SOCKET, Linux.SO_ERROR)

/** Has close(2) send a reset instead of an end (SO_LINGER of no time). */
fun Caller.resetByClose(fd: Int) {
    setOption(fd, Linux.SOL_SOCKET, Linux.SO_LINGER, 1, 0) shouldBe 0
    close(fd)
}
