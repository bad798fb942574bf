package io.netpark.simulation.contract

import io.kotest.matchers.collections.shouldBeIn
import io.kotest.matchers.collections.shouldBeUnique
import io.kotest.matchers.collections.shouldContainExactlyInAnyOrder
import io.kotest.matchers.shouldBe
import io.kotest.matchers.shouldNotBe
import io.netpark.core.linux.Linux
import io.netpark.core.sys.Errno
import io.netpark.core.sys.UnixAddress
import java.net.InetAddress
import java.net.InetSocketAddress

/** connect(2), and what sockets are before and after it. */
class ConnectingSpec : ContractSpec({
    contracts(Family.entries, "a connection has two ends, and each end's peer is the other") { family ->
        val listener = listener(family)
        val client = dial(family, listener)
        val server = accept(listener)
        peerAddress(client) shouldBe localAddress(listener)
        localAddress(server) shouldBe localAddress(listener)
        peerAddress(server) shouldBe localAddress(client)
    }

    contracts(Family.INTERNET, "a socket without a name gets a free port when it connects") { family ->
        val listener = listener(family)
        val clients = List(5) { dial(family, listener) }
        val names = clients.map { localAddress(it) as InetSocketAddress }
        (names + localAddress(listener)).shouldBeUnique()
        for (name in names) {
            name.port shouldNotBe 0
            name.address shouldBe (localAddress(listener) as InetSocketAddress).address
        }
        List(5) { peerAddress(accept(listener)) } shouldContainExactlyInAnyOrder names
    }

    contracts(Family.INTERNET, "a socket that is bound connects from there") { family ->
        val listener = listener(family)
        val client = socket(family)
        bind(client, family.free(this)) shouldBe 0
        val name = localAddress(client)
        connect(client, localAddress(listener)) shouldBeIn listOf(0, -Errno.EINPROGRESS)
        awaitWritable(client)
        peerAddress(accept(listener)) shouldBe name
    }

    contracts(Family.INTERNET, "a connection to the wildcard address is one to this host") { family ->
        val listener = socket(family)
        val wildcard = InetAddress.getByAddress(ByteArray(if (family == Family.IPV4) 4 else 16))
        bind(listener, InetSocketAddress(wildcard, 0)) shouldBe 0
        libc.listen(listener, 1) shouldBe 0
        val client = dial(family, listener)
        val loopback = if (family == Family.IPV4) Family.LOOPBACK_4 else Family.LOOPBACK_6
        peerAddress(client) shouldBe InetSocketAddress(loopback, (localAddress(listener) as InetSocketAddress).port)
        localAddress(accept(listener)) shouldBe peerAddress(client)
    }

    contracts(Family.INTERNET, "a socket that does not block is told of the connection by OUT") { family ->
        val listener = listener(family)
        val client = socket(family)
        val epfd = epoll()
        watch(epfd, client, Linux.EPOLLIN or Linux.EPOLLOUT or Linux.EPOLLRDHUP or Linux.EPOLLET)
        look(epfd)
        connect(client, localAddress(listener)) shouldFailWith Errno.EINPROGRESS
        await(epfd) shouldBe mapOf(client.toLong() to Linux.EPOLLOUT)
        pendingError(client) shouldBe 0
    }

    contracts(Family.INTERNET, "a connection that is refused says so once, by connect or by SO_ERROR") { family ->
        val nobody = listener(family).let { fd -> localAddress(fd).also { close(fd) } }
        val client = socket(family)
        val result = connect(client, nobody)
        if (result == -Errno.EINPROGRESS) {
            awaitAny(client, Linux.EPOLLOUT) and Linux.EPOLLERR shouldBe Linux.EPOLLERR
            pendingError(client) shouldBe Errno.ECONNREFUSED
        } else {
            result shouldFailWith Errno.ECONNREFUSED
        }
        pendingError(client) shouldBe 0
        libc.getpeername(client, memory(128).address(), memory(8).apply { buffer().putInt(0, 128) }.address()) shouldFailWith Errno.ENOTCONN
    }

    contracts(Family.INTERNET, "a connection that is refused has IN, OUT, RDHUP, ERR and HUP") { family ->
        val nobody = listener(family).let { fd -> localAddress(fd).also { close(fd) } }
        val client = socket(family)
        val epfd = epoll()
        connect(client, nobody) shouldBeIn listOf(-Errno.EINPROGRESS, -Errno.ECONNREFUSED)
        awaitAny(client, Linux.EPOLLIN)
        watch(epfd, client, Linux.EPOLLIN or Linux.EPOLLOUT or Linux.EPOLLRDHUP)
        look(epfd)[client.toLong()]!! or Linux.EPOLLERR shouldBe
            (Linux.EPOLLIN or Linux.EPOLLOUT or Linux.EPOLLRDHUP or Linux.EPOLLERR or Linux.EPOLLHUP)
    }

    contracts(Family.INTERNET, "a socket that blocks waits for the connection, or for its refusal") { family ->
        val listener = listener(family)
        val client = socket(family, flags = 0)
        connect(client, localAddress(listener)) shouldBe 0
        val nobody = localAddress(listener)
        close(listener)
        connect(socket(family, flags = 0), nobody) shouldFailWith Errno.ECONNREFUSED
    }

    contracts(Family.entries, "what is connected cannot be connected again") { family ->
        val (client, server) = connection(family)
        val listener = listener(family)
        connect(client, localAddress(listener)) // of a connect(2) that did not wait it may be the end
        connect(client, localAddress(listener)) shouldFailWith Errno.EISCONN
        connect(server, localAddress(listener)) shouldFailWith Errno.EISCONN
    }

    contract("a unix socket connects at once") {
        val listener = listener(Family.UNIX)
        connect(socket(Family.UNIX), localAddress(listener)) shouldBe 0
    }

    contracts(Family.entries, "a socket that is not connected has HUP and OUT, no peer, and takes no bytes") { family ->
        val fd = socket(family)
        poll(fd, Linux.EPOLLIN or Linux.EPOLLOUT) shouldBe (Linux.EPOLLOUT or Linux.EPOLLHUP)
        address { at, length -> libc.getpeername(fd, at, length) }.first shouldFailWith Errno.ENOTCONN
        libc.shutdown(fd, Linux.SHUT_WR) shouldBeIn listOf(-Errno.ENOTCONN, 0)
        send(socket(family), "x") shouldBeIn listOf(-Errno.EPIPE.toLong(), -Errno.ENOTCONN.toLong())
    }

    contracts(Family.INTERNET, "an unconnected socket cannot be shut down, and receives nothing") { family ->
        libc.shutdown(socket(family), Linux.SHUT_WR) shouldFailWith Errno.ENOTCONN
        receive(socket(family)) shouldFailWith Errno.ENOTCONN
        send(socket(family), "x") shouldFailWith Errno.EPIPE
    }

    contract("a socket without a name has the wildcard and port 0, or no name") {
        localAddress(socket(Family.IPV4)) shouldBe InetSocketAddress(InetAddress.getByAddress(ByteArray(4)), 0)
        localAddress(socket(Family.UNIX)) shouldBe UnixAddress.UNNAMED
    }

    contract("an address of another family is refused") {
        connect(socket(Family.IPV4), UnixAddress.abstractName("as long as an address of IPv4")) shouldFailWith Errno.EAFNOSUPPORT
        connect(socket(Family.UNIX), Family.IPV4.free(this)) shouldFailWith Errno.EINVAL
        connect(socket(Family.UNIX, Linux.SOCK_DGRAM), Family.IPV4.free(this)) shouldFailWith Errno.EINVAL
    }

    contract("a length that is too short for an address is refused") {
        val address = memory(128).apply { buffer().putShort(0, Linux.AF_INET.toShort()) }.address()
        libc.connect(socket(Family.IPV4), address, 1) shouldFailWith Errno.EINVAL
        libc.bind(socket(Family.IPV4), address, 8) shouldFailWith Errno.EINVAL
    }
})
