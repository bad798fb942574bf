package io.netpark.simulation.contract

import io.kotest.matchers.shouldBe
import io.netpark.core.linux.Linux
import io.netpark.core.sys.Errno
import io.netpark.core.testing.eventually

private const val IN = Linux.EPOLLIN
private const val OUT = Linux.EPOLLOUT
private const val RDHUP = Linux.EPOLLRDHUP
private const val HUP = Linux.EPOLLHUP
private const val ERR = Linux.EPOLLERR
private const val ALL = IN or OUT or RDHUP

/** Waits until poll(2) reports exactly this. */
private fun Caller.awaitState(fd: Int, events: Int) = eventually { poll(fd, ALL) shouldBe events }

/** shutdown(2) and close(2): how the two directions of a connection end. */
class StreamEndSpec : ContractSpec({
    contracts(Family.entries, "SHUT_WR ends the stream behind what was sent, and nothing else") { family ->
        val (client, server) = connection(family)
        send(client, "last words") shouldBe 10
        libc.shutdown(client, Linux.SHUT_WR) shouldBe 0
        awaitState(server, IN or OUT or RDHUP)
        receiveText(server) shouldBe "last words"
        repeat(2) { receive(server) shouldBe 0 }
        send(client, "x") shouldFailWith Errno.EPIPE
        send(server, "an answer") shouldBe 9
        awaitReadable(client)
        receiveText(client) shouldBe "an answer"
        poll(client, ALL) shouldBe OUT
        libc.shutdown(client, Linux.SHUT_WR) shouldBe 0
    }

    contracts(Family.entries, "when both ends have shut down there is HUP, and both read the end") { family ->
        val (client, server) = connection(family)
        libc.shutdown(client, Linux.SHUT_WR) shouldBe 0
        awaitState(server, IN or OUT or RDHUP)
        libc.shutdown(server, Linux.SHUT_WR) shouldBe 0
        for (fd in listOf(client, server)) {
            awaitState(fd, IN or OUT or RDHUP or HUP)
            receive(fd) shouldBe 0
            send(fd, "x") shouldFailWith Errno.EPIPE
            pendingError(fd) shouldBe 0
        }
    }

    contracts(Family.entries, "SHUT_RD ends one's own reading") { family ->
        val (client, server) = connection(family)
        libc.shutdown(server, Linux.SHUT_RD) shouldBe 0
        receive(server) shouldBe 0
        poll(server, ALL) shouldBe (IN or OUT or RDHUP)
        send(server, "still writing") shouldBe 13
        awaitReadable(client)
        receiveText(client) shouldBe "still writing"
    }

    contract("unix: who has shut down reading is sent nothing any more") {
        val (client, server) = connection(Family.UNIX)
        libc.shutdown(server, Linux.SHUT_RD) shouldBe 0
        send(client, "x") shouldFailWith Errno.EPIPE
    }

    contracts(Family.entries, "SHUT_RDWR ends both directions") { family ->
        val (client, server) = connection(family)
        send(client, "before") shouldBe 6
        libc.shutdown(client, Linux.SHUT_RDWR) shouldBe 0
        receive(client) shouldBe 0
        send(client, "x") shouldFailWith Errno.EPIPE
        awaitReadable(server)
        receiveText(server) shouldBe "before"
        awaitReadable(server)
        receive(server) shouldBe 0
    }

    contracts(Family.INTERNET, "a close is an end to the peer, who may write until it is told better: then EPIPE") { family ->
        val (client, server) = connection(family)
        send(server, "bye") shouldBe 3
        awaitReadable(client)
        receiveText(client) shouldBe "bye"
        close(server)
        awaitState(client, IN or OUT or RDHUP)
        receive(client) shouldBe 0
        send(client, "nobody reads this") shouldBe 17
        eventually { send(client, "x") shouldFailWith Errno.EPIPE }
        poll(client, ALL) and HUP shouldBe HUP
        receive(client) shouldBe 0
    }

    contract("unix: a close is an end to the peer and HUP, and EPIPE to its writes") {
        val (client, server) = connection(Family.UNIX)
        send(server, "bye") shouldBe 3
        close(server)
        poll(client, ALL) shouldBe (IN or OUT or RDHUP or HUP)
        receiveText(client) shouldBe "bye"
        receive(client) shouldBe 0
        send(client, "x") shouldFailWith Errno.EPIPE
        pendingError(client) shouldBe 0
    }

    contracts(Family.entries, "a close with bytes that were not read is a reset: ECONNRESET, once") { family ->
        val (client, server) = connection(family)
        send(client, "unread") shouldBe 6
        awaitReadable(server)
        close(server)
        awaitState(client, ALL or ERR or HUP)
        receive(client) shouldFailWith Errno.ECONNRESET
        repeat(2) { receive(client) shouldBe 0 }
        send(client, "x") shouldFailWith Errno.EPIPE
        pendingError(client) shouldBe 0
    }

    contracts(Family.INTERNET, "a close with SO_LINGER of no time is a reset") { family ->
        val (client, server) = connection(family)
        resetByClose(server)
        awaitState(client, ALL or ERR or HUP)
        pendingError(client) shouldBe Errno.ECONNRESET
        pendingError(client) shouldBe 0
        awaitState(client, ALL or HUP)
        receive(client) shouldBe 0
        send(client, "x") shouldFailWith Errno.EPIPE
    }

    contracts(Family.INTERNET, "a reset is told once, to whichever call asks first: a write as well") { family ->
        val (client, server) = connection(family)
        resetByClose(server)
        awaitState(client, ALL or ERR or HUP)
        send(client, "x") shouldFailWith Errno.ECONNRESET
        send(client, "x") shouldFailWith Errno.EPIPE
        receive(client) shouldBe 0
    }

    contracts(Family.INTERNET, "what was received before a reset can be read, before the reset is told") { family ->
        val (client, server) = connection(family)
        send(server, "read me") shouldBe 7
        awaitReadable(client)
        resetByClose(server)
        awaitState(client, ALL or ERR or HUP)
        receiveText(client) shouldBe "read me"
        receive(client) shouldFailWith Errno.ECONNRESET
        receive(client) shouldBe 0
    }

    contracts(Family.INTERNET, "what a reset finds unsent is lost") { family ->
        val (client, server) = connection(family)
        fill(server)
        resetByClose(server)
        awaitState(client, ALL or ERR or HUP)
        while (receive(client).also { if (it < 0) it shouldFailWith Errno.ECONNRESET } > 0) Unit
        receive(client) shouldBe 0
    }

    contracts(Family.INTERNET, "after a reset there is no peer") { family ->
        val (client, server) = connection(family)
        resetByClose(server)
        awaitState(client, ALL or ERR or HUP)
        address { at, length -> libc.getpeername(client, at, length) }.first shouldFailWith Errno.ENOTCONN
        libc.shutdown(client, Linux.SHUT_WR) shouldFailWith Errno.ENOTCONN
    }

    contracts(Family.entries, "a connection ends with the last number of its socket") { family ->
        val (client, server) = connection(family)
        val copy = duplicate(server)
        close(server)
        poll(client, ALL) shouldBe OUT
        send(client, "x") shouldBe 1
        awaitReadable(copy)
        receive(copy) shouldBe 1
        close(copy)
        awaitReadable(client)
        receive(client) shouldBe 0
    }

    contracts(Family.entries, "a shutdown is of the socket, not of the number") { family ->
        val (client, server) = connection(family)
        libc.shutdown(duplicate(server), Linux.SHUT_WR) shouldBe 0
        awaitReadable(client)
        receive(client) shouldBe 0
        send(server, "x") shouldFailWith Errno.EPIPE
    }

    contracts(Family.entries, "a way to shut down that is none is EINVAL") { family ->
        libc.shutdown(connection(family).first, 3) shouldFailWith Errno.EINVAL
        libc.shutdown(eventfd(), Linux.SHUT_WR) shouldFailWith Errno.ENOTSOCK
    }

    contract("the end of a socket pair is as that of a unix connection") {
        val (left, right) = socketPair()
        libc.shutdown(left, Linux.SHUT_WR) shouldBe 0
        poll(right, ALL) shouldBe (IN or OUT or RDHUP)
        poll(left, ALL) shouldBe OUT
        close(left)
        poll(right, ALL) shouldBe (IN or OUT or RDHUP or HUP)
        receive(right) shouldBe 0
        send(right, "x") shouldFailWith Errno.EPIPE
    }
})
