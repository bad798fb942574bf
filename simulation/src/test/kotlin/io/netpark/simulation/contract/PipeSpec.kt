package io.netpark.simulation.contract

import io.kotest.matchers.comparables.shouldBeBetween
import io.kotest.matchers.ints.shouldBeGreaterThanOrEqual
import io.kotest.matchers.shouldBe
import io.netpark.core.linux.Linux
import io.netpark.core.sys.Errno

/** errno-base.h; not among those that Netpark knows. */
private const val EBUSY = 16

/** What one write(2) of a pipe moves as a whole or not at all (pipe(7)). */
private const val PIPE_BUF = 4096

/** pipe(2), pipe(7). */
class PipeSpec : ContractSpec({
    contract("bytes come out in the order in which they went in, without the boundaries of writes") {
        val (reader, writer) = pipe()
        write(writer, "hello, ") shouldBe 7
        write(writer, "world") shouldBe 5
        readText(reader, 4) shouldBe "hell"
        readText(reader) shouldBe "o, world"
        read(reader) shouldFailWith Errno.EAGAIN
    }

    contract("nothing is read and written by a call with no length") {
        val (reader, writer) = pipe()
        write(writer, 0) shouldBe 0
        read(reader) shouldFailWith Errno.EAGAIN
        write(writer, "x") shouldBe 1
        read(reader, 0) shouldBe 0
        readText(reader) shouldBe "x"
    }

    contract("readv scatters what there is") {
        val (reader, writer) = pipe()
        write(writer, "abcdef") shouldBe 6
        val (first, second) = memory(2) to memory(100)
        libc.readv(reader, vector(first, second).address(), 2) shouldBe 6
        first.text() + "|" + second.text(4) shouldBe "ab|cdef"
    }

    contract("without writers it ends after the last byte, as often as it is asked") {
        val (reader, writer) = pipe()
        write(writer, "last") shouldBe 4
        close(writer)
        readText(reader) shouldBe "last"
        repeat(2) { read(reader) shouldBe 0 }
    }

    contract("without readers a write fails with EPIPE") {
        val (reader, writer) = pipe()
        write(writer, "lost") shouldBe 4
        close(reader)
        repeat(2) { write(writer, "x") shouldFailWith Errno.EPIPE }
    }

    contract("it holds as many bytes as F_GETPIPE_SZ says, then EAGAIN; a page that was read makes room for another") {
        val (reader, writer) = pipe()
        val size = libc.fcntl(writer, Linux.F_GETPIPE_SZ, 0)
        libc.fcntl(reader, Linux.F_GETPIPE_SZ, 0) shouldBe size
        fill(writer) shouldBe size.toLong()
        poll(writer, Linux.EPOLLOUT) shouldBe 0
        read(reader, PIPE_BUF) shouldBe PIPE_BUF.toLong()
        poll(writer, Linux.EPOLLOUT) shouldBe Linux.EPOLLOUT
        write(writer, PIPE_BUF) shouldBe PIPE_BUF.toLong()
        write(writer, 1) shouldFailWith Errno.EAGAIN
    }

    contract("up to PIPE_BUF bytes are written as a whole or not at all, more in part") {
        val (reader, writer) = pipe()
        val size = libc.fcntl(writer, Linux.F_GETPIPE_SZ, 0)
        write(writer, size - PIPE_BUF) shouldBe (size - PIPE_BUF).toLong()
        write(writer, PIPE_BUF / 2 + 1) shouldBe (PIPE_BUF / 2 + 1).toLong()
        write(writer, PIPE_BUF) shouldFailWith Errno.EAGAIN
        write(writer, PIPE_BUF / 2 - 1) shouldBe (PIPE_BUF / 2 - 1).toLong()
        read(reader, 2 * PIPE_BUF) shouldBe 2L * PIPE_BUF
        write(writer, 5 * PIPE_BUF).shouldBeBetween(1L, 2L * PIPE_BUF)
    }

    contract("F_SETPIPE_SZ gives at least what it is asked for, in whole pages, and not less than is inside") {
        val (reader, writer) = pipe()
        val given = libc.fcntl(writer, Linux.F_SETPIPE_SZ, 2 * PIPE_BUF - 1)
        given shouldBeGreaterThanOrEqual 2 * PIPE_BUF
        libc.fcntl(reader, Linux.F_GETPIPE_SZ, 0) shouldBe given
        fill(writer) shouldBe given.toLong()
        libc.fcntl(reader, Linux.F_SETPIPE_SZ, PIPE_BUF) shouldFailWith EBUSY
        drain(reader) shouldBe given.toLong()
        libc.fcntl(reader, Linux.F_SETPIPE_SZ, PIPE_BUF) shouldBeGreaterThanOrEqual PIPE_BUF
        libc.fcntl(writer, Linux.F_SETPIPE_SZ, -1) shouldFailWith Errno.EINVAL
        libc.fcntl(eventfd(), Linux.F_SETPIPE_SZ, PIPE_BUF) shouldFailWith Errno.EBADF
    }

    contract("poll: IN with bytes, OUT with room, HUP without writers, ERR without readers") {
        val (reader, writer) = pipe()
        val asked = Linux.EPOLLIN or Linux.EPOLLOUT
        poll(reader, asked) shouldBe 0
        poll(writer, asked) shouldBe Linux.EPOLLOUT
        write(writer, "x") shouldBe 1
        poll(reader, asked) shouldBe Linux.EPOLLIN
        close(writer)
        poll(reader, asked) shouldBe (Linux.EPOLLIN or Linux.EPOLLHUP)
        read(reader) shouldBe 1
        poll(reader, asked) shouldBe Linux.EPOLLHUP
        val (otherReader, otherWriter) = pipe()
        close(otherReader)
        poll(otherWriter, asked) shouldBe (Linux.EPOLLOUT or Linux.EPOLLERR)
    }

    contract("the ends have their directions, and no offset; flags that are none are refused") {
        val (reader, writer) = pipe()
        write(reader, "x") shouldFailWith Errno.EBADF
        read(writer) shouldFailWith Errno.EBADF
        libc.pread(reader, memory(8).address(), 8, 0) shouldFailWith Errno.ESPIPE
        libc.pipe2(memory(8).address(), -1) shouldFailWith Errno.EINVAL
    }
})
