package io.netpark.core.net.zerocopy

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.longs.shouldBeGreaterThan
import io.kotest.matchers.longs.shouldBeLessThan
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.netpark.core.buffer.LeakDetection
import io.netpark.core.buffer.LinkBuffer
import io.netpark.core.buffer.SegmentPool
import io.netpark.core.fd.Direction
import io.netpark.core.linux.Linux
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
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.TestReactor
import io.netpark.core.testing.async
import io.netpark.core.testing.await
import io.netpark.core.testing.awaitParkedThreads
import io.netpark.core.testing.eventually
import io.netpark.core.testing.perform
import io.netpark.core.testing.result
import io.netpark.core.testing.use
import java.nio.ByteBuffer
import java.time.Duration
import java.util.concurrent.Semaphore
import java.util.concurrent.atomic.AtomicInteger

private const val KIB = 1024
private const val MIB = 1024 * KIB

/** More than a socket's buffers hold, so that some of it waits in the sender's. */
private const val LARGE = 16 * MIB

/** Never gives up: on the loopback device everything is copied in the end. */
private val ALWAYS = ZeroCopy.from(4 * KIB).withPatience(Int.MAX_VALUE)

private fun content(length: Int, seed: Int = 0) =
    ByteArray(length) { (it * 31 + (it shr 8) * 7 + (it shr 16) + seed * 13).toByte() }

private fun pool() = SegmentPool.builder().leakDetection(LeakDetection.PARANOID).build()

private fun BlockingConnection.write(source: LinkBuffer) {
    connection.perform(Direction.WRITE, { connection.startWrite(source) }, { connection.retryWrite(source) })
}

private fun BlockingConnection.count() = connection.zeroCopyCount()

private fun BlockingConnection.always() = apply { connection.setZeroCopy(ALWAYS) }

/** Writes from pooled segments until the kernel takes no more, and leaves the rest in the buffer. Returns what it took. */
private fun BlockingConnection.stuff(source: LinkBuffer): Int {
    source.put(content(LARGE), 0, LARGE)
    if (connection.startWrite(source) == ConnectionDescriptor.PARK) connection.abandon(Direction.WRITE)
    return LARGE - source.available().toInt()
}

private fun SegmentPool.shouldHaveLentNothing() = eventually { statistics().lentSegments() shouldBe 0 }

private fun BlockingConnection.shouldHaveGotEverythingBack() = eventually { count().onLoan() shouldBe 0 }

/** A C library that has [limit] sends without a copy in memory for a socket, if that. */
private class Stingy(real: LibC, private val limit: Int) : LibC by real {
    private val libc = real
    val asked = AtomicInteger()
    private val given = AtomicInteger()

    override fun sendmsg(fd: Int, msghdr: Long, flags: Int): Long {
        val lends = flags and Linux.MSG_ZEROCOPY != 0
        if (lends) asked.incrementAndGet()
        if (lends && given.get() == limit) return -Errno.ENOBUFS.toLong()
        return libc.sendmsg(fd, msghdr, flags).also { if (lends && it > 0) given.incrementAndGet() }
    }
}

/** Notices who closes a descriptor that is not open. */
private class CloseOnce(private val real: LibC) : LibC by real {
    val refused = AtomicInteger()

    override fun close(fd: Int): Int = real.close(fd).also { if (it == -Errno.EBADF) refused.incrementAndGet() }
}

