package io.netpark.core.testing.stuck

import io.kotest.matchers.collections.shouldNotBeEmpty
import io.kotest.matchers.ints.shouldBeLessThanOrEqual
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.async
import io.netpark.core.testing.eventually
import io.netpark.core.testing.result
import org.junit.platform.engine.TestDescriptor
import org.junit.platform.engine.TestExecutionResult
import org.junit.platform.engine.UniqueId
import org.junit.platform.engine.support.descriptor.AbstractTestDescriptor
import org.junit.platform.launcher.TestIdentifier
import java.io.ByteArrayOutputStream
import java.io.PrintStream
import java.util.Collections
import java.util.Hashtable
import java.util.Vector
import java.util.concurrent.CountDownLatch
import java.util.concurrent.atomic.AtomicInteger
import kotlin.time.Duration
import kotlin.time.Duration.Companion.ZERO
import kotlin.time.Duration.Companion.hours
import kotlin.time.Duration.Companion.milliseconds

private val SOME_TEST: TestIdentifier = TestIdentifier.from(
    object : AbstractTestDescriptor(UniqueId.forEngine("some test"), "some test") {
        override fun getType() = TestDescriptor.Type.TEST
    },
)

private val FAILED = TestExecutionResult.failed(AssertionError("some failure"))

/** A thread is where a search starts. */
private class HoldingThread(@JvmField val held: Any, body: () -> Unit) : Thread(body, "holding")

private class Held

class StuckTestsSpec : NetparkSpec(body = {

    /** What a listener prints that is told so. The test of which it is told has ended in any case: the listener's thread would go on. */
    fun printed(
        first: Duration,
        atOnce: Duration,
        look: () -> String,
        end: TestExecutionResult,
        body: (printed: () -> String) -> Unit = {},
    ): String {
        val bytes = ByteArrayOutputStream()
        val listener = StuckTests(PrintStream(bytes, true), first.inWholeNanoseconds, atOnce.inWholeNanoseconds, look)
        listener.executionStarted(SOME_TEST)
        try {
            body { bytes.toString() }
        } finally {
            listener.executionFinished(SOME_TEST, end)
        }
        return bytes.toString()
    }

    /** Runs [block] while a thread stands at a place that holds [held]. */
    fun <T> whileHolding(held: Any, block: () -> T): T {
        val end = CountDownLatch(1)
        val isHeld = CountDownLatch(1)
        val thread = HoldingThread(held) {
            synchronized(held) {
                isHeld.countDown()
                end.await()
            }
        }
        thread.isDaemon = true
        thread.start()
        try {
            isHeld.await()
            return block()
        } finally {
            end.countDown()
            thread.join()
        }
    }

    test("of a test that failed after a while, the log has where it stood before it failed, and behind that") {
        val looks = AtomicInteger()
        val text = printed(1.milliseconds, ZERO, { "look ${looks.incrementAndGet()}." }, FAILED) { printed ->
            eventually { printed() shouldContain "look 5." } // a test that is endless, at such a period
        }.substringAfter("A test has failed")
        text shouldContain "some test"
        val (before, behind) = text.split("-- behind the failure")
        before shouldContain "-- after "
        fun looksIn(part: String) = Regex("look \\d+").findAll(part).map { it.value }.toSet()
        (looksIn(behind) - looksIn(before)).shouldNotBeEmpty() // not the last of all: another one may have been under way
    }

    test("nothing is printed of a test that passes, nor of one that fails at once") {
        printed(1.hours, ZERO, { "a look" }, TestExecutionResult.successful()) shouldBe ""
        printed(1.hours, 1.hours, { "a look" }, FAILED) shouldBe ""
    }

    test("a look that does not end holds up nobody for long, and what was seen before is printed") {
        val looks = AtomicInteger()
        val never = CountDownLatch(1)
        try {
            val text = printed(1.milliseconds, ZERO, {
                if (looks.incrementAndGet() > 1) never.await()
                "the first look"
            }, FAILED) { eventually { looks.get() shouldBe 2 } }
            text.substringAfter("A test has failed") shouldContain "the first look"
        } finally {
            never.countDown()
        }
    }

    test("looks that fail are no end of looking, whatever they fail of") {
        printed(1.milliseconds, ZERO, { throw OutOfMemoryError("none left") }, FAILED) { printed ->
            eventually { printed() shouldContain "goes on and on" }
        }.substringAfter("-- behind the failure") shouldContain "none left"
    }

    test("a look has the threads, and does not wait for what they hold") {
        for (held in listOf(Vector(listOf(1)), Collections.synchronizedList(mutableListOf(1)), Hashtable(mapOf(1 to 1)))) {
            val text = whileHolding(held) { async { Standstill.now() }.result() }
            text shouldContain "thread \"holding\" WAITING\n    at "
        }
    }

    test("a search ends within an array that is too large") {
        whileHolding(Array(3 * SuspendedCoroutines.OBJECTS) { Held() }) { SuspendedCoroutines.search().objects() } shouldBeLessThanOrEqual
            SuspendedCoroutines.OBJECTS
    }
})
