package io.netpark.coroutines

import io.kotest.matchers.collections.shouldBeEmpty
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.kotest.matchers.types.shouldBeInstanceOf
import io.netpark.core.report.LoopSnapshot
import io.netpark.core.report.PeerFault
import io.netpark.core.report.PeerFaults
import io.netpark.core.sys.NetparkException
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.RecordingReporter
import java.net.SocketAddress
import java.util.concurrent.ConcurrentLinkedQueue
import kotlin.time.Duration.Companion.milliseconds
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.awaitCancellation
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.joinAll
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout

/** What serve's onFailure is told, what is reported because there is none, and what is dropped. */
class OnFailureSpec : NetparkSpec(body = {

    /**
     * What became of one handler.
     *
     * @param failed how many handlers are counted as failed
     */
    class Outcome(
        val told: List<Throwable>,
        val reports: List<RecordingReporter.Report>,
        val faults: PeerFaults,
        val failed: Long,
        val dropped: Long,
    )

    fun outcome(
        tells: Boolean = true,
        onFailure: (Connection, Throwable) -> Unit = { _, _ -> },
        client: suspend (Connection) -> Unit = {},
        handler: suspend CoroutineScope.(Connection) -> Unit,
    ): Outcome {
        val reporter = RecordingReporter()
        val told = ConcurrentLinkedQueue<Throwable>()
        var total: LoopSnapshot? = null
        Reactor(1) { daemon(true).metrics(true).reporter(reporter).reportLimit(Int.MAX_VALUE) }.use { reactor ->
            Reactor(1) { daemon(true) }.use { clients ->
                runBlocking {
                    val listener = reactor.listenOver("127.0.0.1", 0)
                    val begun = CompletableDeferred<Unit>()
                    val dialed = CompletableDeferred<Unit>() // a reset before that would be the dial's failure
                    val record: (Connection, Throwable) -> Unit = { connection, failure ->
                        told += failure
                        onFailure(connection, failure)
                    }
                    val serving = launch {
                        listener.serve(onFailure = if (tells) record else null) {
                            begun.complete(Unit)
                            dialed.await()
                            handler(it)
                        }
                    }
                    clients.dialOver(listener.localAddress).use {
                        begun.await() // a reset before that would be the handshake's, if there is one
                        dialed.complete(Unit)
                        client(it)
                        runCatching { it.readToEnd() }
                    }
                    soon { listener.servings.single().count() shouldBe 0 }
                    serving.cancelAndJoin()
                    total = reactor.group.snapshot().total()
                }
            }
        }
        return Outcome(told.toList(), reporter.drain(), total!!.peerFaults(), total!!.handlerFailures(), total!!.bytesDropped())
    }

    test("a failure is told once, with its connection, and not reported") {
        val peer = CompletableDeferred<SocketAddress>()
        val mine = IllegalStateException("mine")
        val told = outcome(onFailure = { connection, _ -> peer.complete(connection.remoteAddress) }, client = { it.write("x") }) {
            it.readText(1)
            throw mine
        }
        told.told.single() shouldBe mine
        told.reports.shouldBeEmpty()
        told.failed shouldBe 1
        told.faults shouldBe PeerFaults.NONE
        runBlocking { peer.await() }.toString() shouldContain "127.0.0.1"
    }

    test("what a peer does to its own connection is told and counted, and never reported") {
        for (tells in listOf(true, false)) {
            val reset = outcome(tells, client = { it.write("x"); it.reset() }) { it.readText(2) }
            reset.faults shouldBe PeerFaults(mapOf(PeerFault.RESET to 1L))
            reset.failed shouldBe 0
            reset.reports.shouldBeEmpty()
            reset.told.map { it::class } shouldBe if (tells) listOf(NetparkException.Reset::class) else emptyList()
            val silent = outcome(tells) { it.idleTimeout = 5.milliseconds; it.readText(1) }
            silent.faults shouldBe PeerFaults(mapOf(PeerFault.IDLE_TIMED_OUT to 1L))
            silent.reports.shouldBeEmpty()
            silent.told.map { it::class } shouldBe if (tells) listOf(NetparkException.TimedOut::class) else emptyList()
        }
    }

    test("a connection's own closing, and cancellation of any kind, are no failures") {
        val ends = listOf<suspend CoroutineScope.(Connection) -> Unit>(
            { it.close(); it.write("late") },
            { connection -> withTimeout(1) { connection.readText(1) } },
            { throw CancellationException("enough") },
            { connection -> coroutineScope { launch { connection.close() }; connection.readText(1) } },
        )
        for (end in ends) for (tells in listOf(true, false)) {
            val ended = outcome(tells, handler = end)
            ended.told.shouldBeEmpty()
            ended.reports.shouldBeEmpty()
            ended.failed shouldBe 0
            ended.faults shouldBe PeerFaults.NONE
        }
    }

    test("if onFailure throws, that is reported and so is what it was told; but not what the peer has done") {
        val both = outcome(onFailure = { _, _ -> error("the hook failed") }) { error("the handler failed") }
        both.reports.map { it.cause.message } shouldBe listOf("the handler failed", "the hook failed")
        both.told.size shouldBe 1
        both.failed shouldBe 1
        val one = outcome(onFailure = { _, _ -> error("the hook failed") }, client = { it.write("x"); it.reset() }) { it.readText(2) }
        one.reports.map { it.cause.message } shouldBe listOf("the hook failed")
    }

    test("the first failure of a scope is told, as it is, and the later ones are suppressed in it") {
        val first = IllegalStateException("first")
        val second = IllegalArgumentException("second")
        val third = IndexOutOfBoundsException("third")

        fun shouldBeInOrder(handler: suspend CoroutineScope.(Connection) -> Unit) {
            val told = outcome(handler = handler).told.single()
            told shouldBe first
            first.suppressed.toSet() shouldBe setOf(second, third)
        }

        fun CoroutineScope.failingWhenCancelled(failure: Throwable) = launch(start = CoroutineStart.UNDISPATCHED) { // has begun, surely
            try {
                awaitCancellation()
            } catch (_: CancellationException) {
                throw failure
            }
        }

        shouldBeInOrder { // the handler fails, then its coroutines
            failingWhenCancelled(second)
            failingWhenCancelled(third)
            throw first
        }
        val other = IllegalStateException("first")
        val told = outcome { connection -> // a coroutine fails, then the handler, which makes something else of it
            launch(Dispatchers.Default) { throw other }
            try {
                connection.readText(1)
            } catch (e: CancellationException) {
                throw IllegalArgumentException("second", e)
            }
        }.told.single()
        told shouldBe other
        other.suppressed.single().message shouldBe "second"
    }

    test("a program's own error on top of what the peer has done is reported") {
        val bug = IllegalStateException("a clean-up failed")
        val both = outcome(tells = false, client = { it.write("x"); it.reset() }) { connection ->
            launch(start = CoroutineStart.UNDISPATCHED) { // has begun, surely
                try {
                    awaitCancellation()
                } catch (_: CancellationException) {
                    throw bug
                }
            }
            connection.readText(2)
        }
        both.faults shouldBe PeerFaults(mapOf(PeerFault.RESET to 1L))
        both.reports.single().cause.shouldBeInstanceOf<NetparkException.Reset>().suppressed.toList() shouldBe listOf(bug)
    }

    test("the bytes that a failing handler has not flushed are named, and counted; so are those of a cancelled one") {
        val failed = outcome(tells = false) {
            it.writer.putString("12345")
            error("failed")
        }
        failed.reports.single().what shouldContain Regex("The handler of connection .*127\\.0\\.0\\.1.* failed.*; 5 bytes that it had not flushed are dropped")
        failed.dropped shouldBe 5
        failed.failed shouldBe 1
        outcome {
            it.writer.putString("1234567")
            throw CancellationException("enough")
        }.dropped shouldBe 7
        outcome(client = { it.write("x"); it.reset() }) {
            it.writer.putString("123")
            it.readText(2)
        }.dropped shouldBe 3
        outcome { it.writer.putString("flushed at the end") }.dropped shouldBe 0
        outcome {
            it.writer.putString("closed with it")
            it.close()
        }.dropped shouldBe 14
        outcome {
            it.writer.putString("flushed")
            it.writer.flush()
            error("failed")
        }.dropped shouldBe 0
    }

    test("the bytes that a dialed connection is closed with are counted once, whoever closes it") {
        onReactor { reactor, _ ->
            reactor.withPair { client, _ ->
                client.writer.putString("never")
                List(4) { launch(Dispatchers.Default) { client.close() } }.joinAll()
                client.reset()
            }
            soon { reactor.group.snapshot().total().bytesDropped() shouldBe 5 }
        }
    }
})
