package io.netpark.simulation.contract

import io.kotest.matchers.longs.shouldBeGreaterThan
import io.kotest.matchers.longs.shouldBeLessThan
import io.kotest.matchers.shouldBe
import io.netpark.core.linux.Linux
import io.netpark.core.memory.NativeMemory
import io.netpark.core.sys.Errno

private const val DIGITS = "0123456789"

private fun Caller.offset(value: Long): NativeMemory = memory(8).apply { buffer().putLong(0, value) }

/** sendfile(2). */
class SendFileSpec : ContractSpec({
    contracts(Family.entries, "it sends from an offset, and moves that on") { family ->
        val (client, server) = connection(family)
        val fd = openFile(kernel.file("digits", DIGITS.toByteArray()))
        val offset = offset(4)
        libc.sendfile(client, fd, offset.address(), 3) shouldBe 3
        offset.buffer().getLong(0) shouldBe 7
        libc.sendfile(client, fd, offset.address(), Linux.SENDFILE_MAX.toLong()) shouldBe 3
        libc.sendfile(client, fd, offset.address(), 1) shouldBe 0
        offset.buffer().getLong(0) shouldBe 10
        awaitArrival(server, 6)
        receiveText(server) shouldBe "456789"
    }

    contract("without an offset it goes by the file's own position") {
        val (left, right) = socketPair()
        val fd = openFile(kernel.file("digits", DIGITS.toByteArray()))
        libc.sendfile(left, fd, 0, 2) shouldBe 2
        libc.sendfile(left, fd, 0, 2) shouldBe 2
        receiveText(right) shouldBe "0123"
        readText(fd, 2) shouldBe "45"
        val offset = offset(8)
        libc.sendfile(left, fd, offset.address(), 2) shouldBe 2
        readText(fd, 2) shouldBe "67"
    }

    contract("an offset behind the end sends nothing, whatever its size") {
        val (left, right) = socketPair()
        val fd = openFile(kernel.file("digits", DIGITS.toByteArray()))
        for (beyond in listOf(10L, 5L shl 32)) {
            val offset = offset(beyond)
            libc.sendfile(left, fd, offset.address(), 1) shouldBe 0
            offset.buffer().getLong(0) shouldBe beyond
        }
        receive(right) shouldFailWith Errno.EAGAIN
    }

    contracts(Family.entries, "what the connection does not take stays: in part first, then EAGAIN") { family ->
        val (client, server) = connection(family)
        val content = ByteArray(16 * 1024 * 1024) { (it * 7 + (it shr 8)).toByte() }
        val fd = openFile(kernel.file("large", content))
        val offset = offset(0)
        val first = libc.sendfile(client, fd, offset.address(), content.size.toLong())
        first shouldBeGreaterThan 0
        first shouldBeLessThan content.size.toLong()
        offset.buffer().getLong(0) shouldBe first
        val bytes = memory(Caller.SCRATCH)
        var received = 0
        while (received < content.size) {
            val sent = libc.sendfile(client, fd, offset.address(), content.size - offset.buffer().getLong(0))
            if (sent < 0) sent shouldFailWith Errno.EAGAIN
            awaitReadable(server)
            val got = libc.recv(server, bytes.address(), bytes.size().toLong(), 0).toInt()
            for (i in 0 until got) {
                if (bytes.buffer().get(i) != content[received + i]) throw AssertionError("byte ${received + i} is not that of the file")
            }
            received += got
        }
        offset.buffer().getLong(0) shouldBe content.size.toLong()
    }

    contract("a pipe takes a file as well") {
        val (reader, writer) = pipe()
        libc.sendfile(writer, openFile(kernel.file("digits", DIGITS.toByteArray())), offset(5).address(), 100) shouldBe 5
        readText(reader) shouldBe "56789"
    }

    contracts(Family.entries, "a connection that is shut down is EPIPE") { family ->
        val (client, _) = connection(family)
        val fd = openFile(kernel.file("digits", DIGITS.toByteArray()))
        libc.shutdown(client, Linux.SHUT_WR) shouldBe 0
        val offset = offset(0)
        libc.sendfile(client, fd, offset.address(), 10) shouldFailWith Errno.EPIPE
        offset.buffer().getLong(0) shouldBe 0
    }

    contract("what is wrong has its errno") {
        val (reader, writer) = pipe()
        val fd = openFile(kernel.file("digits", DIGITS.toByteArray()))
        libc.sendfile(-1, fd, 0, 1) shouldFailWith Errno.EBADF
        libc.sendfile(writer, -1, 0, 1) shouldFailWith Errno.EBADF
        libc.sendfile(reader, fd, 0, 1) shouldFailWith Errno.EBADF
        libc.sendfile(writer, reader, 0, 1) shouldFailWith Errno.EINVAL
        libc.sendfile(writer, fd, offset(-1).address(), 1) shouldFailWith Errno.EINVAL
        libc.sendfile(writer, fd, 0, 0) shouldBe 0
    }
})
