package io.netpark.core.fd

import io.kotest.matchers.shouldBe
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.ThreadWaiter
import io.netpark.core.testing.async
import io.netpark.core.testing.race
import io.netpark.core.testing.result
import java.util.concurrent.atomic.AtomicInteger
import kotlin.concurrent.thread
import org.jetbrains.lincheck.Lincheck
import org.jetbrains.lincheck.datastructures.IntGen
import org.jetbrains.lincheck.datastructures.ModelCheckingOptions
import org.jetbrains.lincheck.datastructures.Operation
import org.jetbrains.lincheck.datastructures.Param
import org.jetbrains.lincheck.datastructures.StressOptions

internal class NumberedWaiter(val number: Int) : Waiter {
    val runs = AtomicInteger()

    override fun run() {
        runs.incrementAndGet()
    }
}

/** The operations of a slot; waiters by their number, -1 for none. */
@Param(name = "waiter", gen = IntGen::class, conf = "0:1")
class ParkingSlotModel {
    private val slot = ParkingSlot()
    private val waiters = Array(2, ::NumberedWaiter)

    @Operation
    fun park(@Param(name = "waiter") waiter: Int): String = try {
        if (slot.park(waiters[waiter])) "parked" else "was ready"
    } catch (_: IllegalStateException) {
        "occupied"
    }

    @Operation
    fun ready(): Int = number(slot.ready())

    @Operation
    fun take(): Int = number(slot.take())

    @Operation
    fun remove(@Param(name = "waiter") waiter: Int): Boolean = slot.remove(waiters[waiter])

    @Operation
    fun isReady(): Boolean = slot.isReady

    private fun number(waiter: Waiter?): Int = (waiter as NumberedWaiter?)?.number ?: -1
}

/** The slot and its handshake with the error word: every interleaving by Lincheck, the memory order by stress. */
class ParkingModelSpec : NetparkSpec(leaksMatter = false, body = {
    test("M3, E1: every interleaving of park, ready, take and remove is linearizable") {
        ModelCheckingOptions().iterations(10).invocationsPerIteration(150).threads(3).actorsPerThread(2)
            .check(ParkingSlotModel::class)
    }

    test("M3, E1: so it is on real threads") {
        StressOptions().iterations(10).invocationsPerIteration(300).threads(2).actorsPerThread(3)
            .check(ParkingSlotModel::class)
    }

    test("M3: a timeout or a close does not erase readiness") {
        val slot = ParkingSlot()
        slot.ready() shouldBe null
        slot.take() shouldBe null
        slot.isReady shouldBe true
        slot.park(NumberedWaiter(0)) shouldBe false
        slot.isReady shouldBe false
    }

    test("M1: never does a parker see no error while the closer sees no waiter, in any interleaving") {
        Lincheck.runConcurrentTest(500) {
            val handshake = Handshake()
            val closer = thread { handshake.close() }
            handshake.park()
            closer.join()
            handshake.check()
        }
    }

    test("M1, M5: nor on real hardware; the waiter is run or taken back, never both") {
        lateinit var handshake: Handshake
        race(
            100_000,
            { handshake.park() },
            { handshake.close() },
            beforeEach = { handshake = Handshake() },
            afterEach = { handshake.check() },
        )
    }

    test("E1: of ready, deadline, close and the parker itself exactly one gets the waiter out") {
        var slot = ParkingSlot()
        var waiter = NumberedWaiter(0)
        race(
            50_000,
            { slot.ready()?.run() },
            { slot.take()?.run() },
            { slot.take()?.run() },
            { if (slot.remove(waiter)) waiter.run() },
            beforeEach = {
                slot = ParkingSlot()
                waiter = NumberedWaiter(0)
                slot.park(waiter)
            },
            afterEach = {
                waiter.runs.get() shouldBe 1
                slot.isOccupied shouldBe false
            },
        )
    }

    test("M4: what is written before parking is read by whoever takes the waiter out") {
        class Operation : Waiter {
            var offset = -1

            override fun run() = Unit
        }
        val slot = ParkingSlot()
        race(50_000, { round ->
            val operation = Operation()
            operation.offset = round
            slot.park(operation)
        }, { round ->
            var taken: Waiter?
            do {
                taken = slot.take()
                if (taken == null) Thread.yield()
            } while (taken == null)
            (taken as Operation).offset shouldBe round
        })
    }

    test("M2: readiness that comes while an operation looks at the kernel is not lost") {
        val slot = ParkingSlot()
        val kernel = AtomicInteger()
        val items = 100_000
        val producer = async {
            repeat(items) {
                kernel.incrementAndGet()
                slot.ready()?.run()
            }
        }
        var consumed = 0
        while (consumed < items) {
            val taken = kernel.getAndSet(0)
            consumed += taken
            if (taken > 0) continue
            val waiter = ThreadWaiter()
            if (slot.park(waiter)) check(waiter.await()) { "parked with ${kernel.get()} items in the kernel" }
        }
        producer.result()
        consumed shouldBe items
    }
})

/** One parker and one closer, as in Descriptor.park and Descriptor.close. */
private class Handshake {
    private val slot = ParkingSlot()
    private val error = ErrorWord()
    private val waiter = NumberedWaiter(0)
    private var waits = false

    fun park() {
        waits = slot.park(waiter)
        if (waits && (error.flags() and ErrorWord.CLOSING) != 0) waits = !slot.remove(waiter)
    }

    fun close() {
        error.set(ErrorWord.CLOSING)
        slot.take()?.run()
    }

    fun check() {
        check(waits == (waiter.runs.get() == 1)) { "waits: $waits, woken: ${waiter.runs.get()} times" }
    }
}
