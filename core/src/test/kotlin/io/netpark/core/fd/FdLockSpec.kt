package io.netpark.core.fd

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.shouldBe
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.race
import java.util.concurrent.atomic.AtomicInteger
import kotlin.concurrent.thread
import org.jetbrains.lincheck.Lincheck

class FdLockSpec : NetparkSpec(leaksMatter = false, body = {
    test("one operation a direction; both directions and other calls at a time") {
        val lock = FdLock()
        lock.enter(FdLock.READ) shouldBe FdLock.ENTERED
        lock.enter(FdLock.READ) shouldBe FdLock.IS_BUSY
        lock.enter(FdLock.WRITE) shouldBe FdLock.ENTERED
        lock.acquire() shouldBe true
        lock.references() shouldBe 3
        lock.leave(FdLock.READ) shouldBe false
        lock.enter(FdLock.READ) shouldBe FdLock.ENTERED
    }

    test("closed once; then nothing enters, and the last reference destroys") {
        val lock = FdLock()
        lock.enter(FdLock.READ) shouldBe FdLock.ENTERED
        lock.close() shouldBe true
        lock.close() shouldBe false
        lock.isClosed shouldBe true
        lock.enter(FdLock.WRITE) shouldBe FdLock.IS_CLOSED
        lock.acquire() shouldBe false
        lock.release() shouldBe false
        lock.leave(FdLock.READ) shouldBe true
        lock.references() shouldBe 0
    }

    test("a parked operation holds its direction but no reference: closing need not wait for it") {
        val lock = FdLock()
        lock.enter(FdLock.READ) shouldBe FdLock.ENTERED
        lock.release() shouldBe false
        lock.enter(FdLock.READ) shouldBe FdLock.IS_BUSY
        lock.close() shouldBe true
        lock.release() shouldBe true
        lock.unlock(FdLock.READ)
        lock.references() shouldBe 0
    }

    test("cut off: no write begins or goes on, also while the last has its bit; reads, other calls and the end are as ever") {
        val lock = FdLock()
        lock.enter(FdLock.WRITE) shouldBe FdLock.ENTERED
        lock.isCutOff shouldBe false
        lock.cutOff()
        lock.isCutOff shouldBe true
        lock.enter(FdLock.WRITE) shouldBe FdLock.IS_BUSY
        lock.reenter(FdLock.WRITE) shouldBe FdLock.IS_CUT_OFF
        lock.closeIfIdle() shouldBe false
        lock.leave(FdLock.WRITE) shouldBe false
        lock.isLocked shouldBe false
        lock.enter(FdLock.WRITE) shouldBe FdLock.IS_CUT_OFF
        lock.reenter(FdLock.WRITE) shouldBe FdLock.IS_CUT_OFF
        lock.enter(FdLock.READ) shouldBe FdLock.ENTERED
        lock.reenter(FdLock.READ) shouldBe FdLock.ENTERED
        lock.references() shouldBe 2
        lock.leave(FdLock.READ) shouldBe false
        lock.release() shouldBe false
        lock.closeIfIdle() shouldBe true
        lock.enter(FdLock.WRITE) shouldBe FdLock.IS_CLOSED
        lock.reenter(FdLock.WRITE) shouldBe FdLock.IS_CLOSED
    }

    test("dropping a reference too many is a mistake that shows") {
        shouldThrow<IllegalStateException> { FdLock().release() }
    }

    test("F1, F6: in every interleaving the descriptor is destroyed once, after closing and without references") {
        Lincheck.runConcurrentTest(200) {
            val file = LockedFile()
            val reader = thread { file.parkingOperation(FdLock.READ) }
            val closer = thread { file.close() }
            file.operation(FdLock.WRITE)
            file.close()
            reader.join()
            closer.join()
            file.check()
        }
    }

    test("C8: in every interleaving no write begins behind one that has cut the output off, and none goes on") {
        Lincheck.runConcurrentTest(200) {
            val output = CutOutput()
            val cut = thread { output.cutOff() }
            val other = thread { output.write() }
            output.write()
            output.goOn()
            cut.join()
            other.join()
        }
    }

    test("F1, F6: so it is on real threads, with three closers") {
        var file = LockedFile()
        race(
            20_000,
            { file.parkingOperation(FdLock.READ) },
            { file.operation(FdLock.WRITE) },
            { file.close() },
            { file.otherCall(); file.close() },
            { file.close() },
            beforeEach = { file = LockedFile() },
            afterEach = { file.check() },
        )
    }
})

/** Something that must not be used once it is destroyed. */
private class LockedFile {
    private val lock = FdLock()
    private val destroyed = AtomicInteger()
    private val closers = AtomicInteger()

    fun operation(bit: Int) {
        if (lock.enter(bit) != FdLock.ENTERED) return
        use()
        destroyIf(lock.leave(bit))
    }

    fun parkingOperation(bit: Int) {
        if (lock.enter(bit) != FdLock.ENTERED) return
        use()
        destroyIf(lock.release())
        if (lock.acquire()) {
            use()
            destroyIf(lock.leave(bit))
        } else {
            lock.unlock(bit)
        }
    }

    fun otherCall() {
        if (!lock.acquire()) return
        use()
        destroyIf(lock.release())
    }

    fun close() {
        if (!lock.close()) return
        closers.incrementAndGet()
        destroyIf(lock.release())
    }

    private fun use() = check(destroyed.get() == 0) { "used after it was destroyed" }

    private fun destroyIf(last: Boolean) {
        if (last) destroyed.incrementAndGet()
    }

    fun check() {
        check(closers.get() == 1) { "closed ${closers.get()} times" }
        check(destroyed.get() == 1) { "destroyed ${destroyed.get()} times" }
        check(lock.references() == 0L) { "${lock.references()} references left" }
    }
}

/** Into which some are to write, and one in part. */
private class CutOutput {
    private val lock = FdLock()

    /** Belongs to whoever has the write bit. */
    private var isCutOff = false

    fun cutOff() {
        if (lock.enter(FdLock.WRITE) != FdLock.ENTERED) return
        lock.release() // parked
        isCutOff = true
        lock.cutOff()
        lock.unlock(FdLock.WRITE)
    }

    fun write() {
        if (lock.enter(FdLock.WRITE) != FdLock.ENTERED) return
        check(!isCutOff) { "a write has begun behind a part of another" }
        lock.leave(FdLock.WRITE)
    }

    fun goOn() {
        if (lock.isCutOff) check(lock.reenter(FdLock.WRITE) == FdLock.IS_CUT_OFF) { "a write has gone on behind a part of another" }
    }
}
