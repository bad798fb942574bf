package io.netpark.core.buffer

import io.kotest.matchers.longs.shouldBeLessThanOrEqual
import io.kotest.matchers.shouldBe
import io.netpark.core.loop.EventLoop
import io.netpark.core.sys.NetparkException
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.TestReactor
import io.netpark.core.testing.async
import io.netpark.core.testing.eventually
import io.netpark.core.testing.result
import java.lang.ref.WeakReference
import java.util.concurrent.CompletableFuture
import java.util.concurrent.atomic.AtomicInteger

private const val KIB = 1024
private const val MIB = 1024L * 1024

/** What a pool does when there is no more, and who has what it has. */
class SegmentPoolLimitSpec : NetparkSpec(body = {
    test("100 000 who wait, take and give back at once do it one after the other, on a small stack") {
        pool(64L * KIB).use { pool ->
            val lent = pool.take(64 * KIB)
            val served = AtomicInteger()
            repeat(100_000) {
                pool.whenRoom(64 * KIB) {
                    pool.take(64 * KIB).release()
                    served.incrementAndGet()
                }
            }
            onSmallStack { lent.release() }
            served.get() shouldBe 100_000
            pool.take(64 * KIB).release()
        }
    }

    test("who is told and wants nothing passes it on, 100 000 times, on a small stack") {
        pool(64L * KIB).use { pool ->
            val lent = pool.take(64 * KIB)
            repeat(100_000) { pool.whenRoom(64 * KIB) { pool.passOn() } }
            val served = AtomicInteger()
            pool.whenRoom(64 * KIB) { served.incrementAndGet() }
            onSmallStack { lent.release() }
            served.get() shouldBe 1
        }
    }

    test("many threads that wait for one segment all get it") {
        pool(64L * KIB).use { pool ->
            val work = List(4) {
                async {
                    repeat(2_000) {
                        while (true) {
                            val segment = try {
                                pool.take(64 * KIB)
                            } catch (_: NetparkException.LimitExceeded) {
                                val told = CompletableFuture<Unit>()
                                pool.whenRoom(64 * KIB) { told.complete(Unit) }
                                told.result()
                                continue
                            }
                            segment.release()
                            pool.passOn()
                            break
                        }
                    }
                }
            }
            work.forEach { it.result() }
            pool.statistics().lentSegments() shouldBe 0
        }
    }

    test("a loop that ends gives up what it kept, and who waits for it is told") {
        pool(4 * MIB).use { pool ->
            val told = CompletableFuture<Unit>()
            TestReactor(loops = 2).use { reactor ->
                for (loop in reactor.group.loops()) {
                    loop.call { List(8) { pool.take(4 * KIB) }.forEach(Segment::release) }
                }
                pool.statistics().allocatedBytes() shouldBe 64L * KIB
            }
            pool.statistics().allocatedBytes() shouldBe 0
            pool.whenRoom(64 * KIB) { told.complete(Unit) }
            told.result()
        }
    }

    test("a closed pool has nothing left with loops, and is forgotten by them") {
        TestReactor(loops = 2).use { reactor ->
            val forgotten = List(20) { usedAndClosed(reactor) }
            eventually {
                System.gc()
                check(forgotten.all { it.get() == null }) { "${forgotten.count { it.get() != null }} pools are still reachable" }
            }
        }
    }

    test("a pool that was only dropped is forgotten by loops as well") {
        TestReactor().use { reactor ->
            val forgotten = List(20) { usedAndDropped(reactor) }
            eventually {
                System.gc()
                check(forgotten.all { it.get() == null }) { "${forgotten.count { it.get() != null }} pools are still reachable" }
            }
        }
    }

    test("what a loop keeps makes room for itself") {
        pool(128L * KIB).use { pool ->
            TestReactor().use { reactor ->
                reactor.loop.call {
                    List(16) { pool.take(1) }.forEach(Segment::release)
                    List(2) { pool.take(64 * KIB) }.forEach(Segment::release)
                }
            }
        }
    }

    test("trimming many unfinished messages leaves the pool at its limit") {
        pool(MIB).use { pool ->
            val messages = ArrayList<LinkBuffer>()
            repeat(200) {
                val buffer = LinkBuffer(pool)
                try {
                    buffer.openRoom()
                    buffer.filled(10_000)
                    buffer.trim()
                } catch (_: NetparkException.LimitExceeded) {
                    // It waits for those that have come before.
                }
                messages += buffer
                pool.statistics().allocatedBytes() shouldBeLessThanOrEqual MIB
            }
            messages.count { it.available() > 0 } shouldBe 61 // of 16 KiB each, and the last two reads had 64 KiB for a moment
            messages.forEach(LinkBuffer::close)
            pool.statistics().lentBytes() shouldBe 0
        }
    }

    test("trimming what would need as large a segment again changes nothing") {
        pool(MIB).use { pool ->
            LinkBuffer(pool).use { buffer ->
                for (count in listOf(16 * KIB, 16 * KIB - 1, 10_000, 4 * KIB, 513, 512, 1)) {
                    buffer.openRoom()
                    buffer.filled(count)
                    val before = pool.statistics().lentBytes()
                    buffer.trim()
                    pool.statistics().apply {
                        lentSegments() shouldBe 1
                        lentBytes() shouldBeLessThanOrEqual before
                    }
                    val once = pool.statistics().made()
                    buffer.trim()
                    pool.statistics().made() shouldBe once
                    buffer.skip(buffer.available())
                }
            }
        }
    }

    test("bytes that moved beyond the limit lead back under it when they are released") {
        pool(128L * KIB).use { pool ->
            LinkBuffer(pool).use { buffer ->
                buffer.put(ByteArray(128 * KIB))
                buffer.skip(1)
                buffer.next(128 * KIB - 1) // in one piece: of 128 KiB more, and what it was in goes
                buffer.release()
            }
            pool.statistics().allocatedBytes() shouldBeLessThanOrEqual 128L * KIB
            val lent = List(8) { pool.takeBeyondLimit(64 * KIB) }
            pool.statistics().allocatedBytes() shouldBeLessThanOrEqual 512L * KIB
            lent.forEach(Segment::release)
            pool.statistics().allocatedBytes() shouldBeLessThanOrEqual 128L * KIB
        }
    }
})

private fun pool(limit: Long): SegmentPool =
    SegmentPool.builder().leakDetection(LeakDetection.OFF).limit(limit).build()

private fun <T> EventLoop.call(body: () -> T): T {
    val result = CompletableFuture<T>()
    execute { runCatching(body).fold(result::complete, result::completeExceptionally) }
    return result.result()
}

private fun onSmallStack(body: () -> Unit) {
    val result = CompletableFuture<Unit>()
    Thread(null, { runCatching(body).fold(result::complete, result::completeExceptionally) }, "small stack", 128 * 1024).start()
    result.result()
}

private fun usedAndClosed(reactor: TestReactor): WeakReference<SegmentPool> {
    val pool = pool(4 * MIB)
    for (loop in reactor.group.loops()) {
        loop.call { List(8) { pool.take(4 * KIB) }.forEach(Segment::release) }
    }
    pool.close()
    eventually { check(pool.statistics().allocatedBytes() == 0L) { "a loop has kept something: $pool" } }
    return WeakReference(pool)
}

private fun usedAndDropped(reactor: TestReactor): WeakReference<SegmentPool> {
    val pool = pool(4 * MIB)
    reactor.loop.call { List(8) { pool.take(4 * KIB) }.forEach(Segment::release) }
    return WeakReference(pool)
}
