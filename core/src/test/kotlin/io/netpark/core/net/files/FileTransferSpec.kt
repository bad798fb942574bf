package io.netpark.core.net.files

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.engine.spec.tempdir
import io.kotest.matchers.longs.shouldBeGreaterThan
import io.kotest.matchers.longs.shouldBeInRange
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.netpark.core.fd.Descriptor
import io.netpark.core.fd.Direction
import io.netpark.core.net.dialing.Dialer
import io.netpark.core.net.listening.ListenerDescriptor
import io.netpark.core.net.options.NetOptions
import io.netpark.core.net.streams.ConnectionDescriptor
import io.netpark.core.sys.Errno
import io.netpark.core.sys.LibC
import io.netpark.core.sys.NetparkException
import io.netpark.core.sys.UnixAddress
import io.netpark.core.testing.Bindings
import io.netpark.core.testing.BlockingConnection
import io.netpark.core.testing.BlockingListener
import io.netpark.core.testing.CallCounter
import io.netpark.core.testing.FaultyLibC
import io.netpark.core.testing.Flavour
import io.netpark.core.testing.HandMovedClock
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.TestReactor
import io.netpark.core.testing.async
import io.netpark.core.testing.await
import io.netpark.core.testing.awaitParkedThreads
import io.netpark.core.testing.eventually
import io.netpark.core.testing.openDescriptorsOf
import io.netpark.core.testing.result
import io.netpark.core.testing.send
import io.netpark.core.testing.use
import java.io.RandomAccessFile
import java.nio.ByteBuffer
import java.nio.channels.FileChannel
import java.nio.file.Files
import java.nio.file.Path
import java.nio.file.StandardCopyOption
import java.nio.file.StandardOpenOption
import java.nio.file.attribute.FileTime
import java.time.Instant
import java.util.concurrent.CompletableFuture
import java.util.concurrent.TimeUnit
import java.util.concurrent.atomic.AtomicInteger
import kotlin.io.path.writeBytes
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.seconds

private val NAMES = AtomicInteger()

private fun content(length: Int) = ByteArray(length) { (it * 31 + (it shr 8) * 7 + (it shr 16)).toByte() }

private fun <T> Path.asChannel(body: (FileChannel) -> T): T = FileChannel.open(this, StandardOpenOption.READ).use(body)

/** Connected ends over IPv4, IPv6 or unix. */
private fun TestReactor.pairOver(family: String): Pair<BlockingConnection, BlockingConnection> {
    if (family != "unix") return pair(if (family == "IPv6") "::1" else "127.0.0.1")
    val address = UnixAddress.abstractName("netpark-files-${ProcessHandle.current().pid()}-${NAMES.incrementAndGet()}")
    return ListenerDescriptor.listen(group, address, NetOptions.DEFAULT).use { listener ->
        val client = BlockingConnection(Dialer.of(group).await(address))
        client to BlockingListener(listener).accept()
    }
}

/** Reads to the end, and keeps a count and the last byte only. */
private fun BlockingConnection.discard(): Pair<Long, Byte> {
    val target = ByteBuffer.allocateDirect(1 shl 20)
    var count = 0L
    var last: Byte = 0
    while (true) {
        target.clear()
        val read = read(target)
        if (read == ConnectionDescriptor.END_OF_STREAM) return count to last
        count += read
        last = target.get(read - 1)
    }
}

