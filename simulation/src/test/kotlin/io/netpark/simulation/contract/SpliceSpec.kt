package io.netpark.simulation.contract

import io.kotest.matchers.comparables.shouldBeBetween
import io.kotest.matchers.shouldBe
import io.netpark.core.linux.Linux
import io.netpark.core.sys.Errno
import java.io.ByteArrayOutputStream

private const val DIGITS = "0123456789"
private const val NOW = Linux.SPLICE_F_MOVE or Linux.SPLICE_F_NONBLOCK
private const val PIECE = 64L * 1024

private fun Caller.splice(from: Int, to: Int, length: Long = PIECE, flags: Int = NOW): Long = libc.splice(from, 0, to, 0, length, flags)

/** splice(2). */
class SpliceSpec : ContractSpec({
    contracts(Family.entries, "bytes go from a connection into a pipe, and from the pipe into a connection") { family ->
        val (client, server) = connection(family)
        val (left, right) = connection(family)
        val (reader, writer) = pipe()
        splice(server, writer) shouldFailWith Errno.EAGAIN
        splice(reader, left) shouldFailWith Errno.EAGAIN
        send(client, "through a pipe") shouldBe 14
        awaitArrival(server, 14)
        splice(server, writer, 7) shouldBe 7
        splice(server, writer) shouldBe 7
        splice(reader, left, 3, NOW or Linux.SPLICE_F_MORE) shouldBe 3
        splice(reader, left) shouldBe 11
        awaitArrival(right, 14)
        receiveText(right) shouldBe "through a pipe"
    }

    contracts(Family.entries, "the end of a stream is 0, of a pipe as well") { family ->
        val (client, server) = connection(family)
        val (left, _) = connection(family)
        val (reader, writer) = pipe()
        send(client, "end") shouldBe 3
        libc.shutdown(client, Linux.SHUT_WR) shouldBe 0
        awaitAny(server, Linux.EPOLLRDHUP)
        splice(server, writer) shouldBe 3
        splice(server, writer) shouldBe 0
        close(writer)
        splice(reader, left) shouldBe 3
        splice(reader, left) shouldBe 0
    }

    contracts(Family.entries, "a connection that takes no more leaves the bytes in the pipe") { family ->
        val (client, server) = connection(family)
        val (reader, writer) = pipe()
        val size = libc.fcntl(reader, Linux.F_GETPIPE_SZ, 0).toLong()
        fill(client)
        fill(writer)
        var inPipe = size
        while (true) { // what is on its way to the peer makes room
            val moved = splice(reader, client)
            if (moved < 0) {
                moved shouldFailWith Errno.EAGAIN
                break
            }
            inPipe -= moved
            inPipe += fill(writer)
        }
        awaitReadable(server)
        drain(reader) shouldBe inPipe
    }

    contract("a pipe that is full takes nothing: EAGAIN, with the bytes left where they are") {
        val (left, right) = socketPair()
        val (_, writer) = pipe()
        fill(writer)
        send(left, "waiting") shouldBe 7
        splice(right, writer) shouldFailWith Errno.EAGAIN
        receiveText(right) shouldBe "waiting"
    }

    contract("a file goes into a pipe from an offset, which moves on, or from its own position") {
        val (reader, writer) = pipe()
        val fd = openFile(kernel.file("digits", DIGITS.toByteArray()))
        val offset = memory(8).apply { buffer().putLong(0, 6) }
        libc.splice(fd, offset.address(), writer, 0, 100, NOW) shouldBe 4
        offset.buffer().getLong(0) shouldBe 10
        libc.splice(fd, offset.address(), writer, 0, 100, NOW) shouldBe 0
        splice(fd, writer, 2) shouldBe 2
        readText(reader) shouldBe "678901"
        readText(fd, 2) shouldBe "23"
    }

    contract("bytes go from pipe to pipe") {
        val (firstReader, firstWriter) = pipe()
        val (secondReader, secondWriter) = pipe()
        write(firstWriter, "from pipe to pipe") shouldBe 17
        splice(firstReader, secondWriter, 9) shouldBe 9
        readText(firstReader) + readText(secondReader) shouldBe " to pipefrom pipe"
        splice(firstReader, secondWriter) shouldFailWith Errno.EAGAIN
    }

    contracts(Family.entries, "into a connection that is shut down it fails with EPIPE, and takes nothing from the pipe") { family ->
        val (client, _) = connection(family)
        val (reader, writer) = pipe()
        write(writer, "kept") shouldBe 4
        libc.shutdown(client, Linux.SHUT_WR) shouldBe 0
        splice(reader, client) shouldFailWith Errno.EPIPE
        readText(reader) shouldBe "kept"
    }

    contract("into a pipe without readers it fails with EPIPE") {
        val (left, right) = socketPair()
        val (reader, writer) = pipe()
        send(left, "x") shouldBe 1
        close(reader)
        splice(right, writer) shouldFailWith Errno.EPIPE
    }

    contract("a large file arrives whole, as fast as the pipe is emptied") {
        val content = ByteArray(300_000) { (it * 7 + (it shr 8)).toByte() }
        val fd = openFile(kernel.file("large", content))
        val (reader, writer) = pipe()
        val offset = memory(8)
        val got = ByteArrayOutputStream()
        val bytes = memory(PIECE.toInt())
        while (got.size() < content.size) {
            val moved = libc.splice(fd, offset.address(), writer, 0, PIECE, NOW)
            moved.shouldBeBetween(1L, PIECE)
            val read = libc.read(reader, bytes.address(), PIECE)
            repeat(read.toInt()) { got.write(bytes.buffer().get(it).toInt()) }
        }
        got.toByteArray().contentEquals(content) shouldBe true
        libc.splice(fd, offset.address(), writer, 0, PIECE, NOW) shouldBe 0
    }

    contract("what is wrong has its errno") {
        val (left, right) = socketPair()
        val (reader, writer) = pipe()
        val offset = memory(8).address()
        splice(left, right) shouldFailWith Errno.EINVAL
        splice(-1, writer) shouldFailWith Errno.EBADF
        splice(left, reader) shouldFailWith Errno.EBADF
        splice(writer, left) shouldFailWith Errno.EBADF
        libc.splice(reader, offset, left, 0, 1, NOW) shouldFailWith Errno.ESPIPE
        splice(reader, writer, 1) shouldFailWith Errno.EINVAL
        splice(left, writer, 1, -1) shouldFailWith Errno.EINVAL
        splice(left, writer, 0) shouldBe 0
    }
})
