package io.netpark.core.buffer

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.longs.shouldBeLessThanOrEqual
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.kotest.matchers.types.shouldBeSameInstanceAs
import io.kotest.matchers.types.shouldNotBeSameInstanceAs
import io.netpark.core.loop.EventLoop
import io.netpark.core.memory.DirectBuffers
import io.netpark.core.sys.NetparkException
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.RecordingReporter
import io.netpark.core.testing.TestReactor
import io.netpark.core.testing.async
import io.netpark.core.testing.eventually
import io.netpark.core.testing.race
import io.netpark.core.testing.result
import java.nio.ByteBuffer
import java.util.concurrent.CompletableFuture
import java.util.concurrent.ConcurrentLinkedQueue
import java.util.concurrent.atomic.AtomicInteger
import kotlin.random.Random

private const val KIB = 1024
private const val MIB = 1024L * 1024

class SegmentPoolSpec : NetparkSpec(body = {
    context("sizes") {
        test("a segment has the least of 1, 4, 16 and 64 KiB that is enough") {
            pool().use { pool ->
                val sizes = mapOf(
                    0 to 1, 1 to 1, 1023 to 1, 1024 to 1, 1025 to 4, 4096 to 4, 4097 to 16, 16384 to 16, 16385 to 64, 65536 to 64,
                )
                for ((asked, size) in sizes) pool.take(asked).also { it.size() shouldBe size * KIB }.release()
            }
        }

        test("a larger one is the next power of two, and is not kept") {
            pool().use { pool ->
                val segment = pool.take(65537)
                segment.size() shouldBe 128 * KIB
                pool.statistics().allocatedBytes() shouldBe 128L * KIB
                segment.release()
                pool.statistics().allocatedBytes() shouldBe 0
            }
        }

        test("its memory is direct, big-endian, and where its address says") {
            pool().use { pool ->
                val segment = pool.take(1)
                segment.memory().isDirect shouldBe true
                segment.address() shouldBe DirectBuffers.address(segment.memory())
                segment.memory().putInt(0, 0x01020304).get(0) shouldBe 1
                segment.release()
            }
        }

        test("a negative size is refused") {
            pool().use { pool ->
                shouldThrow<IllegalArgumentException> { pool.take(-1) }.message!! shouldContain "-1 bytes"
                pool.statistics().taken() shouldBe 0
            }
        }

        test("what the builder cannot mean is refused") {
            shouldThrow<IllegalArgumentException> { SegmentPool.builder().limit(65535) }.message!! shouldContain "65536"
            shouldThrow<IllegalArgumentException> { SegmentPool.builder().retained(-1) }.message!! shouldContain "-1"
            shouldThrow<IllegalArgumentException> { SegmentPool.builder().retainedPerLoop(-1) }.message!! shouldContain "-1"
        }
    }

    context("keeping") {
        test("a released segment is lent again; nothing more is allocated") {
            pool().use { pool ->
                val first = pool.take(1)
                first.release()
                pool.take(1) shouldBeSameInstanceAs first
                first.release()
                pool.statistics().apply {
                    made() shouldBe 1
                    taken() shouldBe 2
                    lentSegments() shouldBe 0
                    lentBytes() shouldBe 0
                    allocatedBytes() shouldBe KIB
                }
            }
        }

        test("a reference more must be dropped before it goes back") {
            pool().use { pool ->
                val segment = pool.take(1)
                segment.retain()
                segment.release()
                pool.statistics().lentSegments() shouldBe 1
                segment.release()
                pool.statistics().lentSegments() shouldBe 0
            }
        }

        test("what is over the bound is freed at once") {
            pool { retained(MIB) }.use { pool ->
                for (size in listOf(1, 4, 16, 64)) {
                    val segments = List(2 * MIB.toInt() / (size * KIB)) { pool.take(size * KIB) }
                    segments.forEach(Segment::release)
                }
                pool.statistics().lentBytes() shouldBe 0
                pool.statistics().allocatedBytes() shouldBe MIB // a quarter for each size
            }
        }

        test("a bound that divides into no power of two of segments is not exceeded either") {
            val bound = 3 * MIB - 1
            pool { retained(bound) }.use { pool ->
                for (size in listOf(1, 4, 16, 64)) {
                    List(3 * MIB.toInt() / (size * KIB)) { pool.take(size * KIB) }.forEach(Segment::release)
                }
                pool.statistics().allocatedBytes() shouldBeLessThanOrEqual bound
            }
        }

        test("on an event loop's thread as much as its bound stays with the loop, the rest is shared") {
            pool { retained(MIB).retainedPerLoop(MIB) }.use { pool ->
                TestReactor().use { reactor ->
                    reactor.loop.call {
                        List(100) { pool.take(64 * KIB) }.forEach(Segment::release)
                    }
                    // A quarter of each MiB is for this size.
                    pool.statistics().allocatedBytes() shouldBe MIB / 2
                    val elsewhere = List(4) { pool.take(64 * KIB) }
                    pool.statistics().made() shouldBe 100
                    pool.take(64 * KIB).release()
                    pool.statistics().made() shouldBe 101
                    elsewhere.forEach(Segment::release)
                }
            }
        }

        test("a loop lends first what it was given back last") {
            pool().use { pool ->
                TestReactor().use { reactor ->
                    reactor.loop.call {
                        val (first, second) = List(2) { pool.take(1) }
                        first.release()
                        second.release()
                        pool.take(1) shouldBeSameInstanceAs second
                        pool.take(1) shouldBeSameInstanceAs first
                        first.release()
                        second.release()
                    }
                }
            }
        }

        test("what comes back on the thread of a loop that has ended is for all") {
            pool().use { pool ->
                TestReactor().use { reactor ->
                    val ending = CompletableFuture<Unit>()
                    val goesOn = CompletableFuture<Unit>()
                    val late = CompletableFuture<Segment>()
                    val loop = reactor.loop
                    loop.call {
                        loop.atEnd {
                            ending.complete(Unit)
                            goesOn.result()
                        }
                    }
                    loop.shutdown()
                    ending.result()
                    loop.execute { late.complete(pool.take(1).also(Segment::release)) } // runs behind all that is given up
                    goesOn.complete(Unit)
                    val segment = late.result()
                    pool.take(1) shouldBeSameInstanceAs segment
                    segment.release()
                }
            }
        }

        test("a closed pool keeps nothing, and still lends") {
            val pool = pool()
            val lent = pool.take(1)
            pool.take(64 * KIB).release()
            pool.close()
            pool.statistics().allocatedBytes() shouldBe KIB
            lent.release()
            pool.statistics().allocatedBytes() shouldBe 0
            pool.take(1).release()
            pool.statistics().allocatedBytes() shouldBe 0
            pool.close()
        }
    }

    context("the limit") {
        test("a take beyond it says what is lent and what to do; after a release it succeeds") {
            pool { limit(128L * KIB) }.use { pool ->
                val lent = List(2) { pool.take(64 * KIB) }
                val message = shouldThrow<NetparkException.LimitExceeded> { pool.take(1) }.message!!
                message shouldContain "take 1 bytes"
                message shouldContain "limit of 131072 bytes"
                message shouldContain "131072 bytes lent"
                message shouldContain "raise SegmentPool.Builder.limit"
                pool.statistics().allocatedBytes() shouldBe 128L * KIB
                lent[0].release()
                pool.take(1).release()
                lent[1].release()
            }
        }

        test("kept segments of another size make room") {
            pool { limit(128L * KIB) }.use { pool ->
                List(128) { pool.take(1) }.forEach(Segment::release)
                val large = List(2) { pool.take(64 * KIB) }
                pool.statistics().allocatedBytes() shouldBe 128L * KIB
                large.forEach(Segment::release)
            }
        }

        test("bytes that only move may exceed it, and nothing leaks when a write fails") {
            pool { limit(64L * KIB) }.use { pool ->
                LinkBuffer(pool).use { buffer ->
                    shouldThrow<NetparkException.LimitExceeded> { buffer.put(ByteArray(100_000)) }
                    buffer.skip(buffer.available() - 10)
                    while (pool.statistics().allocatedBytes() < 64L * KIB) {
                        buffer.link(ByteBuffer.wrap(ByteArray(10)))
                        runCatching { buffer.putByte(1) }
                    }
                    buffer.next(buffer.available().toInt())
                }
                pool.statistics().lentSegments() shouldBe 0
            }
        }

        test("a task that waits for room runs once, with the next release") {
            pool { limit(64L * KIB) }.use { pool ->
                val lent = pool.take(64 * KIB)
                val runs = AtomicInteger()
                pool.whenRoom(1) { runs.incrementAndGet() }
                runs.get() shouldBe 0
                lent.release()
                runs.get() shouldBe 1
                pool.take(1).release()
                runs.get() shouldBe 1
            }
        }

        test("it runs at once if there is room") {
            pool().use { pool ->
                val runs = AtomicInteger()
                pool.whenRoom(1) { runs.incrementAndGet() }
                runs.get() shouldBe 1
            }
        }

        test("each release lets one task run, in the order in which they came, but none that was forgotten") {
            pool { limit(64L * KIB) }.use { pool ->
                val lent = List(4) { pool.take(16 * KIB) }
                val ran = ArrayList<Int>()
                val tasks = List(3) { Runnable { ran += it } }
                tasks.forEach { pool.whenRoom(16 * KIB, it) }
                pool.forget(tasks[1])
                lent[0].release()
                ran shouldBe listOf(0)
                lent[1].release()
                ran shouldBe listOf(0, 2)
                lent[2].release()
                lent[3].release()
                ran shouldBe listOf(0, 2)
            }
        }

        test("a task that throws is reported; the release is done") {
            val reporter = RecordingReporter()
            pool { limit(64L * KIB).reporter(reporter) }.use { pool ->
                val lent = pool.take(64 * KIB)
                pool.whenRoom(1) { error("a mistake") }
                lent.release()
                pool.statistics().lentSegments() shouldBe 0
                reporter.drain().single().cause.message shouldBe "a mistake"
            }
        }

        test("no task is lost to a release at the same time") {
            pool { limit(64L * KIB) }.use { pool ->
                var lent = pool.take(64 * KIB)
                val runs = AtomicInteger()
                race(
                    20_000,
                    { lent.release() },
                    { pool.whenRoom(64 * KIB) { runs.incrementAndGet() } },
                    beforeEach = { runs.set(0) },
                    afterEach = {
                        runs.get() shouldBe 1
                        lent = pool.take(64 * KIB)
                    },
                )
                lent.release()
            }
        }

        test("what loops keep for themselves leaves three quarters of it to others") {
            pool { limit(4 * MIB).retainedPerLoop(4 * MIB) }.use { pool ->
                TestReactor(loops = 2).use { reactor ->
                    for (loop in reactor.group.loops()) {
                        loop.call {
                            for (size in listOf(1, 4, 16, 64)) {
                                List(MIB.toInt() / (size * KIB)) { pool.take(size * KIB) }.forEach(Segment::release)
                            }
                        }
                    }
                    val lent = List(48) { pool.take(64 * KIB) }
                    pool.statistics().allocatedBytes() shouldBeLessThanOrEqual 4 * MIB
                    lent.forEach(Segment::release)
                }
            }
        }
    }

    context("threads") {
        test("no segment is lent twice at a time, wherever it is released") {
            val limit = 4 * MIB
            val reporter = RecordingReporter()
            for (level in listOf(LeakDetection.OFF, LeakDetection.SAMPLED)) {
                pool { limit(limit).retained(MIB).leakDetection(level).reporter(reporter) }.use { pool ->
                    TestReactor(loops = 2).use { reactor ->
                        val passed = ConcurrentLinkedQueue<Marked>()
                        val work = List(3) { async { takeAndRelease(pool, passed, limit, rounds = 30_000) } } +
                            reactor.group.loops().map { it.submit { takeAndRelease(pool, passed, limit, rounds = 30_000) } }
                        work.forEach { it.result() }
                        generateSequence { passed.poll() }.forEach { it.release() }
                        pool.statistics().apply {
                            lentSegments() shouldBe 0
                            lentBytes() shouldBe 0
                            lost() shouldBe 0
                            allocatedBytes() shouldBeLessThanOrEqual limit
                        }
                    }
                }
            }
            reporter.shouldBeSilent()
        }

        test("two references dropped at a time give it back once") {
            pool().use { pool ->
                lateinit var segment: Segment
                race(
                    20_000,
                    { segment.release() },
                    { segment.release() },
                    beforeEach = { segment = pool.take(1).also { it.retain() } },
                    afterEach = { pool.statistics().lentSegments() shouldBe 0 },
                )
            }
        }
    }

    context("mistakes") {
        test("a release too many and a retain after the last are refused") {
            pool().use { pool ->
                val segment = pool.take(1)
                segment.release()
                val failure = shouldThrow<IllegalStateException> { segment.release() }
                failure.message!! shouldContain "released once too often"
                failure.message!! shouldContain "-Dnetpark.leakDetection=paranoid"
                shouldThrow<IllegalStateException> { segment.retain() }.message!! shouldContain "retained after its release"
                pool.statistics().lentSegments() shouldBe 0
                pool.take(1).release()
            }
        }

        test("at the paranoid level it names the places of the release before and of the take") {
            pool { leakDetection(LeakDetection.PARANOID) }.use { pool ->
                val segment = takenHere(pool)
                releasedHere(segment)
                pool.take(1).also { it shouldNotBeSameInstanceAs segment }.release()
                for (mistake in listOf<() -> Unit>({ segment.release() }, { segment.retain() })) {
                    val failure = shouldThrow<IllegalStateException>(mistake)
                    val released = failure.cause!!
                    released.message!! shouldContain "released by thread"
                    released.stackTrace.any { it.methodName == "releasedHere" } shouldBe true
                    val taken = released.suppressed.single()
                    taken.message!! shouldContain "taken by thread"
                    taken.stackTrace.any { it.methodName == "takenHere" } shouldBe true
                }
                pool.statistics().lentSegments() shouldBe 0
            }
        }

        test("at the sampled level a place of an earlier loan is not named") {
            pool { leakDetection(LeakDetection.SAMPLED) }.use { pool ->
                var segment = pool.take(1)
                segment.release()
                // Through all of an interval, so that it has been watched once and is not any more.
                repeat(129) { segment = pool.take(1).also(Segment::release) }
                val failure = shouldThrow<IllegalStateException> { segment.release() }
                failure.cause shouldBe null
            }
        }

        test("at the paranoid level released memory is poisoned") {
            pool { leakDetection(LeakDetection.PARANOID) }.use { pool ->
                val segment = pool.take(1)
                val memory = segment.memory()
                for (i in 0 until KIB) memory.put(i, 1)
                segment.release()
                (0 until KIB).all { memory.get(it) == LeakDetection.POISON } shouldBe true
            }
        }

        test("a lost segment is reported with the place where it was taken, and not counted any more") {
            val reporter = RecordingReporter()
            pool { leakDetection(LeakDetection.PARANOID).reporter(reporter) }.use { pool ->
                lose(pool)
                eventually {
                    System.gc()
                    check(pool.statistics().lost() == 1L) { "not yet found" }
                }
                val report = reporter.drain().single()
                report.what shouldContain "4096 bytes was lost"
                report.cause.stackTrace.any { it.methodName == "takenHere" || it.methodName == "lose" } shouldBe true
                pool.statistics().apply {
                    lentSegments() shouldBe 0
                    lentBytes() shouldBe 0
                    allocatedBytes() shouldBe 0
                }
            }
        }

        test("a buffer that was forgotten is found too, and one that is in use is not") {
            val reporter = RecordingReporter()
            pool { leakDetection(LeakDetection.PARANOID).reporter(reporter) }.use { pool ->
                LinkBuffer(pool).use { inUse ->
                    inUse.put(ByteArray(10_000))
                    forgetBuffer(pool)
                    eventually {
                        System.gc()
                        check(pool.statistics().lost() == 1L) { "not yet found" }
                    }
                    inUse.takeBytes(10_000).size shouldBe 10_000
                }
                reporter.drain().single().cause.stackTrace.any { it.methodName == "forgetBuffer" } shouldBe true
                pool.statistics().lentSegments() shouldBe 0
            }
        }

        test("the level of the process is off unless the property names another") {
            LeakDetection.ofProcess().name.lowercase() shouldBe System.getProperty("netpark.leakDetection", "off")
        }
    }
})

