package io.netpark.core.buffer

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.netpark.core.sys.NetparkException
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.StubOwner
import io.netpark.core.testing.TestReactor
import io.netpark.core.testing.async
import io.netpark.core.testing.eventually
import io.netpark.core.testing.race
import io.netpark.core.testing.result
import java.nio.ByteBuffer
import java.util.concurrent.CompletableFuture
import java.util.concurrent.CountDownLatch
import java.util.concurrent.atomic.AtomicInteger

private const val KIB = 1024

/** Who gives back what the buffers of a connection hold, and when. */
class OwnedBufferSpec : NetparkSpec(body = {
    class Rig : AutoCloseable {
        val reactor = TestReactor()
        val pool: SegmentPool = SegmentPool.builder().leakDetection(LeakDetection.OFF).build()

        fun owned(bytes: Int = 10_000) =
            OwnedBuffer(StubOwner(reactor.loop), LinkBuffer(pool).also { if (bytes > 0) it.put(ByteArray(bytes) { 7 }) })

        fun onLoop(body: () -> Unit) {
            val done = CompletableFuture<Unit>()
            reactor.loop.execute { runCatching(body).fold(done::complete, done::completeExceptionally) }
            done.result()
        }

        val lent: Long get() = pool.statistics().lentSegments()

        override fun close() {
            reactor.close()
            pool.close()
            pool.statistics().also {
                it.lentSegments() shouldBe 0
                it.allocatedBytes() shouldBe 0
            }
        }
    }

    fun rig(body: Rig.() -> Unit) = Rig().use(body)

    test("the end gives everything back at once, when nobody is using it, on whatever thread") {
        rig {
            owned().end()
            lent shouldBe 0
            val readElsewhere = owned()
            async { readElsewhere.reader().takeInt() }.result()
            readElsewhere.end()
            lent shouldBe 0
            onLoop {
                owned().apply {
                    reader().takeInt()
                    end()
                }
                lent shouldBe 0
            }
            val readOnLoop = owned()
            onLoop { readOnLoop.reader().takeInt() }
            readOnLoop.end()
            eventually { check(lent == 0L) { "$lent segments are lent" } }
        }
    }

    test("while a call goes on the memory stays, and goes back when it returns") {
        rig {
            val owned = owned()
            val within = owned.enter()
            async { owned.end() }.result()
            lent shouldBe 1
            within.takeBytes(10_000).all { it == 7.toByte() } shouldBe true
            within.putInt(1)
            owned.exit(within)
            lent shouldBe 0
            onLoop {
                val onLoop = owned()
                val used = onLoop.enter()
                onLoop.end()
                lent shouldBe 1
                used.takeInt()
                onLoop.exit(used)
                lent shouldBe 0
            }
        }
    }

    test("a call that is held by something in the background may be ended by another thread") {
        rig {
            val owned = owned()
            val held = owned.hold()
            onLoop { owned.end() }
            lent shouldBe 1
            onLoop { owned.drop(held) }
            lent shouldBe 0
        }
    }

    test("calls nest") {
        rig {
            val owned = owned(0)
            owned.writer().putString(object : CharSequence by "twice" {
                override fun get(index: Int): Char {
                    if (index == 0) owned.end()
                    return "twice"[index]
                }
            })
            lent shouldBe 0
            owned.hasDropped() shouldBe false
        }
    }

    test("after the end there is nothing to read, and taking or putting something fails as the connection does; one that is refused says why to both") {
        rig {
            val ended = owned()
            ended.end() shouldBe 10_000
            ended.end() shouldBe 0
            ended.hasDropped() shouldBe true
            ended.reader().available() shouldBe 0
            for (call in listOf<() -> Any?>(
                { ended.reader().takeByte() }, { ended.reader().getInt(0) }, { ended.reader().takeLongLe() }, { ended.reader().next(1) },
                { ended.reader().peek(1) }, { ended.reader().skip(1) }, { ended.reader().takeString(1) }, { ended.reader().slice(1) },
            )) {
                shouldThrow<NetparkException.Closed> { call() }.message shouldBe "read from a stub: closed here"
            }
            for (call in listOf<() -> Any?>(
                { ended.writer().putByte(1) }, { ended.writer().reserve(1) }, { ended.writer().commit(1) }, { ended.writer().putDecimal(1) },
                { ended.writer().put(ByteArray(0)) }, { ended.writer().append(LinkBuffer(pool)) }, { ended.writer().asOutputStream().write(1) },
            )) {
                shouldThrow<NetparkException.Closed> { call() }.message shouldBe "write to a stub: closed here"
            }
            shouldThrow<IndexOutOfBoundsException> { ended.reader().skip(-1) }
            ended.reader().release()
            ended.reader().skip(0)
            ended.reader().takeLine(100) shouldBe null
            ended.reader().asInputStream().read() shouldBe -1
            ended.reader().take(ByteBuffer.allocate(10)) shouldBe 0
            val refused = owned()
            refused.refuse("it is somebody else's") shouldBe 10_000
            for (call in listOf<() -> Any?>(
                { refused.reader().available() }, { refused.reader().next(1) }, { refused.reader().release() },
                { refused.reader().asInputStream().read() }, { refused.writer().buffered() }, { refused.writer().putInt(1) },
                { refused.writer().asOutputStream().write(1) }, { refused.writer().link(ByteBuffer.allocate(1)) },
            )) {
                shouldThrow<IllegalStateException> { call() }.message shouldBe "it is somebody else's"
            }
        }
    }

    test("a view of the thread that ends it is empty afterwards, and its memory is another's") {
        rig {
            val owned = owned()
            val view = owned.reader().next(100)
            owned.end()
            lent shouldBe 0
            view.limit() shouldBe 0
            onLoop {
                owned().apply {
                    val onLoop = reader().peek(100)
                    end()
                    onLoop.limit() shouldBe 0
                }
            }
        }
    }

    test("a view of another thread keeps its bytes, and the pool does not wait for them") {
        rig {
            val limited = SegmentPool.builder().leakDetection(LeakDetection.PARANOID).limit(64L * KIB).build()
            repeat(20) {
                val owned = OwnedBuffer(StubOwner(reactor.loop), LinkBuffer(limited).also { it.put(ByteArray(40_000) { 7 }) })
                val view = async { owned.reader().next(30_000) }.result()
                owned.end()
                limited.statistics().apply {
                    lentSegments() shouldBe 0
                    allocatedBytes() shouldBe 0
                    lost() shouldBe 0
                }
                limited.take(64 * KIB).also { other -> (0 until 64 * KIB).forEach { other.memory().put(it, 1) } }.release()
                (0 until 30_000).all { view.get(it) == 7.toByte() } shouldBe true
                limited.close()
            }
        }
    }

    test("room that another thread may be writing to is not given to others either") {
        rig {
            val owned = owned(0)
            val room = async { owned.writer().reserve(1000) }.result()
            owned.end()
            lent shouldBe 0
            val other = pool.take(4 * KIB)
            (0 until 4 * KIB).forEach { other.memory().put(it, 1) }
            room.put(ByteArray(1000) { 9 })
            (0 until 4 * KIB).all { other.memory().get(it) == 1.toByte() } shouldBe true
            other.release()
        }
    }

    test("when others wait for memory, the end lets the first of them have it") {
        rig {
            val limited = SegmentPool.builder().leakDetection(LeakDetection.OFF).limit(64L * KIB).build()
            for (viewed in listOf(false, true)) {
                val owned = OwnedBuffer(StubOwner(reactor.loop), LinkBuffer(limited).also { it.put(ByteArray(40_000)) })
                if (viewed) async { owned.reader().next(1) }.result()
                val told = AtomicInteger()
                limited.whenRoom(64 * KIB) { told.incrementAndGet() }
                told.get() shouldBe 0
                owned.end()
                told.get() shouldBe 1
            }
            limited.close()
        }
    }

    test("the end races with calls on any threads: all is given back once, and nobody reads another's bytes") {
        rig {
            val wrong = AtomicInteger()
            lateinit var owned: OwnedBuffer
            fun read() {
                try {
                    while (true) {
                        if (owned.reader().takeByte() != 7.toByte()) wrong.incrementAndGet()
                        owned.reader().skip(1)
                    }
                } catch (_: IndexOutOfBoundsException) {
                    // Everything has been taken.
                } catch (_: NetparkException.Closed) {
                    // It has ended.
                }
            }
            fun spoil() = pool.take(16 * KIB).let { segment ->
                segment.memory().putLong(0, -1).putLong(100, -1).putLong(1000, -1)
                segment.release()
            }
            race(
                2_000,
                { read() },
                { owned.end() },
                { repeat(3) { spoil() } },
                beforeEach = { owned = owned(3_000) },
                afterEach = { lent shouldBe 0 },
            )
            race(
                300,
                { onLoop { read() } },
                { owned.end() },
                { repeat(3) { spoil() } },
                beforeEach = { owned = owned(3_000) },
                afterEach = { eventually { check(lent == 0L) { "$lent segments are lent" } } },
            )
            wrong.get() shouldBe 0
        }
    }

    test("when the loop has ended the memory goes back all the same") {
        val rig = Rig()
        val owned = rig.owned()
        val writing = CountDownLatch(1)
        rig.onLoop {
            owned.reader().takeInt()
            writing.countDown()
        }
        writing.await()
        rig.reactor.close()
        owned.end()
        rig.close()
    }
})
