package io.netpark.core.loop

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.collections.shouldContainExactly
import io.kotest.matchers.collections.shouldHaveSize
import io.kotest.matchers.ints.shouldBeInRange
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.netpark.core.net.dialing.Connecting
import io.netpark.core.net.options.NetOptions
import io.netpark.core.sys.Errno
import io.netpark.core.sys.LibC
import io.netpark.core.sys.NetparkException
import io.netpark.core.testing.Bindings
import io.netpark.core.testing.BlockingListener
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.RecordingReporter
import io.netpark.core.testing.TestReactor
import io.netpark.core.testing.eventually
import java.nio.file.Files
import java.nio.file.Path
import java.util.concurrent.Callable
import java.util.concurrent.TimeUnit

class EventLoopGroupSpec : NetparkSpec(body = {
    fun group(configure: EventLoopGroup.Builder.() -> Unit): EventLoopGroup =
        EventLoopGroup.builder().daemon(true).apply(configure).open()

    fun dial(loop: EventLoop, listener: BlockingListener) = Connecting.begin(loop, listener.address, NetOptions.DEFAULT)

    fun EventLoopGroup.choices(count: Int, source: (Int) -> Int = { 0 }): List<Int> =
        List(count) { loops().indexOf(next(source(it))) }

    test("round robin takes loops in turn") {
        group { loops(3) }.use { it.choices(7) shouldContainExactly listOf(0, 1, 2, 0, 1, 2, 0) }
    }

    test("random takes every loop about as often") {
        group { loops(3).balancing(Balancing.random()) }.use { group ->
            group.choices(3000).groupingBy { it }.eachCount().values.forEach { it shouldBeInRange 700..1300 }
        }
    }

    test("source hash keeps to a loop, spreads neighbours, and takes dialed connections in turn") {
        group { loops(4).balancing(Balancing.sourceHash()) }.use { group ->
            group.choices(100) { 4711 }.distinct() shouldHaveSize 1
            group.choices(8) shouldContainExactly listOf(0, 1, 2, 3, 0, 1, 2, 3)
        }
    }

    for ((name, balancing) in listOf("least connections" to Balancing.leastConnections(), "power of two" to Balancing.powerOfTwoChoices())) {
        test("$name evens out what is unevenly closed") {
            TestReactor(loops = 4).use { reactor ->
                group { loops(4).balancing(balancing) }.use { group ->
                    reactor.listen().use { listener ->
                        val open = List(80) { dial(group.next(), listener) }
                        group.loops().sumOf { it.descriptors() } shouldBe 80
                        // All of two loops go: the next forty make up for it.
                        open.filter { it.loop() in group.loops().take(2) }.forEach { it.close() }
                        val more = List(40) { dial(group.next(), listener) }
                        val counts = group.loops().map { it.descriptors() }
                        (counts.max() - counts.min()) shouldBeInRange 0..17 // 20 in turn
                        (open + more).forEach { it.close() }
                    }
                }
            }
        }
    }

    test("loops run on the processors they are bound to, over every binding") {
        val allowed = allowedProcessors()
        for (libc in Bindings.all) {
            group { libc(libc).loops(2).affinity(allowed.last(), allowed.first()) }.use { group ->
                group.loops().map { it.submit(Callable { threadProcessors() }).get() } shouldContainExactly
                    listOf(allowed.last().toString(), allowed.first().toString())
            }
        }
    }

    test("a processor that is refused is reported, and the loop runs") {
        val reporter = RecordingReporter()
        val refusing = object : LibC by Bindings.best {
            override fun schedSetaffinity(thread: Int, length: Long, mask: Long): Int = -Errno.EINVAL
        }
        group { libc(refusing).loops(1).affinity(1023).reporter(reporter) }.use { group ->
            group.next().submit(Callable { 42 }).get() shouldBe 42
            val report = reporter.drain().single()
            report.what shouldContain "runs on any processor"
            report.cause.message!! shouldContain "processor 1023: EINVAL"
        }
        shouldThrow<IllegalArgumentException> { EventLoopGroup.builder().affinity(0, 1024) }
        shouldThrow<IllegalArgumentException> { EventLoopGroup.builder().affinity(-1) }
    }

    test("a group that grows gives work to its new loops at once") {
        group { loops(1).name("grown") }.use { group ->
            val before = group.loops()
            group.resize(3)
            before shouldHaveSize 1
            group.loops().map { it.toString() } shouldContainExactly listOf("grown-loop-0", "grown-loop-1", "grown-loop-2")
            group.choices(6).toSet() shouldBe setOf(0, 1, 2)
        }
    }

    test("a loop too many ends by itself when its last descriptor, task and timer have gone, and not before") {
        TestReactor().use { reactor ->
            group { loops(2) }.use { group ->
                reactor.listen().use { listener ->
                    val retired = group.loops()[1]
                    val connection = dial(retired, listener)
                    val timer = retired.schedule(Callable { 1 }, 200, TimeUnit.MILLISECONDS)
                    group.resize(1)
                    group.loops() shouldHaveSize 1
                    group.retiring() shouldContainExactly listOf(retired)
                    retired.isRetiring shouldBe true
                    group.choices(4).toSet() shouldBe setOf(0)
                    timer.get() shouldBe 1
                    Thread.sleep(120) // longer than the loop waits before it looks again
                    retired.isTerminated shouldBe false
                    retired.submit(Callable { 2 }).get() shouldBe 2
                    connection.close() // by another thread, which does not wake the loop
                    eventually { retired.isTerminated shouldBe true }
                }
            }
        }
    }

    test("a retired loop that holds nothing ends at once, and is gone from the list") {
        group { loops(3) }.use { group ->
            val (_, second, third) = group.loops()
            group.resize(1)
            eventually { (second.isTerminated && third.isTerminated) shouldBe true }
            eventually { group.retiring() shouldHaveSize 0 }
            group.resize(2)
            group.loops().last().submit(Callable { 7 }).get() shouldBe 7
        }
    }

    test("closing a group closes loops that retire as well") {
        val group = group { loops(2) }
        val retired = group.loops()[1]
        retired.schedule({}, 1, java.util.concurrent.TimeUnit.HOURS)
        group.resize(1)
        group.close()
        retired.isTerminated shouldBe true
        shouldThrow<IllegalStateException> { group.resize(2) }.message!! shouldContain "closed"
        shouldThrow<IllegalArgumentException> { group.resize(0) }
    }

    test("loops that cannot be started leave the number as it was") {
        val full = object : LibC by Bindings.best {
            @Volatile
            var dry = false

            override fun epollCreate(flags: Int): Int = if (dry) -Errno.EMFILE else Bindings.best.epollCreate(flags)
        }
        group { libc(full).loops(1) }.use { group ->
            full.dry = true
            shouldThrow<NetparkException> { group.resize(2) }
            group.loops() shouldHaveSize 1
            full.dry = false
            group.resize(2)
            group.loops() shouldHaveSize 2
        }
    }
})

/** From Cpus_allowed_list, such as 0-3,7. */
private fun processors(status: Path): String =
    Files.readAllLines(status).first { it.startsWith("Cpus_allowed_list:") }.substringAfter(':').trim()

private fun threadProcessors(): String = processors(Path.of("/proc/thread-self/status"))

private fun allowedProcessors(): List<Int> = processors(Path.of("/proc/self/status")).split(',').flatMap { part ->
    val ends = part.split('-').map { it.toInt() }
    (ends.first()..ends.last()).toList()
}
