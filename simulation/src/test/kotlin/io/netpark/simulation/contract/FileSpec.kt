package io.netpark.simulation.contract

import io.kotest.matchers.ints.shouldBeGreaterThanOrEqual
import io.kotest.matchers.shouldBe
import io.netpark.core.linux.Linux
import io.netpark.core.linux.Statx
import io.netpark.core.memory.NativeMemory
import io.netpark.core.sys.Errno
import java.time.Instant

private const val DIGITS = "0123456789"

/** errno-base.h; not among those that Netpark knows. */
private const val ENXIO = 6
private const val MASK = Linux.STATX_TYPE or Linux.STATX_SIZE or Linux.STATX_INO or Linux.STATX_MTIME

internal fun Caller.openFile(path: String): Int = own(libc.open(name(path), Linux.O_RDONLY or Linux.O_CLOEXEC))

private fun Caller.status(path: String): NativeMemory = memory(Statx.SIZE).also {
    libc.statx(Linux.AT_FDCWD, name(path), Linux.AT_SYMLINK_NOFOLLOW, MASK, it.address()) shouldBe 0
}

private fun Caller.status(fd: Int): NativeMemory = memory(Statx.SIZE).also {
    libc.statx(fd, name(""), Linux.AT_EMPTY_PATH, MASK, it.address()) shouldBe 0
}

/** open(2), pread(2), statx(2), unlink(2). */
class FileSpec : ContractSpec({
    contract("a file is read anywhere, and from its own position") {
        val fd = openFile(kernel.file("digits", DIGITS.toByteArray()))
        libc.fcntl(fd, Linux.F_GETFD, 0) shouldBe Linux.FD_CLOEXEC
        val bytes = memory(100)
        libc.pread(fd, bytes.address(), 100, 7) shouldBe 3
        bytes.text(3) shouldBe "789"
        libc.pread(fd, bytes.address(), 2, 0) shouldBe 2
        bytes.text(2) shouldBe "01"
        libc.pread(fd, bytes.address(), 100, 10) shouldBe 0
        libc.pread(fd, bytes.address(), 100, 1L shl 40) shouldBe 0
        readText(fd, 4) shouldBe "0123"
        readText(fd) shouldBe "456789"
        read(fd) shouldBe 0
    }

    contract("duplicates of a descriptor share the position, another open has its own") {
        val path = kernel.file("digits", DIGITS.toByteArray())
        val fd = openFile(path)
        readText(fd, 4) shouldBe "0123"
        readText(duplicate(fd), 4) shouldBe "4567"
        readText(openFile(path), 4) shouldBe "0123"
    }

    contract("statx tells of a file by its descriptor and by its path") {
        val path = kernel.file("digits", DIGITS.toByteArray())
        for (status in listOf(status(path), status(openFile(path)))) {
            Statx.isRegularFile(status.buffer(), 0) shouldBe true
            Statx.isSocket(status.buffer(), 0) shouldBe false
            Statx.size(status.buffer(), 0) shouldBe 10
        }
    }

    contract("statx tells when a file was modified", Feature.FILE_TIMES) {
        val modified = Instant.parse("2038-01-19T03:14:08.123456789Z") // a second too late for 32 bits
        val status = status(kernel.file("digits", DIGITS.toByteArray(), modified))
        Statx.modifiedSeconds(status.buffer(), 0) shouldBe modified.epochSecond
        Statx.modifiedNanos(status.buffer(), 0) shouldBe modified.nano
    }

    contract("a folder is no regular file, and no socket", Feature.FOLDERS) {
        Statx.isRegularFile(status(kernel.folder).buffer(), 0) shouldBe false
        Statx.isSocket(status(kernel.folder).buffer(), 0) shouldBe false
    }

    contract("a file is told from others by its device and inode") {
        val (first, second) = kernel.file("first", ByteArray(1)) to kernel.file("second", ByteArray(1))
        fun identity(status: NativeMemory) = Statx.device(status.buffer(), 0) to Statx.inode(status.buffer(), 0)
        identity(status(openFile(first))) shouldBe identity(status(first))
        (identity(status(first)) == identity(status(second))) shouldBe false
        Statx.device(status(first).buffer(), 0) shouldBe Statx.device(status(second).buffer(), 0)
    }

    contract("a file that is removed is not found, and is read by those that have it open") {
        val path = kernel.file("digits", DIGITS.toByteArray())
        val fd = openFile(path)
        libc.unlink(name(path)) shouldBe 0
        libc.unlink(name(path)) shouldFailWith Errno.ENOENT
        libc.open(name(path), Linux.O_RDONLY) shouldFailWith Errno.ENOENT
        libc.statx(Linux.AT_FDCWD, name(path), 0, MASK, memory(Statx.SIZE).address()) shouldFailWith Errno.ENOENT
        readText(fd) shouldBe DIGITS
    }

    contract("poll: a file is always ready") {
        val fd = openFile(kernel.file("empty", ByteArray(0)))
        poll(fd, Linux.EPOLLIN or Linux.EPOLLOUT) shouldBe (Linux.EPOLLIN or Linux.EPOLLOUT)
    }

    contract("what is wrong has its errno") {
        val path = kernel.file("digits", DIGITS.toByteArray())
        val fd = openFile(path)
        val bytes = memory(8).address()
        libc.open(name("${kernel.folder}/no/where"), Linux.O_RDONLY) shouldFailWith Errno.ENOENT
        libc.open(name(""), Linux.O_RDONLY) shouldFailWith Errno.ENOENT
        libc.unlink(name("")) shouldFailWith Errno.ENOENT
        write(fd, "x") shouldFailWith Errno.EBADF
        libc.pread(fd, bytes, 8, -1) shouldFailWith Errno.EINVAL
        libc.pread(-1, bytes, 8, 0) shouldFailWith Errno.EBADF
        libc.statx(-1, name(""), Linux.AT_EMPTY_PATH, MASK, memory(Statx.SIZE).address()) shouldFailWith Errno.EBADF
        send(fd, "x") shouldFailWith Errno.ENOTSOCK
        val socket = socket(Family.UNIX)
        val bound = freePath()
        bind(socket, bound) shouldBe 0
        libc.open(name(bound.path().toString()), Linux.O_RDONLY) shouldFailWith ENXIO
    }

    contract("inotify tells of what becomes of files in a folder", Feature.FILE_EVENTS) {
        val fd = own(libc.inotifyInit(Linux.IN_CLOEXEC or Linux.IN_NONBLOCK))
        libc.fcntl(fd, Linux.F_GETFD, 0) shouldBe Linux.FD_CLOEXEC
        val watch = libc.inotifyAddWatch(fd, name(kernel.folder), Linux.IN_CREATE or Linux.IN_CLOSE_WRITE)
        watch shouldBeGreaterThanOrEqual 1
        read(fd, 300) shouldFailWith Errno.EAGAIN
        kernel.file("news", "!".toByteArray())
        awaitReadable(fd)
        val events = memory(300)
        libc.read(fd, events.address(), 300) shouldBe 2 * (16 + 16)
        events.buffer().getInt(0) shouldBe watch
        events.buffer().getInt(4) shouldBe Linux.IN_CREATE
        String(ByteArray(5) { events.buffer().get(16 + it) }) shouldBe "news\u0000"
        events.buffer().getInt(32 + 4) shouldBe Linux.IN_CLOSE_WRITE
        libc.inotifyInit(-1) shouldFailWith Errno.EINVAL
        libc.inotifyAddWatch(-1, name(kernel.folder), Linux.IN_CREATE) shouldFailWith Errno.EBADF
    }
})
