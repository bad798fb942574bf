package io.netpark.simulation.contract

import io.kotest.matchers.collections.shouldBeIn
import io.kotest.matchers.shouldBe
import io.netpark.core.linux.Linux
import io.netpark.core.linux.MMsgHdr
import io.netpark.core.linux.MsgHdr
import io.netpark.core.memory.NativeMemory
import io.netpark.core.sys.Errno
import io.netpark.core.sys.SockAddr
import io.netpark.core.sys.UnixAddress
import java.net.SocketAddress

/** Headers of messages, each with a part and room for an address. */
private class Batch(caller: Caller, private val parts: List<NativeMemory>, to: SocketAddress?) {
    private val names = parts.map { caller.memory(SockAddr.MAX_SIZE) }
    private val headers = caller.memory(parts.size * MMsgHdr.SIZE)

    val address: Long get() = headers.address()

    init {
        parts.forEachIndexed { i, part ->
            val length = to?.let { SockAddr.write(names[i].buffer(), 0, it) } ?: SockAddr.MAX_SIZE
            val name = if (to == NOBODY) 0 else names[i].address()
            MsgHdr.write(headers.buffer(), i * MMsgHdr.SIZE, name, if (name == 0L) 0 else length, caller.vector(part).address(), 1, 0, 0)
        }
    }

    fun length(index: Int): Int = MMsgHdr.length(headers.buffer(), index * MMsgHdr.SIZE)

    fun text(index: Int): String = parts[index].text(length(index))

    fun from(index: Int): SocketAddress =
        SockAddr.read(names[index].buffer(), 0, MsgHdr.nameLength(headers.buffer(), index * MMsgHdr.SIZE))

    companion object {
        /** No address at all. */
        val NOBODY = UnixAddress.UNNAMED
    }
}

private fun Caller.outgoing(vararg texts: String, to: SocketAddress = Batch.NOBODY) =
    Batch(this, texts.map { memory(it.toByteArray()) }, to)

private fun Caller.incoming(count: Int) = Batch(this, List(count) { memory(100) }, null)

/** sendmmsg(2), recvmmsg(2). */
class MessageBatchSpec : ContractSpec({
    contracts(Family.entries, "many messages leave and arrive by one call each, every one with its length and sender") { family ->
        val (left, right) = datagrams(family) to datagrams(family)
        val out = outgoing("one", "two two", "three", to = localAddress(right))
        libc.sendmmsg(left, out.address, 3, Linux.MSG_NOSIGNAL) shouldBe 3
        List(3) { out.length(it) } shouldBe listOf(3, 7, 5)
        val received = mutableListOf<String>()
        while (received.size < 3) { // those of UDP may be on their way still
            awaitReadable(right)
            val input = incoming(5)
            val count = libc.recvmmsg(right, input.address, 5, 0)
            if (family == Family.UNIX) count shouldBe 3
            repeat(count) {
                received += input.text(it)
                input.from(it) shouldBe localAddress(left)
            }
        }
        received shouldBe listOf("one", "two two", "three")
        libc.recvmmsg(right, incoming(5).address, 5, 0) shouldFailWith Errno.EAGAIN
    }

    contract("a batch that has less room leaves the rest") {
        val (left, right) = datagrams(Family.UNIX) to datagrams(Family.UNIX)
        connect(left, localAddress(right)) shouldBe 0
        libc.sendmmsg(left, outgoing("a", "b", "c").address, 3, Linux.MSG_NOSIGNAL) shouldBe 3
        val input = incoming(2)
        libc.recvmmsg(right, input.address, 2, 0) shouldBe 2
        input.text(0) + input.text(1) shouldBe "ab"
        receiveText(right) shouldBe "c"
    }

    contracts(Family.entries, "a batch of nothing is nothing") { family ->
        val fd = datagrams(family)
        libc.sendmmsg(fd, outgoing("x").address, 0, Linux.MSG_NOSIGNAL) shouldBe 0
        libc.recvmmsg(fd, incoming(1).address, 0, 0) shouldBe 0
    }

    contract("unix: a batch that meets a full receiver is sent in part, and then EAGAIN") {
        val right = datagrams(Family.UNIX)
        val left = datagrams(Family.UNIX)
        connect(left, localAddress(right)) shouldBe 0
        val many = outgoing(*Array(1000) { "message" })
        var sent = 0
        while (true) {
            val result = libc.sendmmsg(left, many.address, 1000, Linux.MSG_NOSIGNAL)
            if (result < 0) {
                result shouldFailWith Errno.EAGAIN
                break
            }
            sent += result
        }
        repeat(sent) { receiveText(right) shouldBe "message" }
        receive(right) shouldFailWith Errno.EAGAIN
    }

    contracts(Family.entries, "an error counts only if nothing has been moved before") { family ->
        val (left, right) = datagrams(family) to datagrams(family)
        val first = outgoing("fine", to = localAddress(right))
        libc.sendmmsg(left, first.address, 1, Linux.MSG_NOSIGNAL) shouldBe 1
        libc.sendmmsg(left, outgoing("nowhere").address, 1, Linux.MSG_NOSIGNAL) shouldBeIn
            listOf(-Errno.EDESTADDRREQ, -Errno.ENOTCONN)
        libc.sendmmsg(-1, first.address, 1, Linux.MSG_NOSIGNAL) shouldFailWith Errno.EBADF
        libc.recvmmsg(eventfd(), first.address, 1, 0) shouldFailWith Errno.ENOTSOCK
    }
})
