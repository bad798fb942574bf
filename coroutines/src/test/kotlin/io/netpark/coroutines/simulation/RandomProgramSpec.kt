package io.netpark.coroutines.simulation

import io.kotest.assertions.withClue
import io.netpark.core.testing.NetparkSpec
import java.util.concurrent.TimeUnit
import java.util.function.LongConsumer
import kotlin.time.Duration
import kotlin.time.Duration.Companion.seconds

/**
 * Programs that are made of a seed, checked against a small model: bytes come as they were sent, all of them unless something has broken
 * the connection; time limits strike when they are due; nothing is left open or lent; nothing is reported; nothing waits for ever.
 * `-Dnetpark.test.programs` says how many, `-Dnetpark.test.programs.seed` from which seed on. Those of seeds.txt come first.
 */
class RandomProgramSpec : NetparkSpec(body = {
    val first = java.lang.Long.getLong("netpark.test.programs.seed", 1L)
    val chosen: Long? = java.lang.Long.getLong("netpark.test.programs")
    val count = chosen ?: 80L

    test("programs that have failed before").config(timeout = if (chosen == null) 60.seconds else Duration.INFINITE) {
        val programs = SomePrograms()
        for (seed in failedSeeds()) withClue("seed $seed") { programs.accept(seed) }
    }

    test("$count programs from seed $first on").config(timeout = if (chosen == null) 120.seconds else Duration.INFINITE) {
        val begin = System.nanoTime()
        val programs = SomePrograms()
        for (seed in first until first + count) withClue("seed $seed") { programs.accept(seed) }
        if (chosen != null) {
            val millis = maxOf(1, TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - begin))
            println("$count programs, ${count * 1000 / millis} a second, $programs")
        }
    }
})

private fun failedSeeds(): List<Long> = SomePrograms::class.java.getResource("seeds.txt")!!.readText().lines()
    .map { it.substringBefore('#').trim() }
    .filter { it.isNotEmpty() }
    .map { it.toLong() }

/** Runs programs of seeds. It says what they have done. */
internal class SomePrograms : LongConsumer {
    private var calls = 0L
    private var decisions = 0L
    private var faults = 0L

    override fun accept(seed: Long) {
        val tally = RandomProgram(seed).run()
        calls += tally.calls
        decisions += tally.decisions
        faults += tally.faults
    }

    override fun toString() = "$calls calls, $decisions decisions, $faults faults"
}
