package io.netpark.simulation.contract

import io.kotest.matchers.collections.shouldBeIn
import io.kotest.matchers.shouldBe
import io.kotest.matchers.shouldNotBe
import io.netpark.core.linux.Linux
import io.netpark.core.sys.Errno
import io.netpark.core.sys.SockAddr
import io.netpark.core.testing.eventually
import java.net.InetAddress
import java.net.InetSocketAddress

/** bind(2), listen(2), accept4(2). */
class ListeningSpec : ContractSpec({
    contracts(Family.entries, "there is IN as long as a connection waits, and EAGAIN when none does") { family ->
        val listener = listener(family)
        tryAccept(listener) shouldFailWith Errno.EAGAIN
        poll(listener, Linux.EPOLLIN) shouldBe 0
        repeat(2) { dial(family, listener) }
        awaitReadable(listener) shouldBe Linux.EPOLLIN
        own(tryAccept(listener))
        awaitReadable(listener)
        own(tryAccept(listener))
        poll(listener, Linux.EPOLLIN) shouldBe 0
        tryAccept(listener) shouldFailWith Errno.EAGAIN
    }

    contracts(Family.entries, "connections are accepted in the order in which they came, and have what was sent before") { family ->
        val listener = listener(family)
        repeat(3) { arrive(family, listener, "number $it") }
        repeat(3) {
            val server = accept(listener)
            awaitReadable(server)
            receiveText(server) shouldBe "number $it"
        }
    }

    contracts(Family.entries, "an accepted socket has the flags that accept4 is given, not those of the listener") { family ->
        val listener = listener(family)
        repeat(2) { dial(family, listener) }
        awaitReadable(listener)
        val plain = own(libc.accept4(listener, 0, 0, 0))
        libc.fcntl(plain, Linux.F_GETFD, 0) shouldBe 0
        (statusFlags(plain) and Linux.O_NONBLOCK) shouldBe 0
        awaitReadable(listener)
        val flagged = own(libc.accept4(listener, 0, 0, Linux.SOCK_NONBLOCK or Linux.SOCK_CLOEXEC))
        libc.fcntl(flagged, Linux.F_GETFD, 0) shouldBe Linux.FD_CLOEXEC
        (statusFlags(flagged) and Linux.O_NONBLOCK) shouldBe Linux.O_NONBLOCK
        libc.accept4(listener, 0, 0, 1) shouldFailWith Errno.EINVAL
    }

    contracts(Family.INTERNET, "accept4 says who has connected") { family ->
        val listener = listener(family)
        val client = dial(family, listener)
        awaitReadable(listener)
        val (server, peer) = address { at, length -> libc.accept4(listener, at, length, Linux.SOCK_CLOEXEC) }
        own(server)
        peer shouldBe localAddress(client)
    }

    contract("an address that has no room is cut, and its whole length told") {
        val listener = listener(Family.IPV4)
        val address = memory(SockAddr.MAX_SIZE).apply { for (i in 0 until size()) buffer().put(i, 7) }
        val length = memory(8).apply { buffer().putInt(0, 4) }
        libc.getsockname(listener, address.address(), length.address()) shouldBe 0
        length.buffer().getInt(0) shouldBe 16
        address.buffer().getShort(0) shouldBe Linux.AF_INET.toShort()
        address.buffer().get(4) shouldBe 7
        length.buffer().putInt(0, -1)
        libc.getsockname(listener, address.address(), length.address()) shouldFailWith Errno.EINVAL
    }

    contracts(Family.entries, "the socket's options are passed on") { family ->
        val listener = listener(family)
        setOption(listener, Linux.SOL_SOCKET, Linux.SO_KEEPALIVE, 1) shouldBe 0
        option(listener, Linux.SOL_SOCKET, Linux.SO_ACCEPTCONN) shouldBe 1
        dial(family, listener)
        val server = accept(listener)
        option(server, Linux.SOL_SOCKET, Linux.SO_ACCEPTCONN) shouldBe 0
        if (family != Family.UNIX) option(server, Linux.SOL_SOCKET, Linux.SO_KEEPALIVE) shouldBe 1
    }

    contracts(Family.entries, "a listener that is closed resets those that wait to be accepted, and refuses others") { family ->
        val listener = listener(family)
        val address = localAddress(listener)
        val client = dial(family, listener)
        awaitReadable(listener)
        close(listener)
        awaitReadable(client)
        receive(client) shouldFailWith Errno.ECONNRESET
        connect(socket(family, flags = 0), address) shouldFailWith Errno.ECONNREFUSED
    }

    contracts(Family.entries, "an accepted connection outlives its listener") { family ->
        val (client, server) = connection(family)
        send(client, "still here") shouldBe 10
        awaitReadable(server)
        receiveText(server) shouldBe "still here"
    }

    contract("unix: a backlog that is full is EAGAIN, until one is accepted") {
        val listener = listener(Family.UNIX, backlog = 1)
        repeat(2) { connect(socket(Family.UNIX), localAddress(listener)) shouldBe 0 } // one more than the backlog
        val third = socket(Family.UNIX)
        connect(third, localAddress(listener)) shouldFailWith Errno.EAGAIN
        accept(listener)
        connect(third, localAddress(listener)) shouldBe 0
    }

    contracts(Family.INTERNET, "a backlog that is full lets a connection wait, until one is accepted") { family ->
        val listener = listener(family, backlog = 1)
        repeat(2) { dial(family, listener) } // one more than the backlog
        awaitReadable(listener)
        val third = socket(family)
        connect(third, localAddress(listener)) shouldFailWith Errno.EINPROGRESS
        poll(third, Linux.EPOLLOUT) shouldBe 0
        connect(third, localAddress(listener)) shouldFailWith Errno.EALREADY
        accept(listener)
        awaitWritable(third) shouldBe Linux.EPOLLOUT // the SYN is sent again, after a second
        pendingError(third) shouldBe 0
    }

    contracts(Family.INTERNET, "without a name it gets a port when it listens") { family ->
        val fd = socket(family)
        libc.listen(fd, 1) shouldBe 0
        (localAddress(fd) as InetSocketAddress).port shouldNotBe 0
    }

    contract("unix: without a name it cannot listen") {
        libc.listen(socket(Family.UNIX), 1) shouldFailWith Errno.EINVAL
    }

    contracts(Family.INTERNET, "an address is given once, unless all that share it have SO_REUSEPORT") { family ->
        val fd = socket(family)
        bind(fd, family.free(this)) shouldBe 0
        bind(socket(family), localAddress(fd)) shouldFailWith Errno.EADDRINUSE
        val sharing = List(2) { socket(family).also { setOption(it, Linux.SOL_SOCKET, Linux.SO_REUSEPORT, 1) shouldBe 0 } }
        bind(sharing[0], localAddress(fd)) shouldFailWith Errno.EADDRINUSE
        bind(sharing[0], family.free(this)) shouldBe 0
        bind(sharing[1], localAddress(sharing[0])) shouldBe 0
        for (each in sharing) libc.listen(each, 4) shouldBe 0
        close(fd)
    }

    contracts(Family.INTERNET, "an address that was given back is free; if all had SO_REUSEADDR at once, whatever connections there were") { family ->
        val listener = socket(family)
        setOption(listener, Linux.SOL_SOCKET, Linux.SO_REUSEADDR, 1) shouldBe 0
        bind(listener, family.free(this)) shouldBe 0
        libc.listen(listener, 1) shouldBe 0
        val address = localAddress(listener)
        val client = dial(family, listener)
        val server = accept(listener)
        close(server)
        close(client)
        close(listener)
        val next = socket(family)
        setOption(next, Linux.SOL_SOCKET, Linux.SO_REUSEADDR, 1) shouldBe 0
        bind(next, address) shouldBe 0
        libc.listen(next, 1) shouldBe 0
    }

    contract("an address of another host, and a second name, are refused") {
        val elsewhere = InetSocketAddress(InetAddress.getByAddress(byteArrayOf(192.toByte(), 0, 2, 1)), 0) // TEST-NET-1
        val fd = socket(Family.IPV4)
        bind(fd, elsewhere) shouldFailWith Errno.EADDRNOTAVAIL
        bind(fd, Family.IPV4.free(this)) shouldBe 0
        bind(fd, Family.IPV4.free(this)) shouldFailWith Errno.EINVAL
        val unix = socket(Family.UNIX)
        bind(unix, freePath()) shouldBe 0
        bind(unix, freePath()) shouldFailWith Errno.EINVAL
    }

    contracts(Family.entries, "only a listening socket accepts, and it does nothing else") { family ->
        val (client, _) = connection(family)
        tryAccept(client) shouldFailWith Errno.EINVAL
        tryAccept(socket(family)) shouldFailWith Errno.EINVAL
        libc.listen(client, 1) shouldFailWith Errno.EINVAL
        val listener = listener(family)
        connect(listener, localAddress(listener)) shouldBeIn listOf(-Errno.EISCONN, -Errno.EINVAL)
        receive(listener) shouldBeIn listOf(-Errno.ENOTCONN.toLong(), -Errno.EINVAL.toLong())
        send(listener, "x") shouldBeIn listOf(-Errno.EPIPE.toLong(), -Errno.ENOTCONN.toLong())
        val datagrams = socket(family, Linux.SOCK_DGRAM)
        libc.listen(datagrams, 1) shouldFailWith Errno.EOPNOTSUPP
        tryAccept(datagrams) shouldFailWith Errno.EOPNOTSUPP
    }

    contracts(Family.INTERNET, "a listener that is shut down listens no more") { family ->
        val listener = listener(family)
        val address = localAddress(listener)
        libc.shutdown(listener, Linux.SHUT_RDWR) shouldBe 0
        tryAccept(listener) shouldFailWith Errno.EINVAL
        connect(socket(family, flags = 0), address) shouldFailWith Errno.ECONNREFUSED
        libc.listen(listener, 1) shouldBe 0 // on another port, unless it was bound to that
        connect(socket(family, flags = 0), localAddress(listener)) shouldBe 0
    }
})

/**
 * A client connects, and sends this. It may know that it is connected before the last of the handshake has come to the listener,
 * and that of another client may come first. Bytes are acknowledged by what waits to be accepted.
 */
private fun Caller.arrive(family: Family, listener: Int, text: String) {
    val client = dial(family, listener)
    send(client, text) shouldBe text.length.toLong()
    if (family == Family.UNIX) return
    val info = memory(256)
    val length = memory(Int.SIZE_BYTES)
    eventually {
        length.buffer().putInt(0, info.size())
        libc.getsockopt(client, Linux.IPPROTO_TCP, Linux.TCP_INFO, info.address(), length.address()) shouldBe 0
        info.buffer().getInt(UNACKNOWLEDGED) shouldBe 0
    }
}

/** The offset of tcpi_unacked in `struct tcp_info` (linux/tcp.h). */
private const val UNACKNOWLEDGED = 24
