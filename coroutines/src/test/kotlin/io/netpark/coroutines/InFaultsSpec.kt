package io.netpark.coroutines

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.netpark.core.sys.Errno
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.RecordingReporter
import io.netpark.core.testing.fault.Fault
import io.netpark.simulation.schedule.StuckException
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.async
import kotlinx.coroutines.awaitCancellation

/** What [inFaults] finds. */
class InFaultsSpec : NetparkSpec(body = {

    /** A read fails, and [then] goes on. */
    fun readFails(then: suspend CoroutineScope.(client: Connection, RecordingReporter) -> Unit) =
        Fault("recv", 1, Errno.ECONNRESET).shouldBeSurvived(seed = 1, loops = 1) { reactor, reporter ->
            reactor.withPair { client, server ->
                client.write("x")
                if (runCatching { server.readText(1) }.isFailure) then(client, reporter)
            }
        }

    /** An exception of this library that is for a mistake in a program, and so for one in the library if the program has made none. */
    suspend fun CoroutineScope.mistake(client: Connection): IllegalStateException {
        val reading = async(start = CoroutineStart.UNDISPATCHED) { client.read(ByteArray(1)) }
        return shouldThrow<IllegalStateException> { client.read(ByteArray(1)) }.also { reading.cancel() }
    }

    if (delaysAreOfLoops) {
        test("an error that the contract sees is survived, and so is what the contract says of it") {
            readFails { _, _ -> }
            readFails { _, _ -> error("nothing was read") }
            readFails { client, _ -> client.isOpen shouldBe false }
        }

        test("who waits for ever is found") {
            shouldThrow<StuckException> { readFails { _, _ -> awaitCancellation() } }
        }

        test("an exception that is for mistakes is found, thrown or reported") {
            shouldThrow<IllegalStateException> { readFails { client, _ -> throw mistake(client) } }
            shouldThrow<AssertionError> {
                readFails { client, reporter -> reporter.report("a mistake", mistake(client)) }
            }.message!! shouldContain "reported: a mistake"
        }
    }
})
