package io.netpark.core.net.secure

import io.kotest.assertions.withClue
import io.kotest.matchers.longs.shouldBeGreaterThan
import io.kotest.matchers.shouldBe
import io.netpark.core.buffer.LinkBuffer
import io.netpark.core.buffer.SegmentPool
import io.netpark.core.fd.Direction
import io.netpark.core.net.files.FileTransfer
import io.netpark.core.sys.LibC
import io.netpark.core.testing.Bindings
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.TestReactor
import io.netpark.core.testing.async
import io.netpark.core.testing.perform
import io.netpark.core.testing.result
import io.netpark.core.testing.tls.EngineFlavour
import io.netpark.core.testing.tls.OursAndPeer
import io.netpark.core.testing.tls.Role
import io.netpark.core.testing.tls.TlsEnds
import io.netpark.core.testing.tls.oursAndPeer
import java.nio.ByteBuffer
import java.nio.channels.FileChannel
import java.util.concurrent.ConcurrentLinkedQueue
import java.util.concurrent.atomic.AtomicLong
import kotlin.io.path.createTempFile
import kotlin.io.path.deleteExisting
import kotlin.io.path.writeBytes

private const val SIZE = 64 * 1024

/** How much is offered to sockets by each send, and how much they take in all, which is their affair. */
private class NotedSends(private val real: LibC = Bindings.best) : LibC by real {
    val offered = ConcurrentLinkedQueue<Long>()
    val taken = AtomicLong()

    override fun send(fd: Int, address: Long, length: Long, flags: Int): Long {
        offered += length
        return real.send(fd, address, length, flags).also { if (it > 0) taken.addAndGet(it) }
    }
}

/** Records cost no more system calls than the bytes would by themselves, however many records an engine makes of them. */
class OneSendSpec : NetparkSpec(body = {
    val writes = mapOf<String, (OursAndPeer) -> Unit>(
        "a buffer outside the heap" to { it.ours.write(ByteBuffer.allocateDirect(SIZE)) },
        "a buffer on the heap" to { it.ours.write(ByteBuffer.allocate(SIZE)) },
        "several buffers" to { pair ->
            val buffers = Array(4) { ByteBuffer.allocate(SIZE / 4) }
            pair.connection.perform(Direction.WRITE, { pair.connection.startWrite(buffers) }, { pair.connection.retryWrite(buffers) })
        },
        "a chain of segments" to { pair ->
            LinkBuffer(SegmentPool.shared()).use { chain ->
                chain.put(ByteArray(SIZE))
                pair.connection.perform(Direction.WRITE, { pair.connection.startWrite(chain) }, { pair.connection.retryWrite(chain) })
            }
        },
        "a part of a file" to { pair ->
            val path = createTempFile().apply { writeBytes(ByteArray(SIZE)) }
            try {
                FileChannel.open(path).use { channel ->
                    val transfer = FileTransfer.of(channel, 0, FileTransfer.REST)
                    pair.connection.perform(Direction.WRITE, { pair.connection.startSend(transfer) }, { pair.connection.retrySend(transfer) })
                }
            } finally {
                path.deleteExisting()
            }
        },
    )

    for (flavour in EngineFlavour.available()) for (protocol in EngineFlavour.PROTOCOLS) {
        test("64 KiB that are written at once are offered to the socket at once: $flavour, $protocol") {
            val libc = NotedSends()
            TestReactor(libc).use { reactor ->
                TestReactor().use { elsewhere ->
                    reactor.oursAndPeer(Role.SERVER, protocol, elsewhere).handshake(TlsEnds.server(flavour, protocol)).use { pair ->
                        for ((what, write) in writes) withClue(what) {
                            libc.offered.clear()
                            libc.taken.set(0)
                            val reading = async { pair.peer.read(SIZE) }
                            write(pair)
                            reading.result().size shouldBe SIZE
                            libc.offered.first() shouldBe libc.taken.get() // nothing was made later
                            libc.taken.get() shouldBeGreaterThan SIZE.toLong()
                        }
                    }
                }
            }
        }
    }
})
