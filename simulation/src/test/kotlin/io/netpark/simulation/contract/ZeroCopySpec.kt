package io.netpark.simulation.contract

import io.kotest.matchers.collections.shouldBeIn
import io.kotest.matchers.shouldBe
import io.netpark.core.linux.Linux
import io.netpark.core.linux.ZeroCopyNotice
import io.netpark.core.sys.Errno

private const val LENGTH = 32 * 1024

/** The numbers of the sends that a notice is about, or null if there is none. */
private fun Caller.notice(fd: Int): IntRange? {
    val message = tryReceiveMessage(fd, controlRoom = ZeroCopyNotice.ROOM, flags = Linux.MSG_ERRQUEUE)
    if (message.result < 0) {
        message.result shouldFailWith Errno.EAGAIN
        return null
    }
    message.flags and Linux.MSG_CTRUNC shouldBe 0
    val at = ZeroCopyNotice.find(message.control.buffer(), 0, message.controlLength)
    return ZeroCopyNotice.first(message.control.buffer(), at)..ZeroCopyNotice.last(message.control.buffer(), at)
}

/** Waits for notices up to that of send number [last], with a peer who reads. */
private fun Caller.noticesUpTo(fd: Int, peer: Int, last: Int): List<IntRange> {
    val all = mutableListOf<IntRange>()
    while (all.lastOrNull()?.last != last) {
        drain(peer)
        poll(fd, 0, 1)
        notice(fd)?.let { all += it }
    }
    return all
}

/** MSG_ZEROCOPY of send(2), and its notices (Documentation/networking/msg_zerocopy.rst). */
class ZeroCopySpec : ContractSpec({
    fun zeroCopy(name: String, body: Caller.(Family) -> Unit) {
        for (family in Family.INTERNET) {
            contract("$family: $name", Feature.ZERO_COPY, *family.needs.toTypedArray()) { body(family) }
        }
    }

    zeroCopy("sends are numbered from 0, and every one is in one notice") { family ->
        val (client, server) = connection(family)
        setOption(client, Linux.SOL_SOCKET, Linux.SO_ZEROCOPY, 1) shouldBe 0
        option(client, Linux.SOL_SOCKET, Linux.SO_ZEROCOPY) shouldBe 1
        notice(client) shouldBe null
        repeat(3) { send(client, LENGTH, Linux.MSG_ZEROCOPY) shouldBe LENGTH.toLong() }
        noticesUpTo(client, server, 2).flatten() shouldBe listOf(0, 1, 2)
        send(client, LENGTH, Linux.MSG_ZEROCOPY) shouldBe LENGTH.toLong()
        noticesUpTo(client, server, 3) shouldBe listOf(3..3)
        notice(client) shouldBe null
    }

    zeroCopy("a notice that waits is ERR, and no error") { family ->
        val (client, server) = connection(family)
        val epfd = epoll()
        setOption(client, Linux.SOL_SOCKET, Linux.SO_ZEROCOPY, 1) shouldBe 0
        send(client, LENGTH, Linux.MSG_ZEROCOPY) shouldBe LENGTH.toLong()
        watch(epfd, client, 0)
        do {
            drain(server)
        } while (look(epfd, timeoutMillis = 1).isEmpty())
        look(epfd) shouldBe mapOf(client.toLong() to Linux.EPOLLERR)
        pendingError(client) shouldBe 0
        notice(client) shouldBe 0..0
        look(epfd) shouldBe emptyMap()
        receive(client) shouldFailWith Errno.EAGAIN
    }

    zeroCopy("without the flag or the option there is no notice") { family ->
        val (client, server) = connection(family)
        send(client, LENGTH, Linux.MSG_ZEROCOPY) shouldBe LENGTH.toLong()
        setOption(client, Linux.SOL_SOCKET, Linux.SO_ZEROCOPY, 1) shouldBe 0
        send(client, LENGTH) shouldBe LENGTH.toLong()
        send(client, LENGTH, Linux.MSG_ZEROCOPY) shouldBe LENGTH.toLong()
        noticesUpTo(client, server, 0) shouldBe listOf(0..0)
    }

    contract("a socket that cannot do it says so", Feature.ZERO_COPY) {
        setOption(socket(Family.UNIX), Linux.SOL_SOCKET, Linux.SO_ZEROCOPY, 1) shouldBeIn listOf(-Errno.EOPNOTSUPP, -524)
        setOption(socket(Family.IPV4), Linux.SOL_SOCKET, Linux.SO_ZEROCOPY, 2) shouldFailWith Errno.EINVAL
    }

    contract("an error queue that is empty is EAGAIN, also where it is always empty") {
        for (family in listOf(Family.IPV4, Family.UNIX)) {
            tryReceiveMessage(connection(family).first, controlRoom = 100, flags = Linux.MSG_ERRQUEUE).result shouldBeIn
                listOf(-Errno.EAGAIN.toLong(), -Errno.EOPNOTSUPP.toLong())
        }
    }
})
