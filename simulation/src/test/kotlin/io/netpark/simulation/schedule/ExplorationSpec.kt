package io.netpark.simulation.schedule

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.longs.shouldBeGreaterThan
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.netpark.core.testing.NetparkSpec
import java.util.concurrent.ExecutorService
import java.util.concurrent.Executors

class ExplorationSpec : NetparkSpec(body = {
    lateinit var threads: ExecutorService

    beforeSpec { threads = Executors.newCachedThreadPool { Thread(it).apply { isDaemon = true } } }
    afterSpec { threads.shutdown() }

    for (program in SmallProgram.entries) {
        test("${program.says}, in every order") { program.explore(threads) shouldBeGreaterThan 20 }
    }

    test("every order of the decisions is tried once") {
        val seen = mutableListOf<String>()
        val orders = Exploration.of(3).run { schedule ->
            val said = StringBuilder()
            schedule.run {
                schedule.explore()
                var running = 3
                for (name in listOf("a", "b", "c")) {
                    schedule.over(threads).execute {
                        said.append(name)
                        running--
                    }
                }
                schedule.await { running == 0 }
            }
            seen += said.toString()
        }
        orders shouldBe 6
        seen.toSet() shouldBe setOf("abc", "acb", "bac", "bca", "cab", "cba")
    }

    test("a failure names its order, which can be had again") {
        val program = Exploration.Program { schedule ->
            var last = ""
            schedule.run {
                schedule.explore()
                var running = 2
                for (name in listOf("a", "b")) {
                    schedule.over(threads).execute {
                        last = name
                        running--
                    }
                }
                schedule.await { running == 0 }
                check(last == "b") { "the last was $last" }
            }
        }
        val exploration = Exploration.of(4)
        val failure = shouldThrow<IllegalStateException> { exploration.run(program) }
        failure.message shouldBe "the last was a"
        failure.suppressed.single().message shouldContain "the order [1] does that again"
        shouldThrow<IllegalStateException> { exploration.replay(listOf(1), program) }.message shouldBe "the last was a"
        exploration.replay(listOf(0), program)
    }

    test("what cannot be explored is refused") {
        shouldThrow<IllegalArgumentException> { Exploration.of(-1) }
        shouldThrow<IllegalStateException> { Exploration.of(1).run { it.run { } } }.message shouldContain "has not been called"
        shouldThrow<IllegalStateException> { Exploration.of(1).run { it.explore() } }.message shouldContain "does not take part"
        shouldThrow<IllegalStateException> { Exploration.of(1).replay(listOf(1)) { it.run { it.explore() } } }
            .message shouldContain "does not do again"
        Schedule(1).run { Unit }
        Schedule(1).let { schedule -> schedule.run { schedule.explore() } }
    }
})
