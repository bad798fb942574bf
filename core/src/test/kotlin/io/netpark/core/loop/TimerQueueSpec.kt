package io.netpark.core.loop

import io.kotest.matchers.shouldBe
import io.kotest.property.Arb
import io.kotest.property.arbitrary.int
import io.kotest.property.arbitrary.list
import io.kotest.property.arbitrary.long
import io.kotest.property.arbitrary.pair
import io.kotest.property.checkAll
import io.netpark.core.testing.NetparkSpec
import java.util.Arrays

class TimerQueueSpec : NetparkSpec(body = {
    suspend fun keepsOrder(made: () -> TimerQueue) =
        LoopRig().use { rig ->
            checkAll(100, Arb.list(Arb.pair(Arb.int(0..40), Arb.long(-1_000L..1_000L)), 0..300)) { steps ->
                val queue = made()
                val timers = List(41) { rig.loop.newTimer {} }
                val model = HashMap<Timer, Long>()
                for ((which, due) in steps) {
                    val timer = timers[which]
                    if (due % 4 == 0L) {
                        queue.remove(timer)
                        model.remove(timer)
                    } else {
                        queue.put(timer, due)
                        model[timer] = due
                    }
                    queue.size() shouldBe model.size
                    queue.first()?.dueNanos shouldBe model.values.minOrNull()
                }
                for (due in model.values.sorted()) {
                    val first = queue.first()!!
                    first.dueNanos shouldBe due
                    model[first] shouldBe due
                    queue.remove(first)
                    first.index shouldBe -1
                }
                queue.first() shouldBe null
            }
        }

    test("any sequence of put, move and remove keeps the order of a sorted list") {
        keepsOrder { TimerQueue() }
    }

    test("so it does when there is seldom memory for a larger heap, or never") {
        keepsOrder {
            var asked = 0
            TimerQueue { heap -> if (++asked % 5 != 0) throw OutOfMemoryError("for a test") else Arrays.copyOf(heap, heap.size + 8) }
        }
        keepsOrder { TimerQueue { throw OutOfMemoryError("for a test") } }
    }

    test("times are compared by difference: the clock may wrap") {
        LoopRig().use { rig ->
            val queue = TimerQueue()
            val before = rig.loop.newTimer {}
            val after = rig.loop.newTimer {}
            queue.put(after, Long.MIN_VALUE + 5)
            queue.put(before, Long.MAX_VALUE - 5)
            queue.first() shouldBe before
            queue.put(before, Long.MIN_VALUE + 10)
            queue.first() shouldBe after
        }
    }
})
