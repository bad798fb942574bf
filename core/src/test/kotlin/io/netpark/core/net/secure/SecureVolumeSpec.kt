package io.netpark.core.net.secure

import io.kotest.assertions.withClue
import io.kotest.matchers.longs.shouldBeGreaterThan
import io.kotest.matchers.shouldBe
import io.netpark.core.buffer.LinkBuffer
import io.netpark.core.buffer.SegmentPool
import io.netpark.core.fd.Direction
import io.netpark.core.net.files.FileTransfer
import io.netpark.core.net.streams.ConnectionDescriptor
import io.netpark.core.sys.LibC
import io.netpark.core.testing.BlockingConnection
import io.netpark.core.testing.FaultyLibC
import io.netpark.core.testing.HeldLibC
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.PollerKind
import io.netpark.core.testing.TestReactor
import io.netpark.core.testing.async
import io.netpark.core.testing.eventually
import io.netpark.core.testing.perform
import io.netpark.core.testing.tls.EngineFlavour
import io.netpark.core.testing.tls.TlsEnds
import io.netpark.core.testing.tls.awaitTls
import io.netpark.core.testing.tls.beginTls
import io.netpark.core.testing.tls.tcpPair
import io.netpark.core.testing.use
import java.nio.ByteBuffer
import java.nio.channels.FileChannel
import java.nio.file.Files
import java.nio.file.StandardOpenOption
import java.util.Random
import java.util.concurrent.CyclicBarrier
import java.util.concurrent.TimeUnit
import java.util.zip.CRC32C
import kotlin.time.Duration
import kotlin.time.Duration.Companion.minutes
import kotlin.time.Duration.Companion.seconds

private const val MIB = 1024L * 1024

/** How much goes each way; a gibibyte makes it a test of its own: `-Dnetpark.tls.mebibytes=1024`. */
private val MEBIBYTES = (System.getProperty("netpark.tls.mebibytes") ?: "32").toLong()

/** Many bytes both ways at once, in every way that there is to write and to read. */
class SecureVolumeSpec : NetparkSpec(body = {
    val folder = Files.createTempDirectory("netpark")
    val file = folder.resolve("file")
    Files.write(file, ByteArray(1 shl 20).also { Random(1).nextBytes(it) })
    afterSpec {
        Files.delete(file)
        Files.delete(folder)
    }

    fun exchange(
        count: Long,
        server: EngineFlavour,
        client: EngineFlavour,
        protocol: String,
        libc: LibC? = null,
        poller: PollerKind = PollerKind.EPOLL,
        slow: Boolean = false,
        within: Duration = 100.seconds,
    ) {
        val lent = SegmentPool.shared().statistics().lentBytes()
        val reactor = if (libc == null) TestReactor(loops = 2, pollers = poller.factory) else TestReactor(libc, poller.factory, loops = 2)
        reactor.use {
            it.tcpPair().use { one, other ->
                one.beginTls(TlsEnds.server(server, protocol)).awaitTls0(other.beginTls(TlsEnds.client(client, protocol)))
                if (libc != null) it.reporter.drain() // of accepts
                // Up to TLS 1.2 the end of one direction is that of both, so nobody ends before both have written.
                val written = CyclicBarrier(2)
                val ends = listOf(one to other, other to one).mapIndexed { i, (from, to) ->
                    val seed = count + i
                    val sum = async("writer") { Pouring(from, Random(seed), FileChannel.open(file, StandardOpenOption.READ)) { written.await() }.pour(count) }
                    val read = async("reader") { Drinking(to, Random(-seed), slow).drink() }
                    sum to read
                }
                for ((sum, read) in ends) {
                    val poured = sum.get(within.inWholeSeconds, TimeUnit.SECONDS)
                    val got = read.get(within.inWholeSeconds, TimeUnit.SECONDS)
                    withClue("$libc") { got shouldBe poured }
                }
            }
        }
        eventually { check(SegmentPool.shared().statistics().lentBytes() <= lent) { "bytes are left: ${SegmentPool.shared().statistics().lentBytes()}, $lent before" } }
    }

    val flavours = EngineFlavour.available()
    for (protocol in EngineFlavour.PROTOCOLS) for (flavour in flavours) {
        val mebibytes = if (flavour == EngineFlavour.JDK && protocol == "TLSv1.3") MEBIBYTES else maxOf(4, MEBIBYTES / 8)
        test("$mebibytes MiB both ways at once, in all kinds of reads and writes: $flavour, $protocol").config(timeout = 20.minutes) {
            exchange(mebibytes * MIB, flavour, EngineFlavour.JDK, protocol, within = 15.minutes)
        }
    }

    test("readers that are slower than writers hold them up, and lose nothing") {
        for (poller in PollerKind.all) exchange(2 * MIB, EngineFlavour.JDK, EngineFlavour.JDK, "TLSv1.3", poller = poller, slow = true)
    }

    for (flavour in flavours) for (poller in PollerKind.all) {
        test("system calls that are interrupted, move little or nothing, for no reason: $flavour, $poller") {
            val libc = FaultyLibC(probability = 0.6)
            exchange(MIB / 2, flavour, flavour, "TLSv1.3", libc, poller)
            libc.faults shouldBeGreaterThan 100
        }
    }

    test("a socket that takes a byte at a time") {
        val libc = HeldLibC().apply { sends = { 1 } }
        exchange(MIB / 8, EngineFlavour.JDK, EngineFlavour.JDK, "TLSv1.3", libc)
    }
})

