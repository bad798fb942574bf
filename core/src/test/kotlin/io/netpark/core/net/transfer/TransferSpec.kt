package io.netpark.core.net.transfer

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.booleans.shouldBeTrue
import io.kotest.matchers.ints.shouldBeLessThanOrEqual
import io.kotest.matchers.longs.shouldBeGreaterThan
import io.kotest.matchers.longs.shouldBeLessThan
import io.kotest.matchers.nulls.shouldBeNull
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.kotest.matchers.types.shouldBeInstanceOf
import io.netpark.core.buffer.LeakDetection
import io.netpark.core.buffer.LinkBuffer
import io.netpark.core.buffer.SegmentPool
import io.netpark.core.fd.Direction
import io.netpark.core.linux.Linux
import io.netpark.core.loop.EventLoop
import io.netpark.core.net.options.NetOption
import io.netpark.core.net.streams.ConnectionDescriptor
import io.netpark.core.sys.Errno
import io.netpark.core.sys.LibC
import io.netpark.core.sys.NetparkException
import io.netpark.core.testing.BlockingConnection
import io.netpark.core.testing.CallCounter
import io.netpark.core.testing.Chain
import io.netpark.core.testing.FaultyLibC
import io.netpark.core.testing.Flavour
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.RunningRelay
import io.netpark.core.testing.RunningTransfer
import io.netpark.core.testing.TestReactor
import io.netpark.core.testing.Transport
import io.netpark.core.testing.async
import io.netpark.core.testing.eventually
import io.netpark.core.testing.fromNow
import io.netpark.core.testing.noise
import io.netpark.core.testing.openDescriptorTargets
import io.netpark.core.testing.race
import io.netpark.core.testing.result
import io.netpark.core.testing.writeInPieces
import java.nio.ByteBuffer
import java.util.concurrent.CancellationException
import java.util.concurrent.CompletableFuture
import java.util.concurrent.atomic.AtomicInteger
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.seconds

private const val LENGTH = 6_000_000

/** Which timeout it failed with. */
private fun RunningTransfer.timeout() = failure().shouldBeInstanceOf<NetparkException.TimedOut>().timeout()

private fun pipes() = openDescriptorTargets().count { "pipe:" in it }

/** Keeps writing until the kernel takes no more, wherever that is along the way. */
private fun BlockingConnection.fillUp(): Long {
    val chunk = ByteBuffer.allocateDirect(64 * 1024)
    var written = 0L
    var patience = 30 // times 10 ms without a byte taken: what is between here and there is full
    var begun = false
    while (patience > 0) {
        chunk.clear()
        val parked = (if (begun) connection.retryWrite(chunk) else connection.startWrite(chunk)) == ConnectionDescriptor.PARK
        begun = parked
        written += chunk.position()
        if (chunk.position() > 0) patience = 30 else patience--
        if (parked) Thread.sleep(10)
    }
    if (begun) connection.abandon(Direction.WRITE)
    return written
}

/** As above, until the transfer waits for room in its target: its loop may be held up for longer than the patience of a write. */
private fun Chain.fillUp(): Long {
    var written = 0L
    do {
        written += left.fillUp()
    } while (!target.isInUse(Direction.WRITE))
    return written
}

