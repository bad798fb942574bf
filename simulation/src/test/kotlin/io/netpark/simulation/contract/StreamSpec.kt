package io.netpark.simulation.contract

import io.kotest.matchers.longs.shouldBeGreaterThan
import io.kotest.matchers.longs.shouldBeLessThan
import io.kotest.matchers.shouldBe
import io.netpark.core.linux.Linux
import io.netpark.core.sys.Errno
import io.netpark.core.testing.eventually

/** More than any socket takes at once. */
private const val LARGE = 32 * 1024 * 1024

/** The byte at [position] of a stream, so that none can be missing or twice. */
private fun byteAt(position: Long): Byte = (position * 31 + (position shr 8) * 7 + (position shr 16)).toByte()

/** send(2), recv(2), sendmsg(2) and their kin on connections. */
class StreamSpec : ContractSpec({
    contracts(Family.entries, "bytes arrive in order and without the boundaries of sends, in both directions") { family ->
        val (client, server) = connection(family)
        for ((from, to) in listOf(client to server, server to client)) {
            receive(to) shouldFailWith Errno.EAGAIN
            send(from, "hello, ") shouldBe 7
            send(from, "world") shouldBe 5
            awaitArrival(to, 12)
            receiveText(to, 4) shouldBe "hell"
            receiveText(to) shouldBe "o, world"
            receive(to) shouldFailWith Errno.EAGAIN
        }
    }

    contracts(Family.entries, "read and write do what recv and send do") { family ->
        val (client, server) = connection(family)
        write(client, "as a file") shouldBe 9
        awaitReadable(server)
        readText(server) shouldBe "as a file"
    }

    contracts(Family.entries, "what is peeked at stays") { family ->
        val (client, server) = connection(family)
        send(client, "look") shouldBe 4
        awaitReadable(server)
        repeat(2) { receiveText(server, 3, Linux.MSG_PEEK) shouldBe "loo" }
        receiveText(server) shouldBe "look"
    }

    contracts(Family.entries, "MSG_DONTWAIT keeps a socket that blocks from doing so") { family ->
        val (client, server) = connection(family)
        libc.fcntl(server, Linux.F_SETFL, 0) shouldBe 0
        receive(server, flags = Linux.MSG_DONTWAIT) shouldFailWith Errno.EAGAIN
        send(client, "x") shouldBe 1
        awaitReadable(server)
        receive(server, flags = Linux.MSG_DONTWAIT) shouldBe 1
    }

    contracts(Family.entries, "sendmsg gathers, recvmsg and readv scatter") { family ->
        val (client, server) = connection(family)
        sendMessage(client, "one ", "two ", "", "three") shouldBe 13
        awaitArrival(server, 13)
        receiveMessage(server, 2, 6).parts shouldBe listOf("on", "e two ")
        val (first, second) = memory(1) to memory(100)
        libc.readv(server, vector(first, second).address(), 2) shouldBe 5
        first.text() + "|" + second.text(4) shouldBe "t|hree"
        tryReceiveMessage(server, 10).result shouldFailWith Errno.EAGAIN
    }

    contracts(Family.entries, "nothing sent is nothing received") { family ->
        val (client, server) = connection(family)
        send(client, 0) shouldBe 0
        receive(server) shouldFailWith Errno.EAGAIN
        send(client, "x") shouldBe 1
        awaitReadable(server)
        receive(server, 0) shouldBe 0
        receive(server) shouldBe 1
    }

    contracts(Family.entries, "a send that does not fit is taken in part, then EAGAIN and no OUT, until the peer has received") { family ->
        val (client, server) = connection(family)
        val sent = send(client, LARGE)
        sent shouldBeGreaterThan 0
        sent shouldBeLessThan LARGE.toLong()
        var more = 0L
        eventually { // bytes may be on their way still, and make room when they are there
            more += fill(client)
            poll(client, Linux.EPOLLOUT) shouldBe 0
        }
        var received = 0L
        while (received < sent + more) {
            awaitReadable(server)
            received += receive(server)
        }
        receive(server) shouldFailWith Errno.EAGAIN
        awaitWritable(client) shouldBe Linux.EPOLLOUT
        send(client, "x") shouldBe 1
    }

    contracts(Family.entries, "every byte of many arrives once and in its place, whatever the sizes") { family ->
        val (client, server) = connection(family)
        val total = 3_000_000L
        val out = memory(70_000)
        val input = memory(50_000)
        var sent = 0L
        var received = 0L
        var step = 0
        while (received < total) {
            step++
            val length = minOf((step * 7919L) % out.size() + 1, total - sent)
            for (i in 0 until length.toInt()) out.buffer().put(i, byteAt(sent + i))
            val result = libc.send(client, out.address(), length, Linux.MSG_NOSIGNAL)
            if (result < 0) result shouldFailWith Errno.EAGAIN else sent += result
            if (sent > received) awaitReadable(server)
            val got = libc.recv(server, input.address(), (step * 104_729L) % input.size() + 1, 0)
            if (got < 0) got shouldFailWith Errno.EAGAIN
            for (i in 0 until maxOf(0, got).toInt()) {
                if (input.buffer().get(i) != byteAt(received + i)) throw AssertionError("byte ${received + i} is not as it was sent")
            }
            received += maxOf(0, got)
        }
        sent shouldBe total
    }

    contracts(Family.entries, "smaller buffers take less") { family ->
        fun capacity(size: Int): Long {
            val listener = listener(family)
            setOption(listener, Linux.SOL_SOCKET, Linux.SO_RCVBUF, size) shouldBe 0
            val client = socket(family)
            setOption(client, Linux.SOL_SOCKET, Linux.SO_SNDBUF, size) shouldBe 0
            connect(client, localAddress(listener))
            awaitWritable(client)
            return fill(client, 512).also { accept(listener) }
        }
        capacity(8 * 1024) shouldBeLessThan capacity(256 * 1024)
    }

    contracts(Family.entries, "IOV_MAX parts are taken, not one more; a negative count is refused") { family ->
        val (client, server) = connection(family)
        val parts = Array(Linux.IOV_MAX + 1) { memory(1) }
        libc.readv(server, vector(*parts).address(), Linux.IOV_MAX + 1) shouldFailWith Errno.EINVAL
        libc.readv(server, vector(*parts).address(), -1) shouldFailWith Errno.EINVAL
        sendMessage(client, *Array(Linux.IOV_MAX + 1) { "x" }) shouldFailWith Errno.EMSGSIZE
        sendMessage(client, *Array(Linux.IOV_MAX) { "x" }) shouldBe Linux.IOV_MAX.toLong()
        awaitArrival(server, Linux.IOV_MAX)
        libc.readv(server, vector(*parts).address(), Linux.IOV_MAX) shouldBe Linux.IOV_MAX.toLong()
    }

    contract("a socket pair is a connection as well") {
        val (left, right) = socketPair()
        send(left, "across") shouldBe 6
        receiveText(right) shouldBe "across"
        sendMessage(right, "and ", "back") shouldBe 8
        receiveText(left) shouldBe "and back"
    }
})

/** Waits until so many bytes can be received. */
internal fun Caller.awaitArrival(fd: Int, length: Int) {
    eventually { receive(fd, length, Linux.MSG_PEEK) shouldBe length.toLong() }
}