private fun BlockingConnection.awaitTls0(other: BlockingConnection) {
    awaitTls()
    other.awaitTls()
}

/** Writes noise in every way. */
private class Pouring(
    private val to: BlockingConnection,
    private val random: Random,
    private val file: FileChannel,
    private val beforeTheEnd: () -> Unit,
) {
    private val sum = CRC32C()
    private val connection = to.connection

    private fun noise(most: Int): ByteArray = ByteArray(1 + random.nextInt(most)).also {
        random.nextBytes(it)
        sum.update(it)
    }

    private fun size() = if (random.nextInt(3) == 0) 200_000 else 3000

    fun pour(count: Long): Pair<Long, Long> = file.use {
        var written = 0L
        while (written < count) {
            written += when (random.nextInt(6)) {
                0 -> noise(size()).let { bytes ->
                    to.write(ByteBuffer.wrap(bytes))
                    bytes.size
                }
                1 -> noise(size()).let { bytes ->
                    to.write(ByteBuffer.allocateDirect(bytes.size).put(bytes).flip())
                    bytes.size
                }
                2 -> {
                    val parts = (0..random.nextInt(5)).map { noise(size()) }
                    to.write(parts.map { ByteBuffer.wrap(it) }.toTypedArray())
                    parts.sumOf { it.size }
                }
                3, 4 -> LinkBuffer(SegmentPool.shared()).use { chain ->
                    repeat(1 + random.nextInt(4)) { chain.put(ByteBuffer.wrap(noise(size()))) }
                    val size = chain.available().toInt()
                    connection.perform(Direction.WRITE, { connection.startWrite(chain) }, { connection.retryWrite(chain) })
                    chain.available() shouldBe 0
                    size
                }
                else -> {
                    val size = 1 + random.nextInt(300_000)
                    val start = random.nextInt((1 shl 20) - size).toLong()
                    val bytes = ByteBuffer.allocate(size)
                    file.read(bytes, start)
                    sum.update(bytes.flip())
                    val transfer = FileTransfer.of(file, start, size.toLong())
                    connection.perform(Direction.WRITE, { connection.startSend(transfer) }, { connection.retrySend(transfer) })
                    size
                }
            }
        }
        beforeTheEnd()
        connection.shutdownOutput()
        return written to sum.value
    }
}

/** Reads in every way, up to the end. */
private class Drinking(private val from: BlockingConnection, private val random: Random, private val slow: Boolean) {
    private val sum = CRC32C()
    private val connection = from.connection
    private var read = 0L

    private fun take(bytes: ByteBuffer) {
        read += bytes.flip().remaining()
        sum.update(bytes)
    }

    fun drink(): Pair<Long, Long> {
        while (true) {
            if (slow && random.nextInt(4) == 0) Thread.sleep(1)
            val size = if (random.nextInt(4) == 0) 1 + random.nextInt(100) else 1 + random.nextInt(150_000)
            val end = when (random.nextInt(4)) {
                0 -> ByteBuffer.allocate(size).let { target -> from.read(target).also { take(target) } }
                1 -> ByteBuffer.allocateDirect(size).let { target -> from.read(target).also { take(target) } }
                2 -> {
                    val targets = Array(1 + random.nextInt(4)) { ByteBuffer.allocate(1 + random.nextInt(20_000)) }
                    from.read(targets).also { targets.forEach { take(it) } }
                }
                else -> LinkBuffer(SegmentPool.shared()).use { chain ->
                    connection.perform(Direction.READ, { connection.startRead(chain) }, { connection.retryRead(chain) }).also {
                        val target = ByteBuffer.allocate(chain.available().toInt())
                        chain.take(target)
                        take(target)
                    }
                }
            }
            if (end == ConnectionDescriptor.END_OF_STREAM) return read to sum.value
        }
    }
}
