package io.netpark.coroutines

import io.kotest.matchers.collections.shouldBeEmpty
import io.kotest.matchers.shouldBe
import io.netpark.core.buffer.SegmentPool
import io.netpark.core.testing.RecordingReporter
import io.netpark.core.testing.eventually
import io.netpark.core.testing.fault.CountedCalls
import io.netpark.core.testing.fault.FailingCall
import io.netpark.core.testing.fault.Fault
import io.netpark.core.testing.fault.FaultChoice
import io.netpark.core.testing.fault.Segments
import io.netpark.core.testing.tls.Wire
import io.netpark.coroutines.simulation.runNetworkTest
import io.netpark.simulation.kernel.SimulatedKernel
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.cancelChildren
import kotlinx.coroutines.coroutineScope
import java.io.IOException

/** How many faults of a contract are tried if it is not told otherwise. */
private val SAMPLE = if (Wire.ofThisRun == Wire.PLAIN) 2 else 1

/** So many that were not survived are told of. */
private const val MOST_TOLD = 10

/** What has been thrown that should not. */
private class Unsurvived(what: String, cause: Throwable) : AssertionError("$what: $cause", cause)

/**
 * Has calls fail that a contract makes, one a run, each in the order of the threads in which the calls were counted. What the contract
 * expects need not come true then. But it ends: nobody waits for ever. Nothing is left open or lent. What is thrown and reported is an
 * exception of this library, or the very OutOfMemoryError, or what the contract itself throws. And the next connection works.
 */
fun inFaults(calls: CountedCalls, seed: Long, loops: Int, body: suspend CoroutineScope.(Reactor, RecordingReporter) -> Unit) {
    val failures = mutableListOf<Throwable>()
    for (fault in FaultChoice.of(calls.counts(), SAMPLE)) {
        try {
            fault.shouldBeSurvived(seed, loops, body)
        } catch (e: Throwable) {
            if (e is InterruptedException || Thread.currentThread().isInterrupted) throw e // the time of the test is over
            failures += Unsurvived("$fault", e)
            if (failures.size == MOST_TOLD) break
        }
    }
    if (failures.isEmpty()) return
    throw AssertionError(
        "in the order of seed $seed, by -Dnetpark.test.seed=${FaultChoice.seed()}:" + failures.joinToString("") { "\n${it.message}" },
        failures.first(),
    )
}

/** One of [inFaults]. */
fun Fault.shouldBeSurvived(seed: Long, loops: Int, body: suspend CoroutineScope.(Reactor, RecordingReporter) -> Unit) {
    val reporter = RecordingReporter()
    lateinit var kernel: SimulatedKernel
    lateinit var failing: FailingCall
    lateinit var segments: SegmentPool
    var next: Throwable? = null
    try {
        runNetworkTest(seed) {
            kernel = host("host").kernel
            failing = on(kernel)
            segments = Segments.of(failing, reporter)
            val reactor = host("host").reactor(loops, Buffering(segments)) {
                libc(failing.libc()).metrics(true).reporter(reporter).reportLimit(Int.MAX_VALUE)
            }
            try {
                within { body(reactor, reporter) }
            } catch (e: Throwable) {
                if (!failing.isExpected(e)) throw e
            }
            if (failing.hasFailed()) {
                try {
                    reactor.exchangeWords()
                } catch (e: Throwable) {
                    next = e
                }
            }
        }
    } catch (e: Throwable) { // by what opens or closes the reactor, or of the body
        if (!failing.isExpected(e)) throw e
    }
    next?.let { throw Unsurvived("the next connection does not work", it) }
    eventually { kernel.descriptors().shouldBeEmpty() }
    segments.shouldHaveLentNothing()
    reporter.forgetClientsThatLeft()
    reporter.reports.firstOrNull { !failing.isExpected(it.cause) }?.let { throw Unsurvived("reported: ${it.what}", it.cause) }
}

/** Runs a body as runNetworkTest does: what it has launched ends with it. */
suspend fun within(body: suspend CoroutineScope.() -> Unit) = coroutineScope {
    body()
    coroutineContext.cancelChildren()
}

private suspend fun Reactor.exchangeWords() = withPair { client, server ->
    client.write("ping")
    server.readText(4) shouldBe "ping"
    server.write("pong")
    client.readText(4) shouldBe "pong"
}

/** Which of them it is depends on the call. */
private fun FailingCall.isExpected(thrown: Throwable) =
    hasFailed() && (thrown is IOException || thrown is CancellationException || isCauseOf(thrown) || thrown.isOfTest())

/** Thrown by a contract that has not got what it expects, and not by what it tries. */
private fun Throwable.isOfTest(): Boolean {
    val thrower = stackTrace.firstOrNull { it.className.startsWith("io.netpark.") } ?: return false
    val origin = Class.forName(thrower.className.substringBefore("$\$Lambda")).protectionDomain.codeSource.location.path
    return origin.endsWith("test-classes/") || origin.endsWith("-tests.jar")
}
