package io.netpark.coroutines

import io.kotest.matchers.string.shouldContain
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.async
import io.netpark.core.testing.eventually
import io.netpark.core.testing.loopback
import io.netpark.core.testing.result
import io.netpark.core.testing.stuck.Standstill
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking

private suspend fun readInVain(connection: Connection) {
    connection.readFully(1)
}

private suspend fun handleInVain(connection: Connection) {
    connection.readToEnd()
}

private suspend fun awaitInVain(deferred: CompletableDeferred<Unit>) {
    deferred.await()
    check(deferred.isCompleted) // no tail call: that would leave no frame
}

/** What the log of a build says of a test that hangs has the coroutines, too. */
class StandstillSpec : NetparkSpec(body = {

    test("the frames of a coroutine that is parked, as any coroutine and as the owner of its connection") {
        onReactor { reactor, _ ->
            reactor.listen(loopback()).use { listener ->
                val serving = launch { listener.serve { handleInVain(it) } }
                reactor.dial(listener.localAddress).use { client ->
                    val reading = launch(start = CoroutineStart.UNDISPATCHED) { readInVain(client) }
                    reactor.awaitParked(3)
                    eventually { // a look may end before it has come so far
                        val text = Standstill.now()
                        text shouldContain "StandstillSpecKt.readInVain"
                        text shouldContain "StandstillSpecKt.handleInVain"
                    }
                    reading.cancelAndJoin()
                }
                serving.cancelAndJoin()
            }
        }
    }

    test("the frames of a coroutine in a runBlocking that nobody ends") {
        val deferred = CompletableDeferred<Unit>()
        val blocked = async { runBlocking { launch { awaitInVain(deferred) } } }
        eventually { Standstill.now() shouldContain "StandstillSpecKt.awaitInVain" }
        deferred.complete(Unit)
        blocked.result()
    }
})
