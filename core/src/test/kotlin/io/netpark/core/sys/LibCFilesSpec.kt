package io.netpark.core.sys

import io.kotest.engine.spec.tempdir
import io.kotest.engine.spec.tempfile
import io.kotest.matchers.ints.shouldBeGreaterThanOrEqual
import io.kotest.matchers.shouldBe
import io.netpark.core.linux.Linux
import io.netpark.core.linux.Statx
import io.netpark.core.testing.Bindings
import io.netpark.core.testing.NetparkSpec
import java.nio.file.Files
import java.nio.file.attribute.FileTime
import java.time.Instant

/** The calls of the seam that are about files, pipes and bytes that the kernel moves by itself. */
class LibCFilesSpec : NetparkSpec(body = {
    for (libc in Bindings.all) {
        context("${libc.binding()}") {
            val file = tempfile()
            val folder = tempdir()

            fun Calls.name(name: String, at: Int): Long {
                name.toByteArray().forEachIndexed { i, byte -> buffer.put(at + i, byte) }
                buffer.put(at + name.length, 0)
                return address + at
            }

            test("a file is opened, looked at and read anywhere") {
                Calls(libc).use { calls ->
                    file.writeText("0123456789")
                    val fd = calls.open(libc.open(calls.name(file.path, 512), Linux.O_RDONLY or Linux.O_CLOEXEC))
                    libc.fcntl(fd, Linux.F_GETFD, 0) shouldBe Linux.FD_CLOEXEC
                    libc.pread(fd, calls.address, 100, 7) shouldBe 3
                    calls.text(0, 3) shouldBe "789"
                    libc.pread(fd, calls.address, 100, 10) shouldBe 0
                    libc.pread(fd, calls.address, 2, 0) shouldBe 2
                    calls.text(0, 2) shouldBe "01"

                    val mask = Linux.STATX_TYPE or Linux.STATX_SIZE or Linux.STATX_MTIME
                    val modified = Instant.parse("2038-01-19T03:14:08.123456789Z") // a second too late for 32 bits
                    Files.setLastModifiedTime(file.toPath(), FileTime.from(modified))
                    libc.statx(fd, calls.name("", 300), Linux.AT_EMPTY_PATH, mask, calls.address) shouldBe 0
                    Statx.isRegularFile(calls.buffer, 0) shouldBe true
                    Statx.size(calls.buffer, 0) shouldBe 10
                    Statx.modifiedSeconds(calls.buffer, 0) shouldBe modified.epochSecond
                    Statx.modifiedNanos(calls.buffer, 0) shouldBe modified.nano
                    libc.statx(Linux.AT_FDCWD, calls.name(folder.path, 512), 0, mask, calls.address) shouldBe 0
                    Statx.isRegularFile(calls.buffer, 0) shouldBe false
                }
            }

            test("a file is told from others by its device and inode, and removed") {
                Calls(libc).use { calls ->
                    val doomed = folder.resolve("doomed").apply { writeText("") }
                    val mask = Linux.STATX_TYPE or Linux.STATX_INO
                    libc.statx(Linux.AT_FDCWD, calls.name(doomed.path, 512), Linux.AT_SYMLINK_NOFOLLOW, mask, calls.address) shouldBe 0
                    Statx.inode(calls.buffer, 0) shouldBe Files.getAttribute(doomed.toPath(), "unix:ino")
                    val device = Files.getAttribute(doomed.toPath(), "unix:dev") as Long
                    val major = (device ushr 8 and 0xfff) or (device ushr 32 and 0xfffff000)
                    val minor = (device and 0xff) or (device ushr 12 and 0xffffff00)
                    Statx.device(calls.buffer, 0) shouldBe (minor shl 32 or major)
                    Statx.isSocket(calls.buffer, 0) shouldBe false
                    libc.unlink(calls.name(doomed.path, 512)) shouldBe 0
                    doomed.exists() shouldBe false
                    libc.unlink(calls.name(doomed.path, 512)) shouldBe -Errno.ENOENT
                }
            }

            test("sendfile sends from an offset and moves it on") {
                Calls(libc).use { calls ->
                    file.writeText("0123456789")
                    val fd = calls.open(libc.open(calls.name(file.path, 512), Linux.O_RDONLY or Linux.O_CLOEXEC))
                    val type = Linux.SOCK_STREAM or Linux.SOCK_NONBLOCK or Linux.SOCK_CLOEXEC
                    libc.socketpair(Linux.AF_UNIX, type, 0, calls.address) shouldBe 0
                    val (left, right) = calls.openPair()
                    calls.buffer.putLong(400, 4)
                    libc.sendfile(left, fd, calls.address + 400, 3) shouldBe 3
                    calls.buffer.getLong(400) shouldBe 7
                    libc.sendfile(left, fd, calls.address + 400, Linux.SENDFILE_MAX.toLong()) shouldBe 3
                    libc.sendfile(left, fd, calls.address + 400, 1) shouldBe 0
                    calls.buffer.getLong(400) shouldBe 10
                    libc.sendfile(left, fd, 0, 2) shouldBe 2
                    libc.recv(right, calls.address, 100, 0) shouldBe 8
                    calls.text(0, 8) shouldBe "45678901"
                    calls.buffer.putLong(400, 5L shl 32)
                    libc.sendfile(left, fd, calls.address + 400, 1) shouldBe 0
                    calls.buffer.getLong(400) shouldBe (5L shl 32)
                }
            }

            test("a pipe's size is set; splice moves bytes into it and out of it") {
                Calls(libc).use { calls ->
                    libc.pipe2(calls.address, Linux.O_CLOEXEC or Linux.O_NONBLOCK) shouldBe 0
                    val (reader, writer) = calls.openPair()
                    val page = 4096
                    libc.fcntl(writer, Linux.F_SETPIPE_SZ, 2 * page) shouldBeGreaterThanOrEqual 2 * page
                    libc.fcntl(reader, Linux.F_GETPIPE_SZ, 0) shouldBe libc.fcntl(writer, Linux.F_GETPIPE_SZ, 0)
                    val type = Linux.SOCK_STREAM or Linux.SOCK_NONBLOCK or Linux.SOCK_CLOEXEC
                    libc.socketpair(Linux.AF_UNIX, type, 0, calls.address) shouldBe 0
                    val (left, right) = calls.openPair()

                    val flags = Linux.SPLICE_F_MOVE or Linux.SPLICE_F_NONBLOCK
                    libc.splice(reader, 0, left, 0, 100, flags) shouldBe -Errno.EAGAIN
                    file.writeText("0123456789")
                    val fd = calls.open(libc.open(calls.name(file.path, 512), Linux.O_RDONLY or Linux.O_CLOEXEC))
                    calls.buffer.putLong(400, 6)
                    libc.splice(fd, calls.address + 400, writer, 0, 100, flags) shouldBe 4
                    calls.buffer.getLong(400) shouldBe 10
                    libc.splice(reader, 0, left, 0, 100, flags or Linux.SPLICE_F_MORE) shouldBe 4
                    libc.recv(right, calls.address, 100, 0) shouldBe 4
                    calls.text(0, 4) shouldBe "6789"
                    libc.splice(left, 0, right, 0, 100, flags) shouldBe -Errno.EINVAL
                }
            }

            test("inotify tells of a file in a folder") {
                Calls(libc).use { calls ->
                    val fd = calls.open(libc.inotifyInit(Linux.IN_CLOEXEC or Linux.IN_NONBLOCK))
                    libc.fcntl(fd, Linux.F_GETFD, 0) shouldBe Linux.FD_CLOEXEC
                    val watch = libc.inotifyAddWatch(fd, calls.name(folder.path, 512), Linux.IN_CREATE or Linux.IN_CLOSE_WRITE)
                    watch shouldBeGreaterThanOrEqual 1
                    libc.read(fd, calls.address, 300) shouldBe -Errno.EAGAIN
                    folder.resolve("news").writeText("!")
                    libc.read(fd, calls.address, 300) shouldBe 2 * (16 + 16)
                    calls.buffer.getInt(0) shouldBe watch
                    calls.buffer.getInt(4) shouldBe Linux.IN_CREATE
                    calls.text(16, 5) shouldBe "news\u0000"
                    calls.buffer.getInt(32 + 4) shouldBe Linux.IN_CLOSE_WRITE
                }
            }

            test("what is wrong has its errno") {
                Calls(libc).use { calls ->
                    val a = calls.address
                    libc.open(calls.name("/nowhere/at/all", 512), Linux.O_RDONLY) shouldBe -Errno.ENOENT
                    libc.pread(-1, a, 1, 0) shouldBe -Errno.EBADF
                    libc.statx(-1, calls.name("", 300), Linux.AT_EMPTY_PATH, Linux.STATX_SIZE, a) shouldBe -Errno.EBADF
                    libc.sendfile(-1, -1, 0, 1) shouldBe -Errno.EBADF
                    libc.splice(-1, 0, -1, 0, 1, 0) shouldBe -Errno.EBADF
                    libc.inotifyInit(-1) shouldBe -Errno.EINVAL
                    libc.inotifyAddWatch(-1, calls.name("/", 512), Linux.IN_CREATE) shouldBe -Errno.EBADF
                    libc.pipe2(a, Linux.O_CLOEXEC) shouldBe 0
                    val (reader, writer) = calls.openPair()
                    libc.pread(reader, a, 1, 0) shouldBe -Errno.ESPIPE
                    libc.sendfile(writer, reader, 0, 1) shouldBe -Errno.EINVAL
                }
            }
        }
    }
})