class ZeroCopySpec : NetparkSpec(body = {
    for (flavour in Flavour.all) for (host in listOf("127.0.0.1", "::1")) {
        context("$flavour $host") {
            suspend fun pair(name: String, body: (client: BlockingConnection, server: BlockingConnection) -> Unit) =
                test(name) { TestReactor(flavour, loops = 2).use { it.pair(host).use(body) } }

            pair("bytes are what they were, though buffers are filled anew as soon as they are free") { client, server ->
                client.always()
                val size = 256 * KIB
                val buffers = List(4) { ByteBuffer.allocateDirect(size) }
                val free = buffers.map { Semaphore(1) }
                val rounds = 60
                val reading = async {
                    repeat(rounds) { round ->
                        if (round % 10 == 0) Thread.sleep(20)
                        server.readFully(size).contentEquals(content(size, round)) shouldBe true
                    }
                }
                LinkBuffer(SegmentPool.shared()).use { output ->
                    repeat(rounds) { round ->
                        val buffer = buffers[round % buffers.size]
                        free[round % buffers.size].acquire()
                        buffer.clear().put(content(size, round)).flip()
                        output.link(buffer.duplicate()) { free[round % buffers.size].release() }
                        client.write(output)
                    }
                }
                reading.result()
                free.forEach { it.acquire() }
                client.count().sends() shouldBeGreaterThan rounds - 1L
                client.count().refused() shouldBe 0
                client.shouldHaveGotEverythingBack()
            }

            pair("segments go back to their pool when the peer has them, not before, and nobody spins meanwhile") { client, server ->
                client.always()
                val pool = pool()
                LinkBuffer(pool).use { output ->
                    val taken = client.stuff(output)
                    val unsent = output.available().toInt()
                    output.close()
                    pool.statistics().lentBytes() shouldBeGreaterThan 0
                    client.count().onLoan() shouldBeGreaterThan 0
                    server.readFully(taken).contentEquals(content(LARGE).copyOf(taken)) shouldBe true
                    (unsent > 0) shouldBe true
                }
                client.shouldHaveGotEverythingBack()
                pool.shouldHaveLentNothing()
                client.count().copied() shouldBe client.count().sends()
            }

            pair("a peer that resets gives everything back, and the write fails") { client, server ->
                client.always()
                val pool = pool()
                LinkBuffer(pool).use { output ->
                    client.stuff(output)
                    val writing = async { runCatching { client.write(output) } }
                    awaitParkedThreads()
                    server.connection.resetOnClose()
                    server.close()
                    shouldThrow<NetparkException.Reset> { writing.result().getOrThrow() }
                }
                client.shouldHaveGotEverythingBack()
                pool.shouldHaveLentNothing()
            }

            pair("closed with bytes on loan, the peer gets them all and then the end, and they come back") { client, server ->
                client.always()
                val pool = pool()
                val output = LinkBuffer(pool)
                val taken = client.stuff(output)
                output.close()
                client.close()
                pool.statistics().lentBytes() shouldBeGreaterThan 0
                server.readFully(taken).contentEquals(content(LARGE).copyOf(taken)) shouldBe true
                server.readIsAtEnd() shouldBe true
                pool.shouldHaveLentNothing()
                client.shouldHaveGotEverythingBack()
            }

            pair("closed by a reset with bytes on loan, they come back at once, and the peer is told") { client, server ->
                client.always()
                val pool = pool()
                val output = LinkBuffer(pool)
                client.stuff(output)
                output.close()
                client.connection.resetOnClose()
                client.close()
                pool.shouldHaveLentNothing()
                shouldThrow<NetparkException.Reset> { server.readFully(LARGE) }
            }

            pair("closed with bytes unread, the peer gets a reset as ever") { client, server ->
                client.always()
                val pool = pool()
                val output = LinkBuffer(pool)
                client.stuff(output)
                output.close()
                server.write("nobody reads this")
                val peeked = client.connection.startWatch()
                if (peeked == ConnectionDescriptor.PARK) client.connection.abandon(Direction.READ)
                eventually {
                    client.connection.startWatch().also { if (it == ConnectionDescriptor.PARK) client.connection.abandon(Direction.READ) } shouldBe 1
                }
                client.close()
                pool.shouldHaveLentNothing()
                shouldThrow<NetparkException.Reset> { server.readFully(LARGE) }
            }

            pair("closed with bytes on loan to a peer that does not read, it is reset in the end") { client, server ->
                client.connection.setZeroCopy(ALWAYS.withLinger(Duration.ofMillis(100)))
                val pool = pool()
                val output = LinkBuffer(pool)
                client.stuff(output)
                output.close()
                client.close()
                pool.shouldHaveLentNothing()
                shouldThrow<NetparkException.Reset> { server.readFully(LARGE) }
            }

            pair("a cancelled write and a deadline leave in the buffer what the kernel has not taken") { client, server ->
                client.always()
                val pool = pool()
                LinkBuffer(pool).use { output ->
                    client.stuff(output)
                    client.connection.setDeadline(Direction.WRITE, System.nanoTime() + 20_000_000)
                    shouldThrow<NetparkException.TimedOut> { client.write(output) }
                    client.connection.clearDeadline(Direction.WRITE)
                    val reading = async { server.readFully(LARGE) }
                    client.write(output)
                    reading.result().contentEquals(content(LARGE)) shouldBe true
                }
                client.shouldHaveGotEverythingBack()
                pool.shouldHaveLentNothing()
            }

            pair("what is small, on the heap, or written as a plain buffer is copied, in its place") { client, server ->
                client.always()
                val heap = ByteBuffer.wrap(content(100 * KIB, 1))
                val direct = ByteBuffer.allocateDirect(100 * KIB).put(content(100 * KIB, 2)).flip()
                val reading = async { server.readFully(300 * KIB + 4) }
                LinkBuffer(SegmentPool.shared()).use { output ->
                    output.putInt(7)
                    client.write(output)
                    output.link(heap)
                    client.write(output)
                    client.write(direct)
                    client.count().sends() shouldBe 0
                    output.link(ByteBuffer.wrap(content(50 * KIB, 3)))
                    output.link(direct.flip().limit(50 * KIB).slice())
                    client.write(output)
                }
                val expected = byteArrayOf(0, 0, 0, 7) + content(100 * KIB, 1) + content(100 * KIB, 2) + content(50 * KIB, 3) +
                    content(100 * KIB, 2).copyOf(50 * KIB)
                reading.result().contentEquals(expected) shouldBe true
                client.count().sends() shouldBeGreaterThan 0
                client.shouldHaveGotEverythingBack()
            }

            pair("a connection that gains nothing stops asking, until it is told again") { client, server ->
                client.connection.setZeroCopy(ZeroCopy.from(4 * KIB).withPatience(3))
                val chunk = content(64 * KIB)
                fun send() = LinkBuffer(SegmentPool.shared()).use { output ->
                    output.put(chunk, 0, chunk.size)
                    client.write(output)
                    server.readFully(chunk.size).contentEquals(chunk) shouldBe true
                    client.shouldHaveGotEverythingBack()
                }
                while (client.count().asking()) send()
                val asked = client.count().sends()
                client.count().copied() shouldBe asked
                send()
                client.count().sends() shouldBe asked
                client.connection.setZeroCopy(ALWAYS)
                send()
                client.count().sends() shouldBeGreaterThan asked
                client.connection.setZeroCopy(ZeroCopy.OFF)
                val last = client.count().sends()
                send()
                client.count().sends() shouldBe last
                client.count().asking() shouldBe false
            }

            pair("it is not handed over while bytes are on loan, nor asked for when somebody else has counted") { client, server ->
                client.always()
                val output = LinkBuffer(SegmentPool.shared())
                val taken = client.stuff(output)
                output.close()
                shouldThrow<IllegalStateException> { client.connection.detach() }.message!! shouldContain "on loan"
                server.readFully(taken)
                client.shouldHaveGotEverythingBack()
                val loop = client.connection.loop()
                BlockingConnection(ConnectionDescriptor.adopt(loop, client.connection.detach())).use { adopted ->
                    shouldThrow<IllegalStateException> { adopted.always() }.message!! shouldContain "SO_ZEROCOPY"
                    adopted.write("still there")
                    server.readText(11) shouldBe "still there"
                }
            }
        }
    }

    for (flavour in Flavour.all) {
        test("$flavour: while bytes are on loan to a peer that does not read, the loop sleeps") {
            val calls = CallCounter(flavour.libc)
            TestReactor(calls.libc, flavour.poller.factory).use { reactor ->
                reactor.pair().use { client, server ->
                    client.always()
                    val output = LinkBuffer(SegmentPool.shared())
                    val taken = client.stuff(output)
                    output.close()
                    val reading = async { client.read(ByteBuffer.allocateDirect(1)) }
                    awaitParkedThreads()
                    var before = -1L
                    eventually {
                        val last = before
                        before = client.count().returned()
                        Thread.sleep(50)
                        last shouldBe before
                    }
                    client.count().onLoan() shouldBeGreaterThan 0
                    val waits = calls.waits
                    Thread.sleep(300)
                    calls.waits - waits shouldBeLessThan 100
                    server.readFully(taken)
                    client.shouldHaveGotEverythingBack()
                    server.write("x")
                    reading.result() shouldBe 1
                }
            }
        }

        test("$flavour: closed with bytes on loan to a peer that is slow, it gets them all, however long it takes") {
            TestReactor(flavour, loops = 2).use { reactor ->
                reactor.pair().use { client, server ->
                    client.connection.setZeroCopy(ALWAYS.withLinger(Duration.ofMillis(1000)))
                    val pool = pool()
                    val output = LinkBuffer(pool)
                    val taken = client.stuff(output)
                    output.close()
                    client.close()
                    val bytes = ByteArray(taken)
                    for (at in 0 until taken step 256 * KIB) {
                        val length = minOf(256 * KIB, taken - at)
                        server.readFully(length).copyInto(bytes, at)
                        Thread.sleep(150)
                    }
                    bytes.contentEquals(content(LARGE).copyOf(taken)) shouldBe true
                    server.readIsAtEnd() shouldBe true
                    pool.shouldHaveLentNothing()
                }
            }
        }

        test("$flavour: unix sockets have none, and say so") {
            TestReactor(flavour).use { reactor ->
                val address = UnixAddress.abstractName("netpark-zero-${ProcessHandle.current().pid()}-${System.nanoTime()}")
                ListenerDescriptor.listen(reactor.group, address, NetOptions.DEFAULT).use { listener ->
                    BlockingConnection(Dialer.of(reactor.group).await(address)).use { client ->
                        BlockingListener(listener).accept().use { server ->
                            val failure = shouldThrow<NetparkException.SystemError> { client.always() }
                            failure.errno() shouldBe Errno.EOPNOTSUPP
                            failure.message!! shouldContain "only TCP"
                            client.connection.setZeroCopy(ZeroCopy.OFF)
                            client.write("as ever")
                            server.readText(7) shouldBe "as ever"
                        }
                    }
                }
            }
        }
    }

    for (libc in Bindings.all) {
        test("${libc.binding()}: notices wake no reader, and leave it the short cut after a short read") {
            val calls = CallCounter(libc)
            TestReactor(calls.libc).use { sending ->
                TestReactor(libc).use { receiving ->
                    receiving.listen().use { listener ->
                        sending.connect(listener.address).use { client ->
                            listener.accept().use { server ->
                                client.always()
                                val room = ByteBuffer.allocateDirect(100)
                                val first = async { client.read(room) }
                                awaitParkedThreads()
                                server.write("one")
                                first.result() shouldBe 3
                                val before = calls["recv"]
                                val reading = async { client.read(room) }
                                awaitParkedThreads()
                                LinkBuffer(SegmentPool.shared()).use { output ->
                                    repeat(20) {
                                        output.put(content(64 * KIB), 0, 64 * KIB)
                                        client.write(output)
                                        server.readFully(64 * KIB)
                                        client.shouldHaveGotEverythingBack()
                                    }
                                }
                                client.count().sends() shouldBeGreaterThan 19
                                calls["recv"] shouldBe before
                                server.write("two")
                                reading.result() shouldBe 3
                                val next = async { client.readIsAtEnd() }
                                awaitParkedThreads()
                                calls["recv"] shouldBe before + 1
                                server.close()
                                next.result() shouldBe true
                            }
                        }
                    }
                }
            }
        }

        test("${libc.binding()}: a kernel that has no memory for it is asked again when something has come back") {
            val stingy = Stingy(libc, 2)
            TestReactor(stingy).use { reactor ->
                reactor.pair().use { client, server ->
                    client.always()
                    val reading = async { server.readFully(LARGE) }
                    LinkBuffer(pool()).use { output ->
                        output.put(content(LARGE), 0, LARGE)
                        client.write(output)
                    }
                    reading.result().contentEquals(content(LARGE)) shouldBe true
                    client.count().sends() shouldBe 2
                    client.count().refused() shouldBeGreaterThan 0
                    client.shouldHaveGotEverythingBack()
                }
            }
        }

        test("${libc.binding()}: a kernel that never has memory for it is not asked for ever") {
            val stingy = Stingy(libc, 0)
            TestReactor(stingy).use { reactor ->
                reactor.pair().use { client, server ->
                    client.connection.setZeroCopy(ZeroCopy.from(4 * KIB).withPatience(5))
                    repeat(20) {
                        LinkBuffer(SegmentPool.shared()).use { output ->
                            output.put(content(8 * KIB), 0, 8 * KIB)
                            client.write(output)
                        }
                        server.readFully(8 * KIB).contentEquals(content(8 * KIB)) shouldBe true
                    }
                    stingy.asked.get() shouldBe 5
                    client.count() shouldBe ZeroCopy.Count(0, 0, 0, 5, false)
                }
            }
        }
    }

    test("interrupted, refused and shortened system calls lose nothing") {
        val faulty = FaultyLibC()
        TestReactor(faulty, loops = 2).use { reactor ->
            reactor.pair().use { client, server ->
                client.always()
                val pool = pool()
                val reading = async { server.readFully(LARGE) }
                LinkBuffer(pool).use { output ->
                    output.put(content(LARGE), 0, LARGE)
                    client.write(output)
                }
                withClueOf(faulty) {
                    reading.result().contentEquals(content(LARGE)) shouldBe true
                    client.shouldHaveGotEverythingBack()
                    pool.shouldHaveLentNothing()
                }
            }
            reactor.reporter.drain() // an accept that is refused is tried again, and reported
        }
    }

    test("loops count what is sent so") {
        TestReactor(configure = { metrics(true) }).use { reactor ->
            reactor.pair().use { client, server ->
                client.always()
                val reading = async { server.readFully(LARGE) }
                LinkBuffer(SegmentPool.shared()).use { output ->
                    output.put(content(LARGE), 0, LARGE)
                    client.write(output)
                }
                reading.result()
                client.shouldHaveGotEverythingBack()
                eventually {
                    val total = reactor.group.snapshot().total()
                    total.zeroCopySends() shouldBe client.count().sends()
                    total.zeroCopyCopied() shouldBe client.count().copied()
                }
            }
        }
    }

    test("a connection that is closed while its loop ends closes its descriptor once") {
        val libc = CloseOnce(Bindings.best)
        TestReactor().use { server ->
            server.listen().use { listener ->
                repeat(60) { round ->
                    val client = TestReactor(libc)
                    val end = client.connect(listener.address)
                    val accepted = listener.accept()
                    end.always()
                    LinkBuffer(SegmentPool.shared()).use { output ->
                        output.put(content(MIB), 0, MIB)
                        if (end.connection.startWrite(output) == ConnectionDescriptor.PARK) end.connection.abandon(Direction.WRITE)
                    }
                    val closing = async { repeat(round * 50) { Thread.onSpinWait() }; end.close() }
                    client.close()
                    closing.result()
                    accepted.close()
                }
            }
        }
        libc.refused.get() shouldBe 0
    }

    test("a loop that ends with bytes on loan: they are delivered, and their memory is not used again") {
        val pool = pool()
        val received = TestReactor().use { server ->
            val client = TestReactor()
            server.listen().use { listener ->
                val end = client.connect(listener.address)
                val accepted = listener.accept()
                end.always()
                val output = LinkBuffer(pool)
                val taken = end.stuff(output)
                output.close()
                client.close()
                accepted.use {
                    val bytes = it.readFully(taken)
                    it.readIsAtEnd() shouldBe true
                    bytes.contentEquals(content(LARGE).copyOf(taken)) shouldBe true
                }
                taken
            }
        }
        (received > 0) shouldBe true
        pool.statistics().lentSegments() shouldBeGreaterThan 0
    }
})

private inline fun withClueOf(faulty: FaultyLibC, body: () -> Unit) {
    try {
        body()
    } catch (e: Throwable) {
        throw AssertionError("$faulty, after ${faulty.faults} faults", e)
    }
}