private fun pool(of: SegmentPool.Builder.() -> Unit = {}): SegmentPool =
    SegmentPool.builder().leakDetection(LeakDetection.OFF).apply(of).build()

private fun takenHere(pool: SegmentPool) = pool.take(4096)

private fun releasedHere(segment: Segment) = segment.release()

private fun lose(pool: SegmentPool) {
    takenHere(pool).memory().put(0, 1)
}

private fun forgetBuffer(pool: SegmentPool) {
    LinkBuffer(pool).putInt(1)
}

private fun <T> EventLoop.submit(body: () -> T): CompletableFuture<T> {
    val result = CompletableFuture<T>()
    execute {
        try {
            result.complete(body())
        } catch (failure: Throwable) {
            result.completeExceptionally(failure)
        }
    }
    return result
}

private fun <T> EventLoop.call(body: () -> T): T = submit(body).result()

/** A segment with the mark of who took it at both ends. */
private class Marked(private val segment: Segment, private val mark: Long) {
    init {
        segment.memory().putLong(0, mark).putLong(segment.size() - 8, mark)
    }

    fun release() {
        check(segment.memory().getLong(0) == mark && segment.memory().getLong(segment.size() - 8) == mark) {
            "somebody else has written to $segment"
        }
        segment.release()
    }
}

/** Takes segments and releases its own and others', in no order. */
private fun takeAndRelease(pool: SegmentPool, passed: ConcurrentLinkedQueue<Marked>, limit: Long, rounds: Int) {
    val random = Random.Default
    val mine = ArrayList<Marked>()
    repeat(rounds) {
        if (mine.size < 8 && random.nextBoolean()) {
            try {
                mine += Marked(pool.take(1 shl random.nextInt(17)), random.nextLong())
            } catch (_: NetparkException.LimitExceeded) {
                passed.poll()?.release()
            }
        } else if (mine.isNotEmpty()) {
            val one = mine.removeAt(random.nextInt(mine.size))
            if (random.nextBoolean()) one.release() else passed += one
        }
        if (random.nextInt(3) == 0) passed.poll()?.release()
        check(pool.statistics().allocatedBytes() <= 2 * limit) { "far beyond the limit" }
    }
    mine.forEach(Marked::release)
}
