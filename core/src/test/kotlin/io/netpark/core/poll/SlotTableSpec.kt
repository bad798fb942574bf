package io.netpark.core.poll

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.collections.shouldBeUnique
import io.kotest.matchers.collections.shouldContainExactlyInAnyOrder
import io.kotest.matchers.shouldBe
import io.kotest.property.Arb
import io.kotest.property.arbitrary.boolean
import io.kotest.property.arbitrary.list
import io.kotest.property.checkAll
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.async
import io.netpark.core.testing.result
import java.util.concurrent.ThreadLocalRandom
import java.util.concurrent.atomic.AtomicLongArray

class SlotTableSpec : NetparkSpec(body = {
    test("an index is used again with another generation; the old token finds nothing") {
        val table = SlotTable()
        val tokens = List(1000) {
            val pollable = RecordingPollable("$it")
            val token = table.add(pollable)
            SlotTable.index(token) shouldBe 0
            table.get(token) shouldBe pollable
            table.remove(token) shouldBe true
            table.remove(token) shouldBe false
            pollable.token() shouldBe 0
            token
        }
        tokens.shouldBeUnique()
        tokens.forEach { table.get(it) shouldBe null }
        table.size() shouldBe 0
    }

    test("tokens that never were, the wake-up's and zero among them, find nothing") {
        val table = SlotTable()
        table.add(RecordingPollable("a"))
        for (token in listOf(0L, -1L, 1L, 1L shl 32 or 1, 1L shl 32 or 1_000_000, Long.MIN_VALUE)) {
            table.get(token) shouldBe null
            table.remove(token) shouldBe false
        }
    }

    test("a pollable that is registered cannot be added again") {
        val table = SlotTable()
        val pollable = RecordingPollable("a")
        val token = table.add(pollable)
        shouldThrow<IllegalStateException> { table.add(pollable) }
        table.get(token) shouldBe pollable
        table.size() shouldBe 1
    }

    test("any sequence of additions and removals leaves what a map would") {
        checkAll(100, Arb.list(Arb.boolean(), 0..400)) { additions ->
            val table = SlotTable()
            val model = LinkedHashMap<Long, Pollable>()
            for ((i, addition) in additions.withIndex()) {
                if (addition || model.isEmpty()) {
                    val pollable = RecordingPollable("$i")
                    model.put(table.add(pollable), pollable) shouldBe null
                } else {
                    val token = model.keys.random()
                    model.remove(token)
                    table.remove(token) shouldBe true
                }
            }
            table.size() shouldBe model.size
            table.all().toList() shouldContainExactlyInAnyOrder model.values
            model.forEach { (token, pollable) -> table.get(token) shouldBe pollable }
        }
    }

    test("a lookup during additions and removals finds the owner of the token or nothing") {
        val table = SlotTable()
        val recent = AtomicLongArray(16)
        val writers = List(2) {
            async {
                val mine = ArrayDeque<RecordingPollable>()
                repeat(50_000) {
                    val pollable = RecordingPollable("$it")
                    recent.set(it % 16, table.add(pollable))
                    mine += pollable
                    if (mine.size > 100) table.remove(mine.removeFirst().token()) shouldBe true
                }
            }
        }
        while (writers.any { !it.isDone }) {
            val token = recent.get(ThreadLocalRandom.current().nextInt(16))
            val found = table.get(token) ?: continue
            val now = found.token()
            (now == token || now == 0L) shouldBe true
        }
        writers.forEach { it.result() }
        table.size() shouldBe 200
    }
})
