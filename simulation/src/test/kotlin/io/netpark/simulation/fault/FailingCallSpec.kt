package io.netpark.simulation.fault

import io.kotest.assertions.withClue
import io.kotest.matchers.shouldBe
import io.netpark.core.sys.LibC
import io.netpark.core.testing.Baseline
import io.netpark.core.testing.CallCounter
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.TestReactor
import io.netpark.core.testing.eventually
import io.netpark.core.testing.fault.FailingCall
import io.netpark.core.testing.fault.Failures
import io.netpark.simulation.contract.Kernel
import io.netpark.simulation.contract.KernelKind
import java.io.IOException
import java.nio.ByteBuffer

/** Of calls that a loop makes again and again only the first so many fail, one at a time. */
private const val MOST = 12

/** One connection from its beginning to its end, each way of moving bytes once. */
private fun TestReactor.converse() {
    listen().use { listener ->
        dial(listener.address).use { client ->
            client.connect()
            listener.accept().use { server ->
                client.write("ping")
                server.readText(4) shouldBe "ping"
                server.write(arrayOf("po", "ng").map { ByteBuffer.wrap(it.toByteArray()) }.toTypedArray())
                client.readText(4) shouldBe "pong"
                client.connection.shutdownOutput()
                server.readAll() shouldBe ""
                server.write("goodbye")
                server.connection.shutdownOutput()
                client.readAll() shouldBe "goodbye"
            }
        }
    }
}

/** How often each call is made in one conversation. */
private fun countCalls(libc: LibC): Map<String, Int> {
    val counter = CallCounter(libc)
    TestReactor(counter.libc).use { it.converse() }
    return Failures.calls().associateWith { minOf(MOST, counter[it].toInt()) }
}

/**
 * Every call of a connection's life fails in turn, with each errno that its manual page has, and for want of memory. Whatever comes of it
 * is told by an exception of this library, or is the very OutOfMemoryError; afterwards nothing is left open, and the next connection is as
 * if nothing had happened.
 */
class FailingCallSpec : NetparkSpec(body = {
    for (kind in KernelKind.all) {
        for (method in Failures.calls().sorted()) {
            test("$kind: $method fails") {
                kind.boot().use { kernel ->
                    val most = countCalls(kernel.libc).getValue(method)
                    for (errno in Failures.of(method)) {
                        for (number in 1..most) {
                            val failing = FailingCall(kernel.libc, method, number, errno)
                            withClue("$failing") { failing.shouldBeSurvived(kernel) }
                        }
                    }
                }
            }
        }
    }
})

private fun FailingCall.shouldBeSurvived(kernel: Kernel) {
    val before = kernel.openDescriptors
    val baseline = Baseline.now()
    open()?.use { reactor ->
        try {
            reactor.converse()
        } catch (failure: Throwable) {
            if (!isExpected(failure)) throw failure
        }
        if (hasFailed()) reactor.converse()
        reactor.group.close() // the call may be failing only now
        reactor.reporter.drain()
    }
    baseline.shouldBeRestored()
    eventually { kernel.openDescriptors shouldBe before }
}

/** A reactor, or null if that is what has failed. */
private fun FailingCall.open(): TestReactor? = try {
    TestReactor(libc())
} catch (failure: Throwable) {
    if (!isExpected(failure)) throw failure
    null
}

/** Which of them it is depends on the call. */
private fun FailingCall.isExpected(failure: Throwable) = hasFailed() && (failure is IOException || isCauseOf(failure))