/** Files that are sent to a stream, over every binding, poller and address family. */
class FileTransferSpec : NetparkSpec(body = {
    val folder = tempdir().toPath()
    fun file(length: Int): Path = folder.resolve("${NAMES.incrementAndGet()}").also { it.writeBytes(content(length)) }

    for (flavour in Flavour.all) for (family in listOf("IPv4", "IPv6", "unix")) {
        context("$flavour $family") {
            suspend fun pair(name: String, body: (client: BlockingConnection, server: BlockingConnection) -> Unit) =
                test(name) { TestReactor(flavour, loops = 2).use { it.pairOver(family).use(body) } }

            pair("a file of any size arrives byte for byte, by the kernel or copied") { client, server ->
                for (size in listOf(0, 1, 65_535, 65_536, 65_537, 5_000_000)) {
                    val path = file(size)
                    val bytes = content(size)
                    val reader = async { repeat(2) { server.readFully(size).contentEquals(bytes) shouldBe true } }
                    FileTransfer.open(path).use { transfer ->
                        client.send(transfer)
                        transfer.sent() shouldBe size
                    }
                    path.asChannel { channel ->
                        client.send(FileTransfer.of(channel, 0, FileTransfer.REST))
                        channel.position() shouldBe 0
                    }
                    reader.result()
                    openDescriptorsOf(path) shouldBe 0
                }
            }

            pair("a part of a file is sent; the same open file serves many transfers at once") { client, server ->
                val path = file(1_000_000)
                OpenFile.open(path, flavour.libc).use { file ->
                    file.size() shouldBe 1_000_000
                    val sender = async { client.send(FileTransfer.of(file, 999_990, 10)) }
                    val other = async { server.send(FileTransfer.of(file, 500_000, FileTransfer.REST)) }
                    server.readFully(10) shouldBe content(1_000_000).copyOfRange(999_990, 1_000_000)
                    client.readFully(500_000).contentEquals(content(1_000_000).copyOfRange(500_000, 1_000_000)) shouldBe true
                    sender.result()
                    other.result()
                    openDescriptorsOf(path) shouldBe 1
                }
                openDescriptorsOf(path) shouldBe 0
            }

            test("a peer that does not read makes it wait; the timeout is extended by progress, and ends it without") {
                val clock = HandMovedClock()
                TestReactor(flavour, loops = 2) { clock(clock) }.use { reactor ->
                    reactor.pairOver(family).use { client, server ->
                        server.keepReceiveBufferSmall()
                        FileTransfer.open(file(20_000_000)).use { transfer ->
                            val sender = async { client.send(transfer) }
                            awaitParkedThreads()
                            client.connection.setTimeout(Direction.WRITE, 2.seconds.inWholeNanoseconds)
                            repeat(3) { // a slow reader, and progress: three times together are longer than the timeout
                                clock.move(900.milliseconds, reactor.group)
                                val before = transfer.sent()
                                server.readFully(4_000_000)
                                eventually { transfer.sent() shouldBeGreaterThan before }
                            }
                            sender.isDone shouldBe false
                            eventually {
                                clock.move(2.seconds, reactor.group)
                                sender.isDone shouldBe true
                            }
                            val failure = shouldThrow<NetparkException.TimedOut> { sender.result() }
                            failure.timeout() shouldBe NetparkException.Timeout.WRITE
                            failure.message!! shouldContain "${transfer.sent()} of 20000000 bytes sent, from offset 0"
                            transfer.sent() shouldBeInRange 12_000_000L..19_999_999L
                            val again = async { client.send(transfer) } // goes on where it was
                            server.readFully(8_000_000).contentEquals(content(20_000_000).copyOfRange(12_000_000, 20_000_000)) shouldBe true
                            again.result()
                        }
                    }
                }
            }

            pair("a peer that goes away fails it, and so does closing here") { client, server ->
                val path = file(20_000_000)
                FileTransfer.open(path).use { transfer ->
                    val sender = async { client.send(transfer) }
                    awaitParkedThreads()
                    server.connection.resetOnClose()
                    server.close()
                    shouldThrow<NetparkException.Reset> { sender.result() }.message!! shouldContain path.toString()
                }
                openDescriptorsOf(path) shouldBe 0
            }

            pair("a file that is cut off meanwhile fails it, and what was there has been sent") { client, server ->
                val path = file(20_000_000)
                FileTransfer.open(path).use { transfer ->
                    val sender = async { client.send(transfer) }
                    awaitParkedThreads()
                    RandomAccessFile(path.toFile(), "rw").use { it.setLength(19_000_000) }
                    val reader = async { server.discard() }
                    val failure = shouldThrow<NetparkException.Truncated> { sender.result() }
                    failure.message!! shouldContain "ends at 19000000"
                    transfer.sent() shouldBe 19_000_000
                    client.connection.shutdownOutput()
                    reader.result().first shouldBe 19_000_000
                }
            }
        }
    }

    for (libc in Bindings.all) {
        context("${libc.binding()}") {
            fun reactor(libc: LibC, body: (client: BlockingConnection, server: BlockingConnection) -> Unit) =
                TestReactor(libc, loops = 2).use { it.pair().use(body) }

            test("more than 2 GiB are sent, from beyond 2 GiB too") {
                val size = (1L shl 31) + 1_000_000
                val path = folder.resolve("sparse-${libc.binding()}")
                RandomAccessFile(path.toFile(), "rw").use {
                    it.setLength(size)
                    it.seek(size - 1)
                    it.write(42)
                }
                reactor(libc) { client, server ->
                    val reader = async { server.discard() }
                    FileTransfer.open(path).use { client.send(it) }
                    FileTransfer.open(path, size - 3, 3).use { client.send(it) }
                    client.connection.shutdownOutput()
                    reader.result() shouldBe (size + 3 to 42.toByte())
                }
                path.toFile().delete()
            }

            test("an interrupt flag that somebody has left does not close a channel, which others use as well") {
                file(1000).asChannel { channel ->
                    reactor(libc) { client, server ->
                        Thread.currentThread().interrupt()
                        val transfer = FileTransfer.of(channel, 0, FileTransfer.REST)
                        val sent = client.connection.startSend(transfer)
                        Thread.interrupted() shouldBe true // and it is still there, as this is no loop
                        sent shouldBe 0
                        channel.isOpen shouldBe true
                        val onLoop = CompletableFuture<Int>()
                        client.connection.loop().execute {
                            Thread.currentThread().interrupt()
                            try {
                                onLoop.complete(client.connection.startSend(FileTransfer.of(channel, 0, 1000)))
                            } catch (e: Throwable) {
                                onLoop.completeExceptionally(e)
                            }
                        }
                        onLoop.get(10, TimeUnit.SECONDS) shouldBe 0
                        channel.isOpen shouldBe true
                        server.readFully(2000) shouldBe content(1000) + content(1000)
                    }
                }
            }

            test("where the kernel does not send it, it is copied: byte for byte") {
                for (errno in listOf(Errno.EINVAL, Errno.ENOSYS, Errno.EOPNOTSUPP, Errno.EPERM)) {
                    val calls = CallCounter(object : LibC by libc {
                        override fun sendfile(out: Int, `in`: Int, offset: Long, count: Long) = -errno.toLong()
                    })
                    reactor(calls.libc) { client, server ->
                        val reader = async { server.readFully(3_000_000).contentEquals(content(3_000_000)) shouldBe true }
                        FileTransfer.open(file(3_000_000)).use { client.send(it) }
                        reader.result()
                        calls["sendfile"] shouldBe 1
                    }
                }
            }

            test("a disk that fails is the file's failure, and leaves the connection to others") {
                val failing = object : LibC by libc {
                    override fun sendfile(out: Int, `in`: Int, offset: Long, count: Long) = -Errno.EIO.toLong()
                }
                reactor(failing) { client, server ->
                    val path = file(100)
                    FileTransfer.open(path).use { transfer ->
                        val failure = shouldThrow<java.nio.file.FileSystemException> { client.send(transfer) }
                        failure.file shouldBe path.toString()
                        failure.reason!! shouldContain "EIO"
                    }
                    client.write("next")
                    server.readText(4) shouldBe "next"
                }
            }

            test("whatever the kernel does, it arrives byte for byte") {
                val copies = object : LibC by libc {
                    override fun sendfile(out: Int, `in`: Int, offset: Long, count: Long) = -Errno.EINVAL.toLong()
                }
                for (real in listOf(libc, copies)) {
                    reactor(FaultyLibC(real, seed = 3)) { client, server ->
                        val path = file(4_000_000)
                        val reader = async {
                            repeat(2) { server.readFully(4_000_000).contentEquals(content(4_000_000)) shouldBe true }
                        }
                        FileTransfer.open(path).use { client.send(it) }
                        path.asChannel { client.send(FileTransfer.of(it, 0, FileTransfer.REST)) }
                        reader.result()
                    }
                }
            }

            test("a file that is closed meanwhile fails the transfer; the connection can be written to") {
                reactor(libc) { client, server ->
                    val path = file(20_000_000)
                    val file = OpenFile.open(path, libc)
                    val transfer = FileTransfer.of(file)
                    val sender = async { client.send(transfer) }
                    awaitParkedThreads()
                    file.close()
                    file.close()
                    eventually { openDescriptorsOf(path) shouldBe 0 } // the sender may be making a call
                    val reader = async { server.discard() }
                    shouldThrow<NetparkException.Closed> { sender.result() }.message!! shouldContain "closed here"
                    client.write("end")
                    client.connection.shutdownOutput()
                    reader.result().first shouldBe transfer.sent() + 3
                    shouldThrow<NetparkException.Closed> { file.size() }
                }
            }

            test("given up, it leaves the connection to others") {
                reactor(libc) { client, server ->
                    FileTransfer.open(file(20_000_000)).use { transfer ->
                        client.connection.startSend(transfer) shouldBe Descriptor.PARK
                        shouldThrow<IllegalStateException> { client.connection.startWrite(ByteBuffer.allocate(1)) }
                        client.connection.abandon(Direction.WRITE)
                        val reader = async { server.discard() }
                        client.write("end")
                        client.connection.shutdownOutput()
                        reader.result().first shouldBe transfer.sent() + 3
                    }
                }
            }

            for (errno in listOf(Errno.ENOSYS, Errno.EPERM)) {
                test("without statx (${Errno.name(errno)}) size and time are found out another way") {
                    val old = object : LibC by libc {
                        override fun statx(directory: Int, path: Long, flags: Int, mask: Int, statx: Long) = -errno
                    }
                    val time = FileTime.from(Instant.parse("2026-01-02T03:04:05.678901234Z"))
                    val path = file(17)
                    Files.setLastModifiedTime(path, time)
                    OpenFile.open(path, old).use { Pair(it.size(), it.lastModified()) shouldBe Pair(17L, time) }
                    shouldThrow<java.nio.file.FileSystemException> { OpenFile.open(folder, old) }
                }
            }

            test("size and time are those of the file that is open, also if another has its name by now") {
                val path = file(17)
                val time = FileTime.from(Instant.parse("2026-01-02T03:04:05.678901234Z"))
                Files.setLastModifiedTime(path, time)
                OpenFile.open(path, libc).use { file ->
                    Files.move(file(18), path, StandardCopyOption.ATOMIC_MOVE)
                    Pair(file.size(), file.lastModified()) shouldBe Pair(17L, time)
                    file.close()
                    shouldThrow<NetparkException.Closed> { file.lastModified() }
                }
            }

            test("what cannot be sent says why, and leaves nothing open") {
                shouldThrow<java.nio.file.NoSuchFileException> { OpenFile.open(folder.resolve("none"), libc) }
                shouldThrow<java.nio.file.FileSystemException> { OpenFile.open(folder, libc) }
                    .message!! shouldContain "no regular file"
                openDescriptorsOf(folder) shouldBe 0
                shouldThrow<java.nio.file.FileSystemException> { OpenFile.open(Path.of("/dev/zero"), libc) }
                shouldThrow<java.nio.file.FileSystemException> { OpenFile.open(Path.of("x".repeat(100_000)), libc) }
                    .message!! shouldContain "ENAMETOOLONG"
                val full = object : LibC by libc {
                    override fun open(path: Long, flags: Int) = -Errno.EMFILE
                }
                shouldThrow<NetparkException.TooManyDescriptors> { OpenFile.open(folder, full) }
                val forbidden = object : LibC by libc {
                    override fun open(path: Long, flags: Int) = -Errno.EACCES
                }
                shouldThrow<java.nio.file.AccessDeniedException> { OpenFile.open(folder, forbidden) }

                val path = file(10)
                OpenFile.open(path, libc).use { file ->
                    FileTransfer.of(file, 10, FileTransfer.REST).count() shouldBe 0
                    shouldThrow<IllegalArgumentException> { FileTransfer.of(file, 11, FileTransfer.REST) }
                    shouldThrow<IllegalArgumentException> { FileTransfer.of(file, 11, 1) }.message!! shouldContain "ends at 10"
                    shouldThrow<IllegalArgumentException> { FileTransfer.of(file, -1, 1) }
                    shouldThrow<IllegalArgumentException> { FileTransfer.of(file, 0, -2) }
                    shouldThrow<NetparkException.Truncated> { FileTransfer.of(file, 5, 6) }.message!! shouldContain "ends at 10"
                    shouldThrow<NetparkException.Truncated> { FileTransfer.of(file, 5, Long.MAX_VALUE) }
                }
                FileChannel.open(path, StandardOpenOption.WRITE).use { writeOnly ->
                    shouldThrow<java.nio.channels.NonReadableChannelException> { FileTransfer.of(writeOnly, 0, 1) }
                }
                shouldThrow<NetparkException.Truncated> { FileTransfer.open(path, 5, 6) }
                openDescriptorsOf(path) shouldBe 0
            }

            test("a name of any characters is found") {
                val path = folder.resolve("schöne Datei \u2603")
                path.writeBytes(content(3))
                OpenFile.open(path, libc).use { it.size() shouldBe 3 }
            }
        }
    }
})
