package io.netpark.coroutines

import io.kotest.matchers.collections.shouldBeEmpty
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.netpark.core.framing.Framing
import io.netpark.core.report.PeerFault
import io.netpark.core.report.PeerFaults
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.RecordingReporter
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.TimeSource
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.currentCoroutineContext
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withContext
import kotlinx.coroutines.withTimeout

/** Which ends of a handler are reported, and which only counted. */
class HandlerFailureSpec : NetparkSpec(body = {

    /** What is reported and counted when [client] meets [handler]. */
    fun outcome(
        buffering: Buffering = Buffering(),
        client: suspend (Connection) -> Unit,
        handler: suspend (Connection) -> Unit,
    ): Pair<List<String>, PeerFaults> {
        val reporter = RecordingReporter()
        var faults: PeerFaults? = null
        Reactor(1, buffering) { daemon(true).metrics(true).reporter(reporter).reportLimit(Int.MAX_VALUE) }.use { reactor ->
            Reactor(1) { daemon(true) }.use { clients ->
                runBlocking {
                    val listener = reactor.listenOver("127.0.0.1", 0)
                    val begun = CompletableDeferred<Unit>()
                    val serving = launch {
                        listener.serve {
                            begun.complete(Unit)
                            handler(it)
                        }
                    }
                    clients.dialOver(listener.localAddress).use {
                        begun.await() // what the client does before that would be about the handshake, if there is one
                        client(it)
                        runCatching { it.readToEnd() }
                    }
                    soon { listener.servings.single().count() shouldBe 0 }
                    serving.cancelAndJoin()
                    faults = reactor.group.snapshot().total().peerFaults()
                }
            }
        }
        return reporter.drain().map { it.cause.toString() } to faults!!
    }

    val none = PeerFaults.NONE
    fun one(kind: PeerFault) = PeerFaults(mapOf(kind to 1L))
    val silent: suspend (Connection) -> Unit = {}

    test("what a peer does to its own connection is counted by its kind, and not reported") {
        outcome(client = silent) { it.idleTimeout = 5.milliseconds; it.readText(1) } shouldBe
            (emptyList<String>() to one(PeerFault.IDLE_TIMED_OUT))
        outcome(client = silent) { it.readDeadline = TimeSource.Monotonic.markNow(); it.reader.await() } shouldBe
            (emptyList<String>() to one(PeerFault.READ_TIMED_OUT))
        outcome(client = silent) { c -> c.within(5.milliseconds, "greeting") { it.readText(1) } } shouldBe
            (emptyList<String>() to one(PeerFault.EXCHANGE_TIMED_OUT))
        outcome(client = { it.write("x"); it.reset() }) { it.readText(2) } shouldBe (emptyList<String>() to one(PeerFault.RESET))
        for (parse in listOf<suspend (Reader) -> Unit>({ it.await(4) }, { it.awaitRest(4) }, { it.awaitLine() })) {
            outcome(client = { it.write("xyz"); it.shutdownOutput() }) { parse(it.reader) } shouldBe
                (emptyList<String>() to one(PeerFault.TRUNCATED))
        }
        for (parse in listOf<suspend (Reader) -> Unit>({ it.awaitLine(4) }, { it.awaitUntil(0, 4) }, { it.await(200) }, { it.awaitMessage(Framing.lines(4)) })) {
            outcome(Buffering(inputLimit = 100), { it.write("much more than four") }) { parse(it.reader) } shouldBe
                (emptyList<String>() to one(PeerFault.LIMIT))
        }
    }

    test("so is what a coroutine finds that the handler has started, and what is found while the rest is flushed") {
        outcome(client = { it.write("x"); it.reset() }) { connection ->
            coroutineScope { launch(Dispatchers.Default) { connection.readText(2) } }
        } shouldBe (emptyList<String>() to one(PeerFault.RESET))
        outcome(client = { it.write("x"); it.reset() }) { connection ->
            CoroutineScope(currentCoroutineContext()).launch { connection.readText(2) }
        } shouldBe (emptyList<String>() to one(PeerFault.RESET))
        outcome(client = silent) { connection ->
            connection.writeTimeout = 20.milliseconds
            connection.writer.put(ByteArray(30_000_000)) // more than the kernels take, and the peer reads nothing before the end
            withContext(Dispatchers.Default) { }
        }.first.shouldBeEmpty()
    }

    test("a handler's own closing, and cancellation of any kind, are no news") {
        outcome(client = silent) { it.close(); it.write("late") } shouldBe (emptyList<String>() to none)
        outcome(client = silent) { withTimeout(1) { it.readText(1) } } shouldBe (emptyList<String>() to none)
    }

    test("the failure of another connection breaks a handler, and is reported once") {
        Reactor(1) { daemon(true) }.use { databases ->
            runBlocking {
                val database = databases.listenOver("127.0.0.1", 0)
                val resetting = launch { database.serve { if (it.reader.await()) it.reset() } }
                val (reports, faults) = outcome(client = silent) { connection ->
                    databases.dialOver(database.localAddress).use { other ->
                        other.write("query")
                        other.readText(1)
                    }
                    connection.write("never")
                }
                reports.single() shouldContain "Reset: read from 127.0.0.1:${database.port}"
                faults shouldBe none
                outcome(client = silent) {
                    databases.dialOver(database.localAddress).use { other ->
                        other.close()
                        other.write("query")
                    }
                }.first.size shouldBe 1
                outcome(client = silent) {
                    databases.dialOver(database.localAddress).use { other ->
                        other.readDeadline = TimeSource.Monotonic.markNow()
                        other.readText(1)
                    }
                }.first.size shouldBe 1
                resetting.cancelAndJoin()
            }
        }
    }
})
