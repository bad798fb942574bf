package io.netpark.core.net.secure

import io.kotest.assertions.withClue
import io.kotest.engine.spec.tempfile
import io.kotest.matchers.longs.shouldBeLessThan
import io.kotest.matchers.shouldBe
import io.netpark.core.buffer.SegmentPool
import io.netpark.core.net.files.FileTransfer
import io.netpark.core.net.options.NetOption
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.TestReactor
import io.netpark.core.testing.async
import io.netpark.core.testing.awaitParkedThreads
import io.netpark.core.testing.result
import io.netpark.core.testing.send
import io.netpark.core.testing.tls.EngineFlavour
import io.netpark.core.testing.tls.Role
import io.netpark.core.testing.tls.oursAndPeer
import io.netpark.core.testing.tls.shouldKeepNoMemory
import io.netpark.core.testing.tls.tls
import java.nio.ByteBuffer
import java.nio.channels.FileChannel
import java.nio.file.StandardOpenOption

private const val MIB = 1 shl 20
private const val MEBIBYTES = 64

/** Files that are much larger than what a connection may keep of them. */
class LargeFileSpec : NetparkSpec(body = {
    // Nothing but the number of each mebibyte: the rest takes no room on the disk.
    val file = tempfile().toPath()
    FileChannel.open(file, StandardOpenOption.WRITE).use { channel ->
        for (number in 0 until MEBIBYTES) channel.write(ByteBuffer.allocate(4).putInt(0, number), number.toLong() * MIB)
        channel.write(ByteBuffer.allocate(1), MEBIBYTES.toLong() * MIB - 1)
    }

    val zeros = ByteBuffer.allocate(MIB)

    for (flavour in EngineFlavour.available()) test("one that goes to a slow peer is encrypted as the peer reads, in less than a mebibyte: $flavour") {
        fun lent() = SegmentPool.shared().statistics().lentBytes()
        val before = lent()
        shouldKeepNoMemory {
            TestReactor().use { reactor ->
                TestReactor().use { elsewhere ->
                    reactor.oursAndPeer(Role.SERVER, "TLSv1.3", elsewhere).handshake(Role.SERVER.tls(flavour, "TLSv1.3")).use { pair ->
                        pair.connection.setOption(NetOption.SEND_BUFFER, 65_536)
                        pair.peer.plain.keepReceiveBufferSmall()
                        FileTransfer.open(file).use { transfer ->
                            val sending = async { pair.ours.send(transfer) }
                            awaitParkedThreads() // the kernels are full, and the peer has read nothing
                            transfer.sent() shouldBeLessThan 2L * MIB
                            for (number in 0 until MEBIBYTES) withClue("mebibyte $number") {
                                lent() - before shouldBeLessThan MIB.toLong()
                                if (number < MEBIBYTES / 2) sending.isDone shouldBe false
                                val part = ByteBuffer.wrap(pair.peer.read(MIB))
                                part.getInt(0) shouldBe number
                                (part.putInt(0, 0) == zeros) shouldBe true
                            }
                            sending.result()
                            transfer.sent() shouldBe MEBIBYTES.toLong() * MIB
                        }
                    }
                }
            }
        }
    }
})
