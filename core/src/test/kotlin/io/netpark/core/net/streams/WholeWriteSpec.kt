package io.netpark.core.net.streams

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.engine.spec.tempfile
import io.kotest.matchers.ints.shouldBeInRange
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.netpark.core.buffer.LinkBuffer
import io.netpark.core.buffer.SegmentPool
import io.netpark.core.fd.Descriptor
import io.netpark.core.fd.Direction
import io.netpark.core.net.files.FileTransfer
import io.netpark.core.sys.Errno
import io.netpark.core.sys.LibC
import io.netpark.core.sys.NetparkException
import io.netpark.core.testing.Bindings
import io.netpark.core.testing.BlockingConnection
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.TestReactor
import io.netpark.core.testing.async
import io.netpark.core.testing.eventually
import io.netpark.core.testing.perform
import io.netpark.core.testing.result
import io.netpark.core.testing.use
import java.nio.ByteBuffer
import java.nio.channels.FileChannel
import java.nio.file.StandardOpenOption

/** More than a socket takes. */
private const val MUCH = 20_000_000

/** Writes of what is of no use in part, and what comes of others when one is cut off. */
class WholeWriteSpec : NetparkSpec(body = {
    val file = tempfile()

    fun pair(name: String, libc: LibC = Bindings.best, body: (client: BlockingConnection, server: BlockingConnection) -> Unit) =
        test(name) { TestReactor(libc).use { reactor -> reactor.pair().use(body) } }

    /** A write of much, parked in its midst. */
    fun ConnectionDescriptor.beginWhole(): ByteBuffer {
        val source = ByteBuffer.allocate(MUCH)
        startWhole(source) shouldBe Descriptor.PARK
        source.position() shouldBeInRange (1 until MUCH)
        isCutOffByEnd shouldBe true
        isOutputCutOff shouldBe false
        return source
    }

    fun ConnectionDescriptor.takesNoWrite() {
        isOutputCutOff shouldBe true
        isCutOffByEnd shouldBe true
        isInUse(Direction.WRITE) shouldBe false
        reserve(Direction.WRITE) shouldBe false
        val byte = ByteBuffer.allocate(1)
        for (write in listOf<() -> Int>({ startWrite(byte) }, { retryWrite(byte) }, { startWhole(byte) }, { retryWhole(byte) })) {
            val failure = shouldThrow<NetparkException.Closed> { write() }
            failure.message shouldContain "the output is broken, an earlier write ended in the midst of its bytes"
            failure.isAbout(this) shouldBe true
        }
    }

    pair("given up in the midst, it is the last write of its connection; reading goes on") { client, server ->
        val source = client.connection.beginWhole()
        client.connection.abandon(Direction.WRITE)
        client.connection.takesNoWrite()
        server.write("read")
        client.readText(4) shouldBe "read"
        // A peer that got an end would take what it has for the whole.
        shouldThrow<NetparkException.Closed> { client.connection.shutdownOutput() }.message shouldContain "the output is broken"
        client.connection.close()
        server.readAll().length shouldBe source.position()
    }

    pair("it is that also if its deadline passes while it waits") { client, _ ->
        client.connection.beginWhole()
        client.connection.setDeadline(Direction.WRITE, System.nanoTime() - 1)
        shouldThrow<NetparkException.TimedOut> { client.connection.retryWhole(ByteBuffer.allocate(1)) }
        client.connection.takesNoWrite()
    }

    pair("and if a file ends before the whole of it was sent, which takes no wait at all") { client, server ->
        file.writeBytes(ByteArray(1000))
        FileChannel.open(file.toPath(), StandardOpenOption.READ, StandardOpenOption.WRITE).use { channel ->
            val transfer = FileTransfer.of(channel, 0, FileTransfer.REST)
            channel.truncate(500)
            shouldThrow<NetparkException.Truncated> { client.connection.startWhole(transfer) }
            transfer.sent() shouldBe 500
        }
        client.connection.takesNoWrite()
        server.readFully(500)
    }

    pair("written whole, it leaves nothing behind, and others go on") { client, server ->
        val source = ByteBuffer.allocate(MUCH)
        val reading = async { server.readFully(MUCH + 3).size }
        client.connection.perform(Direction.WRITE, { client.connection.startWhole(source) }, { client.connection.retryWhole(source) })
        client.connection.isCutOffByEnd shouldBe false
        client.connection.isOutputCutOff shouldBe false
        client.write("end")
        reading.result() shouldBe MUCH + 3
    }

    var isFull = false
    val full = object : LibC by Bindings.best {
        override fun send(fd: Int, address: Long, length: Long, flags: Int): Long =
            if (isFull) -Errno.EAGAIN.toLong() else Bindings.best.send(fd, address, length, flags)
    }
    pair("before its first byte it may be given up: others write as before", full) { client, server ->
        isFull = true
        client.connection.startWhole(ByteBuffer.allocate(10)) shouldBe Descriptor.PARK
        client.connection.isCutOffByEnd shouldBe true // as nothing of it is written that somebody has begun to write
        client.connection.abandon(Direction.WRITE)
        client.connection.isCutOffByEnd shouldBe false
        client.connection.setDeadline(Direction.WRITE, System.nanoTime() - 1)
        shouldThrow<NetparkException.TimedOut> { client.connection.startWhole(ByteBuffer.allocate(10)) }
        client.connection.clearDeadline(Direction.WRITE)
        client.connection.isCutOffByEnd shouldBe false
        isFull = false
        client.write("others")
        server.readText(6) shouldBe "others"
    }

    val looks = ArrayList<Boolean>()
    var looked: ConnectionDescriptor? = null
    val looking = object : LibC by Bindings.best {
        override fun send(fd: Int, address: Long, length: Long, flags: Int): Long {
            looked?.let { looks += it.isCutOffByEnd }
            return Bindings.best.send(fd, address, length, flags)
        }
    }
    pair("what is part of a copy is in its midst already in its first system call: whoever closes meanwhile resets", looking) { client, server ->
        LinkBuffer(SegmentPool.shared()).use { part ->
            part.put("part".toByteArray())
            looked = client.connection
            client.connection.emptyWhole(part, false) shouldBe 0
            looks shouldBe listOf(true)
            client.connection.isCutOffByEnd shouldBe false
            server.readText(4) shouldBe "part"
        }
    }

    pair("a connection that was reset behind it says that it was") { client, server ->
        client.connection.beginWhole()
        client.connection.abandon(Direction.WRITE)
        server.connection.reset()
        eventually { client.connection.isReset shouldBe true }
        shouldThrow<NetparkException.Reset> { client.connection.startWrite(ByteBuffer.allocate(1)) }
    }

    pair("whoever knows what to do with it can have its descriptor") { client, _ ->
        client.connection.beginWhole()
        shouldThrow<IllegalStateException> { client.connection.detach() }
        client.connection.abandon(Direction.WRITE)
        client.connection.detach().close()
        client.connection.isClosed shouldBe true
    }
})
