package io.netpark.simulation.contract

import io.kotest.matchers.collections.shouldBeIn
import io.kotest.matchers.ints.shouldBeGreaterThan
import io.kotest.matchers.shouldBe
import io.kotest.matchers.shouldNotBe
import io.netpark.core.linux.Linux
import io.netpark.core.sys.Errno
import io.netpark.core.sys.UnixAddress
import io.netpark.core.testing.eventually
import java.net.InetSocketAddress

/** udp(7), and datagrams of unix(7). */
class DatagramSpec : ContractSpec({
    contracts(Family.entries, "a message arrives as it was sent, with the sender's address") { family ->
        val (left, right) = datagrams(family) to datagrams(family)
        receive(right) shouldFailWith Errno.EAGAIN
        sendMessage(left, "one", to = localAddress(right)) shouldBe 3
        sendMessage(left, "", to = localAddress(right)) shouldBe 0
        sendMessage(left, "thr", "ee", to = localAddress(right)) shouldBe 5
        for (expected in listOf("one", "", "three")) {
            awaitReadable(right)
            val message = receiveMessage(right, 2, 100)
            message.text shouldBe expected
            message.from shouldBe localAddress(left)
            message.flags and Linux.MSG_TRUNC shouldBe 0
        }
        receive(right) shouldFailWith Errno.EAGAIN
    }

    contracts(Family.entries, "what has no room in a read is lost, and said to be") { family ->
        val (left, right) = datagrams(family) to datagrams(family)
        repeat(3) { sendMessage(left, "too long", to = localAddress(right)) shouldBe 8 }
        awaitReadable(right)
        receiveText(right, 3) shouldBe "too"
        awaitReadable(right)
        val cut = receiveMessage(right, 3)
        cut.text to (cut.flags and Linux.MSG_TRUNC) shouldBe ("too" to Linux.MSG_TRUNC)
        awaitReadable(right)
        receive(right, 3, Linux.MSG_TRUNC) shouldBe 8
        receive(right) shouldFailWith Errno.EAGAIN
    }

    contracts(Family.entries, "a message that is peeked at stays") { family ->
        val (left, right) = datagrams(family) to datagrams(family)
        sendMessage(left, "look", to = localAddress(right)) shouldBe 4
        awaitReadable(right)
        receiveText(right, 2, Linux.MSG_PEEK) shouldBe "lo"
        receiveText(right) shouldBe "look"
    }

    contracts(Family.entries, "a socket that is connected sends without an address, and receives from its peer only") { family ->
        val (left, right) = datagrams(family) to datagrams(family)
        val stranger = datagrams(family)
        connect(left, localAddress(right)) shouldBe 0
        peerAddress(left) shouldBe localAddress(right)
        send(left, "to the peer") shouldBe 11
        awaitReadable(right)
        receiveText(right) shouldBe "to the peer"
        val strange = sendMessage(stranger, "stranger", to = localAddress(left))
        if (family == Family.UNIX) strange shouldFailWith Errno.EPERM else strange shouldBe 8
        sendMessage(right, "peer", to = localAddress(left)) shouldBe 4
        awaitReadable(left)
        receiveText(left) shouldBe "peer"
        receive(left) shouldFailWith Errno.EAGAIN
        connect(left, localAddress(stranger)) shouldBe 0
        peerAddress(left) shouldBe localAddress(stranger)
    }

    contracts(Family.INTERNET, "an address of no family takes the peer away") { family ->
        val (left, right) = datagrams(family) to datagrams(family)
        connect(left, localAddress(right)) shouldBe 0
        libc.connect(left, memory(16).address(), 16) shouldBe 0
        address { at, length -> libc.getpeername(left, at, length) }.first shouldFailWith Errno.ENOTCONN
        send(left, "x") shouldFailWith Errno.EDESTADDRREQ
    }

    contracts(Family.INTERNET, "a socket without a name gets a port when it first sends") { family ->
        val right = datagrams(family)
        val left = socket(family, Linux.SOCK_DGRAM)
        (localAddress(left) as InetSocketAddress).port shouldBe 0
        sendMessage(left, "x", to = localAddress(right)) shouldBe 1
        val port = (localAddress(left) as InetSocketAddress).port
        port shouldNotBe 0
        awaitReadable(right)
        (receiveMessage(right, 1).from as InetSocketAddress).port shouldBe port
    }

    contract("unix: a sender without a name has none") {
        val right = datagrams(Family.UNIX)
        sendMessage(socket(Family.UNIX, Linux.SOCK_DGRAM), "x", to = localAddress(right)) shouldBe 1
        receiveMessage(right, 1).from shouldBeIn listOf(null, UnixAddress.UNNAMED)
    }

    contracts(Family.INTERNET, "a connected socket is told that nobody is there: ECONNREFUSED, once") { family ->
        val nobody = datagrams(family).let { fd -> localAddress(fd).also { close(fd) } }
        val fd = socket(family, Linux.SOCK_DGRAM)
        connect(fd, nobody) shouldBe 0
        send(fd, "x") shouldBe 1
        awaitReadable(fd) and Linux.EPOLLERR shouldBe Linux.EPOLLERR
        receive(fd) shouldFailWith Errno.ECONNREFUSED
        receive(fd) shouldFailWith Errno.EAGAIN
        pendingError(fd) shouldBe 0
    }

    contracts(Family.INTERNET, "who is not connected is not told that nobody is there") { family ->
        val nobody = datagrams(family).let { fd -> localAddress(fd).also { close(fd) } }
        val (fd, right) = datagrams(family) to datagrams(family)
        sendMessage(fd, "x", to = nobody) shouldBe 1
        sendMessage(fd, "y", to = localAddress(right)) shouldBe 1
        awaitReadable(right)
        pendingError(fd) shouldBe 0
        receive(fd) shouldFailWith Errno.EAGAIN
    }

    contract("unix: where nobody is it is said at once") {
        val gone = datagrams(Family.UNIX).let { fd -> localAddress(fd).also { close(fd) } }
        val fd = socket(Family.UNIX, Linux.SOCK_DGRAM)
        sendMessage(fd, "x", to = gone) shouldFailWith Errno.ECONNREFUSED
        sendMessage(fd, "x", to = freePath()) shouldFailWith Errno.ENOENT
        connect(fd, gone) shouldFailWith Errno.ECONNREFUSED
    }

    contract("unix: a receiver that is full is EAGAIN, and takes the next when one was received") {
        val right = datagrams(Family.UNIX)
        val left = socket(Family.UNIX, Linux.SOCK_DGRAM)
        connect(left, localAddress(right)) shouldBe 0
        var taken = 0
        while (true) {
            val result = send(left, "message")
            if (result < 0) {
                result shouldFailWith Errno.EAGAIN
                break
            }
            taken++
        }
        taken shouldBeGreaterThan 1
        poll(left, Linux.EPOLLOUT) shouldBe 0
        receiveText(right) shouldBe "message"
        send(left, "message") shouldBe 7
        repeat(taken) { receiveText(right) shouldBe "message" }
        receive(right) shouldFailWith Errno.EAGAIN
        poll(left, Linux.EPOLLOUT) shouldBe Linux.EPOLLOUT
    }

    contracts(Family.INTERNET, "UDP: a receiver that is full loses what comes") { family ->
        val (left, right) = datagrams(family) to datagrams(family)
        setOption(right, Linux.SOL_SOCKET, Linux.SO_RCVBUF, 4096) shouldBe 0
        connect(left, localAddress(right)) shouldBe 0
        repeat(200) { send(left, 1000) shouldBe 1000 }
        awaitReadable(right)
        var received = 0
        while (receive(right) >= 0) received++
        (received in 1..199) shouldBe true
    }

    contracts(Family.entries, "a message that is too long for the protocol is EMSGSIZE") { family ->
        val right = datagrams(family)
        val left = datagrams(family)
        connect(left, localAddress(right)) shouldBe 0
        if (family == Family.UNIX) setOption(left, Linux.SOL_SOCKET, Linux.SO_SNDBUF, 50_000) shouldBe 0
        send(left, 200_000) shouldFailWith Errno.EMSGSIZE
        if (family == Family.IPV4) {
            send(left, 65_508) shouldFailWith Errno.EMSGSIZE // 65 535 without the headers of IP and UDP
            send(left, 65_507) shouldBe 65_507
            awaitReadable(right)
            receive(right) shouldBe 65_507
        }
    }

    contracts(Family.INTERNET, "a message needs an address of the socket's family") { family ->
        val fd = datagrams(family)
        send(fd, "x") shouldFailWith Errno.EDESTADDRREQ
        sendMessage(fd, "x", to = UnixAddress.abstractName("contract")) shouldBeIn
            listOf(-Errno.EAFNOSUPPORT.toLong(), -Errno.EINVAL.toLong())
    }

    contracts(Family.INTERNET, "an address is one socket's") { family ->
        val fd = datagrams(family)
        bind(socket(family, Linux.SOCK_DGRAM), localAddress(fd)) shouldFailWith Errno.EADDRINUSE
        eventually { bind(socket(family), localAddress(datagrams(family))) shouldBe 0 } // ports of TCP are others
    }

    contracts(Family.entries, "poll: OUT with room, IN with a message") { family ->
        val (left, right) = datagrams(family) to datagrams(family)
        poll(right, Linux.EPOLLIN or Linux.EPOLLOUT) shouldBe Linux.EPOLLOUT
        sendMessage(left, "x", to = localAddress(right)) shouldBe 1
        awaitReadable(right)
        poll(right, Linux.EPOLLIN or Linux.EPOLLOUT) shouldBe (Linux.EPOLLIN or Linux.EPOLLOUT)
    }
})