class TransferSpec : NetparkSpec(body = {

    fun copyAll(chain: Chain, seed: Long, length: Int = LENGTH) {
        val bytes = noise(length, seed)
        val copy = RunningTransfer(chain.source, chain.target)
        val writer = async {
            chain.left.writeInPieces(bytes, seed)
            chain.left.connection.shutdownOutput()
        }
        chain.right.readFully(length).contentEquals(bytes).shouldBeTrue()
        writer.result()
        copy.copied() shouldBe length.toLong()
        chain.target.shutdownOutput()
        chain.right.readIsAtEnd() shouldBe true
    }

    for (flavour in Flavour.all) {
        for ((from, to) in listOf(
            Transport.IPV4 to Transport.IPV4, Transport.IPV6 to Transport.IPV4, Transport.UNIX to Transport.UNIX,
            Transport.IPV4 to Transport.UNIX, Transport.UNIX to Transport.IPV6,
        )) {
            test("$flavour: every byte of any pieces arrives in order, up to the end of the stream: $from to $to") {
                TestReactor(flavour, loops = 2).use { reactor -> Chain(reactor, from, to).use { copyAll(it, 1) } }
            }
        }

        test("$flavour: any legal misbehaviour of the C library") {
            for (script in 0 until 3) {
                val faulty = FaultyLibC(flavour.libc, probability = listOf(0.05, 0.2, 0.4)[script])
                try {
                    TestReactor(faulty, flavour.poller.factory, loops = 2).use { reactor ->
                        for (family in listOf(Transport.IPV4, Transport.UNIX)) {
                            Chain(reactor, family).use { copyAll(it, faulty.seed, 2_000_000) }
                        }
                        reactor.reporter.drain().forEach { it.what.startsWith("Accepting on") shouldBe true }
                    }
                } catch (failure: Throwable) {
                    throw AssertionError("$faulty: $failure", failure)
                }
                faulty.faults shouldBeGreaterThan 0
            }
        }

        test("$flavour: a stream is spliced, a trickle is copied") {
            val calls = CallCounter(flavour.libc)
            TestReactor(calls.libc, flavour.poller.factory).use { reactor ->
                Chain(reactor).use { chain ->
                    val copy = RunningTransfer(chain.source, chain.target)
                    repeat(20) {
                        chain.left.write("a few bytes")
                        chain.right.readText(11) shouldBe "a few bytes"
                    }
                    calls["splice"] shouldBe 0
                    val bytes = noise(LENGTH, 2)
                    val writer = async { chain.left.write(ByteBuffer.wrap(bytes)) }
                    chain.right.readFully(LENGTH).contentEquals(bytes).shouldBeTrue()
                    writer.result()
                    calls["splice"] shouldBeGreaterThan 0
                    copy.transfer.cancel()
                    copy.failure().shouldBeInstanceOf<CancellationException>()
                    copy.transfer.lost() shouldBe 0
                }
            }
        }

        test("$flavour: a count ends it, and what comes behind is still the source's") {
            TestReactor(flavour, loops = 2).use { reactor ->
                Chain(reactor).use { chain ->
                    val bytes = noise(1_000_000, 3)
                    val writer = async { chain.left.write(ByteBuffer.wrap(bytes)) }
                    for ((from, count) in listOf(0 to 0, 0 to 1, 1 to 100_000, 100_001 to 800_000)) {
                        val copy = RunningTransfer(chain.source, chain.target, count.toLong())
                        chain.right.readFully(count).contentEquals(bytes.copyOfRange(from, from + count)).shouldBeTrue()
                        copy.copied() shouldBe count.toLong()
                    }
                    BlockingConnection(chain.source).readFully(98_999)
                        .contentEquals(bytes.copyOfRange(900_001, 999_000)).shouldBeTrue()
                    val copy = RunningTransfer(chain.source, chain.target, 5000)
                    writer.result()
                    chain.left.connection.shutdownOutput()
                    copy.copied() shouldBe 1000 // the stream ends before
                }
            }
        }

        test("$flavour: bytes that are there already go first, and are counted as far as they are the source's") {
            TestReactor(flavour, loops = 2).use { reactor ->
                Chain(reactor).use { chain ->
                    val ahead = LinkBuffer(SegmentPool.shared())
                    ahead.putString("header")
                    ahead.putString("begun")
                    chain.left.write(" and ended")
                    chain.left.connection.shutdownOutput()
                    val copy = RunningTransfer(chain.source, chain.target, ahead = ahead, aheadCounts = 5)
                    chain.right.readText(21) shouldBe "headerbegun and ended"
                    copy.copied() shouldBe 15
                    ahead.close()
                }
            }
        }

        test("$flavour: who waits for bytes holds neither pipe nor memory, and pipes serve one after another") {
            val pool = SegmentPool.builder().leakDetection(LeakDetection.PARANOID).build()
            val before = pipes()
            TestReactor(flavour).use { reactor ->
                val chains = List(40) { Chain(reactor) }
                val copies = chains.map { RunningTransfer(it.source, it.target, pool = pool) }
                val bytes = noise(500_000, 4)
                val target = ByteBuffer.allocateDirect(bytes.size)
                chains.forEach { chain ->
                    val writer = async { chain.left.write(ByteBuffer.wrap(bytes)) }
                    chain.right.readFully(target.clear()) shouldBe ByteBuffer.wrap(bytes)
                    writer.result()
                }
                eventually { pipes() - before shouldBeLessThanOrEqual 2 }
                eventually { pool.statistics().lentSegments() shouldBe 0 }
                copies.none { it.isOver } shouldBe true
                chains.forEach { it.left.connection.shutdownOutput() }
                copies.forEach { it.copied() shouldBe bytes.size.toLong() }
                chains.forEach { it.close() }
            }
            pipes() shouldBe before
        }

        test("$flavour: a target that does not read stops it with bounded memory, and when it reads it goes on") {
            TestReactor(flavour, loops = 2).use { reactor ->
                Chain(reactor).use { chain ->
                    val copy = RunningTransfer(chain.source, chain.target)
                    val stuck = chain.fillUp()
                    stuck shouldBeLessThan 64L * 1024 * 1024
                    copy.isOver shouldBe false
                    chain.right.readFully(ByteBuffer.allocateDirect(stuck.toInt()))
                    chain.left.write("and on")
                    chain.right.readText(6) shouldBe "and on"
                    chain.left.connection.shutdownOutput()
                    copy.copied() shouldBe stuck + 6
                }
            }
        }

        test("$flavour: cancelled while it waits for bytes, it leaves both connections as they are") {
            TestReactor(flavour, loops = 2).use { reactor ->
                Chain(reactor).use { chain ->
                    val copy = RunningTransfer(chain.source, chain.target)
                    chain.left.write("before")
                    chain.right.readText(6) shouldBe "before"
                    copy.transfer.cancel()
                    copy.failure().shouldBeInstanceOf<CancellationException>()
                    copy.transfer.lost() shouldBe 0
                    copy.transfer.copied() shouldBe 6
                    chain.left.write("after")
                    BlockingConnection(chain.source).readText(5) shouldBe "after"
                    BlockingConnection(chain.target).write("too")
                    chain.right.readText(3) shouldBe "too"
                }
            }
        }

        test("$flavour: cancelled while the target does not read, it says how much is lost, and its pipe is no more") {
            val before = pipes()
            TestReactor(flavour).use { reactor ->
                Chain(reactor).use { chain ->
                    val copy = RunningTransfer(chain.source, chain.target)
                    val written = chain.fillUp()
                    copy.transfer.cancel()
                    copy.failure().shouldBeInstanceOf<CancellationException>()
                    copy.transfer.lost() shouldBeGreaterThan 0
                    // But for one that it had no use for in the end: what came last was a trickle, and was copied.
                    pipes() shouldBe before + 2 * chain.source.loop().pipes().idle()
                    // What the target has got, what is lost, and what the source still has, are all there was.
                    chain.target.close() // has no end of its own: its output is cut off
                    var got = 0L
                    val chunk = ByteBuffer.allocateDirect(64 * 1024)
                    while (chain.right.read(chunk.clear()) > 0) got += chunk.position()
                    got shouldBe copy.transfer.copied()
                    chain.left.connection.shutdownOutput()
                    var left = 0L
                    while (BlockingConnection(chain.source).read(chunk.clear()) > 0) left += chunk.position()
                    got + copy.transfer.lost() + left shouldBe written
                }
            }
        }

        test("$flavour: what is read and cannot be written goes back, however it ends, and the next copy has no hole") {
            TestReactor(flavour, loops = 2).use { reactor ->
                for (lumps in listOf(false, true)) {
                    val bytes = noise(if (lumps) 3_000_000 else 300, 9)
                    Chain(reactor).use { chain ->
                        Chain(reactor).use { other ->
                            LinkBuffer(SegmentPool.shared()).use { unread ->
                                chain.right.keepReceiveBufferSmall()
                                chain.target.setOption(NetOption.SEND_BUFFER, 65_536)
                                unread.put(bytes.copyOf(100)) // read ahead
                                // A busy target: refused before anything has moved.
                                val filled = BlockingConnection(chain.target).fillUp().toInt()
                                val full = ByteBuffer.allocate(4_000_000)
                                chain.target.startWrite(full) shouldBe ConnectionDescriptor.PARK
                                RunningTransfer(chain.source, chain.target, unread = unread).apply {
                                    failure().shouldBeInstanceOf<IllegalStateException>()
                                    transfer.isMidway shouldBe false
                                    transfer.lost() shouldBe 0
                                }
                                unread.available() shouldBe 100
                                chain.target.abandon(Direction.WRITE)
                                val sent = filled + full.position()
                                if (lumps) chain.right.readFully(sent)
                                // One that does not read any more, and is given up.
                                val writer = async { chain.left.write(ByteBuffer.wrap(bytes, 100, bytes.size - 100)) }
                                val stuck = RunningTransfer(chain.source, chain.target, unread = unread)
                                if (lumps) eventually { stuck.transfer.copied() shouldBeGreaterThan 100 }
                                eventually { (chain.target.isInUse || stuck.transfer.copied() == bytes.size.toLong()) shouldBe true }
                                stuck.transfer.cancel()
                                stuck.failure().shouldBeInstanceOf<CancellationException>()
                                stuck.transfer.lost() shouldBe 0
                                // One that is closed.
                                chain.target.close()
                                if (!lumps) chain.right.readFully(sent)
                                val got = stuck.transfer.copied().toInt()
                                chain.right.readFully(got).contentEquals(bytes.copyOf(got)).shouldBeTrue()
                                chain.right.readIsAtEnd() shouldBe true
                                // The kernel may have made room for all of the few bytes: who has nothing to write waits for more.
                                if (got < bytes.size) RunningTransfer(chain.source, chain.target, unread = unread).apply {
                                    failure().shouldBeInstanceOf<NetparkException.Closed>()
                                    transfer.isMidway shouldBe false
                                }
                                // And one that takes it all.
                                val rest = RunningTransfer(chain.source, other.target, (bytes.size - got).toLong(), unread = unread)
                                other.right.readFully(bytes.size - got)
                                    .contentEquals(bytes.copyOfRange(got, bytes.size)).shouldBeTrue()
                                rest.copied() shouldBe bytes.size - got.toLong()
                                writer.result()
                            }
                        }
                    }
                }
            }
        }

        test("$flavour: no write gets behind a copy that ends in the midst of one, from the moment at which that is over") {
            TestReactor(flavour, loops = 2).use { reactor ->
                // Where it has got to when it is cancelled is the kernel's affair. It waits in the midst of a write nearly always.
                val midway = (1..5).count {
                    Chain(reactor).use { chain ->
                        chain.right.keepReceiveBufferSmall()
                        chain.target.setOption(NetOption.SEND_BUFFER, 65_536)
                        val behind = CompletableFuture<Result<Int>>()
                        val transfer = Transfer(chain.source, chain.target, null, 0, Long.MAX_VALUE, SegmentPool.shared()) { _, _ ->
                            behind.complete(runCatching { chain.target.startWrite(ByteBuffer.allocate(1)) })
                        }
                        transfer.start()
                        chain.fillUp()
                        transfer.cancel()
                        val write = behind.result()
                        chain.target.isOutputCutOff shouldBe transfer.isMidway
                        if (transfer.isMidway) write.exceptionOrNull().shouldBeInstanceOf<NetparkException.Closed>()
                        transfer.isMidway
                    }
                }
                (midway > 0) shouldBe true
            }
        }

        test("$flavour: bytes of the target's own go first, and stay where they are when it is closed") {
            TestReactor(flavour, loops = 2).use { reactor ->
                Chain(reactor).use { chain ->
                    LinkBuffer(SegmentPool.shared()).use { unread ->
                        LinkBuffer(SegmentPool.shared()).use { own ->
                            own.putString("own ")
                            unread.putString("read ahead")
                            RunningTransfer(chain.source, chain.target, 4, own, unread = unread).copied() shouldBe 4
                            chain.right.readText(8) shouldBe "own read"
                            own.putString("own ")
                            chain.target.close()
                            RunningTransfer(chain.source, chain.target, ahead = own, unread = unread).failure()
                            own.takeString(own.available().toInt()) shouldBe "own "
                            unread.takeString(unread.available().toInt()) shouldBe " ahead"
                        }
                    }
                }
            }
        }

        test("$flavour: a reset is passed on as one, by a copy and in both directions of a relay") {
            TestReactor(flavour, loops = 2).use { reactor ->
                Chain(reactor).use { chain ->
                    val copy = RunningTransfer(chain.source, chain.target)
                    chain.left.write("a part")
                    chain.right.readText(6) shouldBe "a part"
                    chain.left.connection.reset()
                    copy.failure().shouldBeInstanceOf<NetparkException.Reset>()
                    chain.target.close()
                    shouldThrow<NetparkException.Reset> { chain.right.readSome() }
                }
                for (which in 0..1) {
                    Chain(reactor).use { chain ->
                        val relay = RunningRelay(chain.source, chain.target)
                        val ends = listOf(chain.left, chain.right)
                        chain.left.write("there")
                        chain.right.readText(5) shouldBe "there"
                        ends[which].connection.reset()
                        relay.failure().shouldBeInstanceOf<NetparkException.Reset>()
                        chain.source.close()
                        chain.target.close()
                        shouldThrow<NetparkException.Reset> { ends[1 - which].readSome() }
                    }
                }
            }
        }

        test("$flavour: a peer that resets ends it, with the side that failed") {
            TestReactor(flavour, loops = 2).use { reactor ->
                Chain(reactor).use { chain ->
                    val copy = RunningTransfer(chain.source, chain.target)
                    chain.left.connection.resetOnClose()
                    chain.left.close()
                    copy.failure().shouldBeInstanceOf<NetparkException.Reset>()
                    copy.transfer.isOfTarget shouldBe false
                }
                Chain(reactor).use { chain ->
                    val copy = RunningTransfer(chain.source, chain.target)
                    chain.fillUp()
                    chain.right.connection.resetOnClose()
                    chain.right.close()
                    copy.failure().shouldBeInstanceOf<NetparkException.Reset>()
                    copy.transfer.isOfTarget shouldBe true
                }
            }
        }

        test("$flavour: closing either connection ends it, waiting for bytes or for room") {
            TestReactor(flavour, loops = 2).use { reactor ->
                for (full in listOf(false, true)) {
                    Chain(reactor).use { chain ->
                        val copy = RunningTransfer(chain.source, chain.target)
                        if (full) chain.fillUp()
                        (if (full) chain.target else chain.source).close()
                        copy.failure().shouldBeInstanceOf<NetparkException.Closed>()
                    }
                }
            }
        }

        test("$flavour: a source that is closed or reset ends it while it waits for room in the target") {
            TestReactor(flavour, loops = 2).use { reactor ->
                for (reset in listOf(false, true)) {
                    Chain(reactor).use { chain ->
                        val copy = RunningTransfer(chain.source, chain.target)
                        repeat(3) { // it waits again and again
                            chain.fillUp()
                            repeat(20) { chain.right.readSome(1 shl 16) }
                        }
                        chain.fillUp()
                        if (reset) chain.left.connection.reset() else chain.source.close()
                        val failure = copy.failure()
                        if (reset) {
                            failure.shouldBeInstanceOf<NetparkException.Reset>()
                        } else {
                            failure.shouldBeInstanceOf<NetparkException.Closed>()
                        }
                        failure.message shouldContain "read from"
                        copy.transfer.isOfTarget shouldBe false
                        chain.target.isInUse shouldBe false
                        chain.target.close()
                        if (reset) shouldThrow<NetparkException.Reset> { while (chain.right.readSome().isNotEmpty()) Unit }
                    }
                    Chain(reactor).use { chain ->
                        val relay = RunningRelay(chain.source, chain.target)
                        chain.fillUp()
                        if (reset) chain.left.connection.reset() else chain.source.close()
                        (relay.failure() is NetparkException.Reset) shouldBe reset
                        relay.relay.failed() shouldBe chain.source
                    }
                }
            }
        }

        test("$flavour: a source that has ended in order is copied to its end, though it is gone and the target does not read") {
            TestReactor(flavour, loops = 2).use { reactor ->
                Chain(reactor).use { chain ->
                    chain.source.shutdownOutput()
                    val copy = RunningTransfer(chain.source, chain.target)
                    val sent = chain.fillUp()
                    chain.left.connection.shutdownOutput()
                    var read = 0L
                    while (read < sent) read += chain.right.readSome(1 shl 16).length
                    copy.copied() shouldBe sent
                }
            }
        }

        test("$flavour: deadlines of both ends hold, and idle timeouts see the bytes") {
            TestReactor(flavour, loops = 2).use { reactor ->
                Chain(reactor).use { chain ->
                    chain.source.setDeadline(Direction.READ, fromNow(50.milliseconds))
                    val late = RunningTransfer(chain.source, chain.target)
                    late.timeout() shouldBe NetparkException.Timeout.READ
                }
                Chain(reactor).use { chain ->
                    chain.target.setDeadline(Direction.WRITE, fromNow(200.milliseconds))
                    val stuck = RunningTransfer(chain.source, chain.target)
                    chain.left.fillUp()
                    stuck.timeout() shouldBe NetparkException.Timeout.WRITE
                }
                Chain(reactor).use { chain ->
                    for (end in listOf(chain.source, chain.target)) end.setIdleTimeout(2.seconds.inWholeNanoseconds)
                    val copy = RunningTransfer(chain.source, chain.target)
                    repeat(6) {
                        Thread.sleep(400)
                        chain.left.write("tick")
                        chain.right.readText(4) shouldBe "tick"
                    }
                    copy.isOver shouldBe false
                    copy.timeout() shouldBe NetparkException.Timeout.IDLE
                }
            }
        }

        test("$flavour: a fast pair does not keep its loop from others, and its bytes are counted") {
            TestReactor(flavour.libc, flavour.poller.factory) { metrics(true) }.use { reactor ->
                Chain(reactor).use { chain ->
                    val copy = RunningTransfer(chain.source, chain.target)
                    val length = 200_000_000
                    val writer = async {
                        val chunk = ByteBuffer.allocateDirect(1 shl 20)
                        var left = length
                        while (left > 0) {
                            chunk.clear().limit(minOf(left, chunk.capacity()))
                            left -= chunk.remaining()
                            chain.left.write(chunk)
                        }
                    }
                    val turns = AtomicInteger()
                    val loop: EventLoop = reactor.loop
                    val tick = object : Runnable {
                        override fun run() {
                            turns.incrementAndGet()
                            if (!copy.isOver) loop.execute(this)
                        }
                    }
                    loop.execute(tick)
                    val chunk = ByteBuffer.allocateDirect(1 shl 20)
                    var left = length
                    while (left > 0) {
                        chunk.clear().limit(minOf(left, chunk.capacity()))
                        left -= chain.right.read(chunk)
                    }
                    writer.result()
                    chain.left.connection.shutdownOutput()
                    copy.copied() shouldBe length.toLong()
                    // At least one for every two turns' worth of bytes.
                    turns.get().toLong() shouldBeGreaterThan length / (4L shl 20)
                    eventually {
                        val counted = reactor.group.snapshot().loops().single()
                        counted.bytesOut() shouldBeGreaterThan 2L * length - 1
                        counted.bytesIn() shouldBeGreaterThan 2L * length - 1
                    }
                }
            }
        }
    }

    // What a kernel or a limit may refuse

    class Refusing(private val real: LibC) : LibC by real {
        @Volatile var fill = 0
        @Volatile var empty = 0
        @Volatile var pipe = 0
        @Volatile var resize = 0
        private val pipesIn = java.util.concurrent.ConcurrentHashMap.newKeySet<Int>()

        override fun pipe2(fds: Long, flags: Int): Int {
            if (pipe != 0) return -pipe
            val result = real.pipe2(fds, flags)
            pipesIn += com.sun.jna.Pointer(fds).getInt(4)
            return result
        }

        override fun splice(`in`: Int, inOffset: Long, out: Int, outOffset: Long, length: Long, flags: Int): Long {
            val refusal = if (out in pipesIn) fill else empty
            return if (refusal != 0) -refusal.toLong() else real.splice(`in`, inOffset, out, outOffset, length, flags)
        }

        override fun fcntl(fd: Int, command: Int, argument: Int): Int =
            if (command == Linux.F_SETPIPE_SZ && resize != 0) -resize else real.fcntl(fd, command, argument)
    }

    for (flavour in Flavour.all) {
        for ((refused, how) in mapOf<String, Refusing.() -> Unit>(
            "no splicing from the source" to { fill = Errno.EINVAL },
            "no splicing to the target" to { empty = Errno.EINVAL },
            "no splice(2) at all" to { fill = Errno.ENOSYS },
            "a sandbox that forbids splice(2)" to { fill = Errno.EPERM },
            "no descriptors for a pipe" to { pipe = Errno.EMFILE },
            "no larger pipe for this user" to { resize = Errno.EPERM },
        )) {
            test("$flavour: $refused: every byte arrives nevertheless") {
                val libc = Refusing(flavour.libc).apply(how)
                val calls = CallCounter(libc)
                TestReactor(calls.libc, flavour.poller.factory, loops = 2).use { reactor ->
                    Chain(reactor).use { copyAll(it, 5) }
                }
                if (libc.fill != 0) calls["splice"] shouldBe 1 // and is not asked again
            }
        }

        test("$flavour: when descriptors are there again, it splices again") {
            val libc = Refusing(flavour.libc).apply { pipe = Errno.EMFILE }
            val calls = CallCounter(libc)
            TestReactor(calls.libc, flavour.poller.factory).use { reactor ->
                Chain(reactor).use { chain ->
                    val bytes = noise(LENGTH, 6)
                    RunningTransfer(chain.source, chain.target)
                    repeat(3) { round ->
                        if (round == 1) libc.pipe = 0
                        val writer = async { chain.left.write(ByteBuffer.wrap(bytes)) }
                        chain.right.readFully(LENGTH).contentEquals(bytes).shouldBeTrue()
                        writer.result()
                        if (round == 0) calls["splice"] shouldBe 0
                    }
                    calls["splice"] shouldBeGreaterThan 0
                }
            }
        }
    }

    test("cancelled at any moment: what was copied and lost, and what is left, is what was sent") {
        TestReactor(loops = 2).use { reactor ->
            var chain: Chain? = null
            var copy: RunningTransfer? = null
            race(
                300,
                { chain!!.left.write(ByteBuffer.allocateDirect(200_000)) },
                { round ->
                    repeat(round % 50 * 100) { Thread.onSpinWait() }
                    copy!!.transfer.cancel()
                },
                atMost = 5.seconds,
                beforeEach = {
                    chain = Chain(reactor)
                    copy = RunningTransfer(chain!!.source, chain!!.target)
                },
                afterEach = {
                    chain!!.use { chain ->
                        copy!!.failure().shouldBeInstanceOf<CancellationException>()
                        chain.left.connection.shutdownOutput()
                        chain.target.close() // if its output is cut off it has no end of its own
                        fun rest(end: BlockingConnection): Long {
                            val chunk = ByteBuffer.allocateDirect(64 * 1024)
                            var sum = 0L
                            while (end.read(chunk.clear()) > 0) sum += chunk.position()
                            return sum
                        }
                        val got = rest(chain.right)
                        got shouldBe copy!!.transfer.copied()
                        got + copy!!.transfer.lost() + rest(BlockingConnection(chain.source)) shouldBe 200_000
                    }
                },
            )
        }
    }

    test("a connection copied to itself is an echo") {
        TestReactor().use { reactor ->
            val (client, server) = reactor.pair()
            val copy = RunningTransfer(server.connection, server.connection)
            val bytes = noise(LENGTH, 7)
            val writer = async {
                client.writeInPieces(bytes, 7)
                client.connection.shutdownOutput()
            }
            client.readFully(LENGTH).contentEquals(bytes).shouldBeTrue()
            writer.result()
            copy.failure().shouldBeNull()
            client.close()
            server.close()
        }
    }

    test("another operation of the same direction is a mistake that is told, and nothing is left locked") {
        TestReactor().use { reactor ->
            Chain(reactor).use { chain ->
                val first = RunningTransfer(chain.source, chain.target)
                RunningTransfer(chain.source, chain.target).failure().shouldBeInstanceOf<IllegalStateException>()
                first.transfer.cancel()
                first.failure().shouldBeInstanceOf<CancellationException>()
                chain.source.isInUse shouldBe false
                chain.target.isInUse shouldBe false
            }
        }
    }

    test("who is told of progress and throws while the target does not read ends it, and nothing is left locked") {
        TestReactor().use { reactor ->
            Chain(reactor).use { chain ->
                val end = CompletableFuture<Exception?>()
                val outcome = object : Transfer.Outcome {
                    override fun ended(transfer: Transfer, failure: Exception?) { end.complete(failure) }
                    override fun moved() { if (chain.target.isInUse) error("of the one who is told") }
                }
                Transfer(chain.source, chain.target, null, 0, Long.MAX_VALUE, SegmentPool.shared(), outcome).start()
                chain.left.fillUp()
                end.result().shouldBeInstanceOf<IllegalStateException>().message shouldBe "of the one who is told"
                chain.target.isInUse shouldBe false
                chain.source.isInUse shouldBe false
            }
        }
    }
})
