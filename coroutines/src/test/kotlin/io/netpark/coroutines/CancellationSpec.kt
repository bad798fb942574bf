package io.netpark.coroutines

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.ints.shouldBeGreaterThan
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.netpark.core.sys.NetparkException
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.SOON
import io.netpark.core.testing.ScarceTasks
import io.netpark.core.testing.tls.Wire
import io.netpark.core.testing.openDescriptors
import io.netpark.core.testing.queueTasksBy
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.CoroutineDispatcher
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.Job
import kotlinx.coroutines.NonCancellable
import kotlinx.coroutines.Runnable
import kotlinx.coroutines.async
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.channels.Channel
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.currentCoroutineContext
import kotlinx.coroutines.delay
import kotlinx.coroutines.job
import kotlinx.coroutines.launch
import kotlinx.coroutines.withContext
import kotlinx.coroutines.withTimeout
import kotlinx.coroutines.withTimeoutOrNull
import kotlinx.coroutines.yield
import java.nio.ByteBuffer
import java.util.concurrent.ConcurrentLinkedQueue
import java.util.concurrent.CountDownLatch
import kotlin.coroutines.CoroutineContext
import kotlin.random.Random
import kotlin.time.TimeSource

/** The cancellation contract of every function, and the races C1 to C11. */
class CancellationSpec : NetparkSpec(body = {

    test("C1: after a parked reader was cancelled the next reader parks in its place and gets the data") {
        onReactor { reactor, _ ->
            reactor.withPair { client, server ->
                repeat(200) { round ->
                    val first = launch(Dispatchers.Default, CoroutineStart.UNDISPATCHED) { server.read(ByteArray(1)) }
                    if (round % 2 == 0) yield()
                    first.cancelAndJoin()
                    val second = async(Dispatchers.Default) { server.readText(1) }
                    client.write("a")
                    second.await() shouldBe "a"
                }
            }
        }
    }

    test("C2, C3: woken, then cancelled before the dispatcher runs it, a read throws and consumes nothing") {
        onReactor { reactor, _ ->
            reactor.withPair { client, server ->
                val dispatcher = ManualDispatcher()
                val reader = launch(dispatcher) { server.read(ByteArray(10)) }
                dispatcher.runNext() // up to the park
                client.write("precious")
                dispatcher.awaitNext() // readiness has resumed it
                reader.cancel()
                dispatcher.runAll()
                reader.join()
                reader.isCancelled shouldBe true
                server.readText(8) shouldBe "precious"
            }
        }
    }

    test("C4: a stream read by readers that are cancelled all the time has no gap") {
        onReactor(loops = 2) { reactor, _ ->
            reactor.withPair { client, server ->
                val length = 400_000
                val sent = pattern(length)
                launch(Dispatchers.Default) {
                    for (start in 0 until length step 50) client.write(sent, start, 50)
                }
                val read = ByteBuffer.allocateDirect(length)
                val random = Random(4)
                val context = reactor.loopDispatchers[0] // of another loop than one of the two ends, at least
                while (read.hasRemaining()) {
                    val reader = launch(if (random.nextBoolean()) context else Dispatchers.Default) { server.read(read) }
                    repeat(random.nextInt(20)) { Thread.onSpinWait() }
                    if (random.nextInt(4) == 0) yield()
                    reader.cancelAndJoin()
                }
                ByteArray(length).also { read.flip().get(it) } shouldBe sent
            }
        }
    }

    test("C4: a handler whose reads are cancelled by withTimeout all the time sees every byte") {
        onReactor { reactor, _ ->
            val sent = pattern(20_000)
            val received = CompletableDeferred<ByteArray>()
            reactor.listenOver("127.0.0.1", 0).use { listener ->
                val serving = launch {
                    listener.serve { connection ->
                        val target = ByteBuffer.allocate(sent.size)
                        while (target.hasRemaining()) withTimeoutOrNull(1) { while (target.hasRemaining()) connection.read(target) }
                        received.complete(target.array())
                    }
                }
                reactor.dialOver(listener.localAddress).use { client ->
                    for (start in sent.indices step 100) {
                        client.write(sent, start, 100)
                        if (start % 1000 == 0) delay(2)
                    }
                    received.await() shouldBe sent
                }
                serving.cancelAndJoin()
            }
        }
    }

    test("C4: a handler that is parked is cancelled when its loop has no memory for another task") {
        onReactor { reactor, _ ->
            val loop = reactor.group.loops()[0]
            reactor.listen("127.0.0.1", 0).use { listener ->
                val handler = CompletableDeferred<Job>()
                val ended = CompletableDeferred<Unit>()
                val serving = launch {
                    listener.serve { connection ->
                        handler.complete(currentCoroutineContext().job)
                        try {
                            connection.read(ByteArray(1))
                        } finally {
                            ended.complete(Unit)
                        }
                    }
                }
                reactor.dial(listener.localAddress).use {
                    val job = handler.await()
                    reactor.awaitParked(1 + 1) // and the listener
                    val held = CompletableDeferred<Unit>()
                    val release = CountDownLatch(1)
                    loop.execute { // so that it finds the handler's waiter when there is memory again
                        held.complete(Unit)
                        release.await()
                    }
                    held.await()
                    loop.queueTasksBy(::ScarceTasks).whileFull { job.cancel() }
                    release.countDown()
                    withTimeout(SOON) { ended.await() }
                }
                serving.cancelAndJoin()
            }
        }
    }

    test("C4: accepts that are cancelled all the time leave no connection unaccepted and no descriptor open") {
        onReactor { reactor, _ ->
            reactor.listenOver("127.0.0.1", 0).use { listener ->
                val before = openDescriptors()
                val count = 300
                val dialing = launch(Dispatchers.Default) {
                    repeat(count) {
                        try {
                            reactor.dialOver(listener.localAddress).use { it.readToEnd() }
                        } catch (e: NetparkException) {
                            if (reactor.wire == Wire.PLAIN) throw e // in its handshake otherwise
                        }
                    }
                }
                while (dialing.isActive) { // until each has been accepted and closed, by whomever
                    val accepting = launch(Dispatchers.Default) { listener.accept().close() }
                    repeat(Random.nextInt(300)) { Thread.onSpinWait() }
                    accepting.cancelAndJoin()
                }
                dialing.join()
                soon { openDescriptors() shouldBe before }
            }
        }
    }

    test("a dial cancelled at any instant leaks no descriptor") {
        onReactor { reactor, _ ->
            reactor.listenOver("127.0.0.1", 0).use { listener ->
                val before = openDescriptors()
                val serving = launch { listener.serve { } }
                repeat(500) { round ->
                    val dialing = launch(Dispatchers.Default) { reactor.dialOver(listener.localAddress).use { } }
                    repeat(round) { Thread.onSpinWait() }
                    dialing.cancelAndJoin()
                }
                serving.cancelAndJoin()
                soon { openDescriptors() shouldBe before - 1 } // the listener's; the last dial is cleaned up on its loop
            }
        }
    }

    test("C5: readiness that a cancelled read had consumed is there for the next") {
        onReactor { reactor, _ ->
            reactor.withPair { client, server ->
                repeat(200) {
                    // A short read: the connection believes that it is drained. Then a reader is woken for new bytes, and
                    // cancelled before it can read them.
                    client.write("ab")
                    server.read(ByteArray(100)) shouldBe 2
                    val dispatcher = ManualDispatcher()
                    val reader = launch(dispatcher) { server.read(ByteArray(5)) }
                    dispatcher.runNext()
                    client.write("c")
                    dispatcher.awaitNext()
                    reader.cancel()
                    dispatcher.runAll()
                    server.readText(1) shouldBe "c"
                }
            }
        }
    }

    test("C6: an operation of a cancelled coroutine throws instead of consuming what is there") {
        onReactor { reactor, _ ->
            reactor.withPair { client, server ->
                client.write("kept")
                val reader = launch(start = CoroutineStart.UNDISPATCHED) {
                    coroutineContext[Job]!!.cancel()
                    shouldThrow<CancellationException> { server.read(ByteArray(4)) }
                    shouldThrow<CancellationException> { server.write(ByteArray(4)) }
                }
                reader.join()
                server.readText(4) shouldBe "kept"
            }
        }
    }

    test("C7, C9: a handler parked on its loop is cancelled from any thread, on that loop's own thread too") {
        onReactor { reactor, _ ->
            reactor.listenOver("127.0.0.1", 0).use { listener ->
                val handlers = Channel<Job>(Channel.UNLIMITED)
                val threads = ConcurrentLinkedQueue<String>()
                val serving = launch {
                    listener.serve { connection ->
                        handlers.send(currentCoroutineContext().job)
                        try {
                            connection.read(ByteArray(1))
                        } catch (e: CancellationException) {
                            threads += Thread.currentThread().name
                            throw e
                        }
                    }
                }
                repeat(200) { round ->
                    reactor.dialOver(listener.localAddress).use { client ->
                        val handler = handlers.receive()
                        if (round % 2 == 0) handler.cancel() else withContext(reactor.loopDispatchers[0]) { handler.cancel() }
                        handler.join()
                        client.read(ByteArray(1)) shouldBe Connection.END_OF_STREAM // its connection was closed
                    }
                }
                serving.cancelAndJoin()
                threads.filter { "loop-0" !in it } shouldBe emptyList()
                threads.size shouldBeGreaterThan 0
            }
        }
    }

    test("C8: cancelled in the middle, a write of a buffer says how far it got, and one of an array breaks the output") {
        onReactor { reactor, _ ->
            reactor.withPair(options = TINY_BUFFERS) { client, server ->
                val sent = pattern(1 shl 20)
                val buffer = ByteBuffer.wrap(sent)
                breakOff { client.write(buffer) }
                val written = buffer.position()
                val rest = async { server.readFully(sent.size) }
                client.write(buffer)
                rest.await() shouldBe sent
                written shouldBeGreaterThan 0

                breakOff { client.write(sent) }
                shouldThrow<NetparkException.Closed> { client.write("next message") }.message!! shouldContain "of ${sent.size} bytes"
                server.write("still readable")
                client.readText(14) shouldBe "still readable"
            }
        }
    }

    test("C10: a write in NonCancellable completes although the coroutine is cancelled") {
        onReactor { reactor, _ ->
            reactor.withPair(options = TINY_BUFFERS) { client, server ->
                val goodbye = pattern(200_000)
                val writer = launch(Dispatchers.Default, CoroutineStart.UNDISPATCHED) {
                    try {
                        client.read(ByteArray(1))
                    } finally {
                        withContext(NonCancellable) { client.write(goodbye) }
                    }
                }
                writer.cancel()
                server.readFully(goodbye.size) shouldBe goodbye
                writer.join()
            }
        }
    }

    test("C11: cancelled, closed and timed out at once, an operation reports one of the three, cancellation first") {
        onReactor { reactor, _ ->
            repeat(200) {
                reactor.withPair { client, _ ->
                    var outcome: Throwable? = null
                    val reader = launch(Dispatchers.Default, CoroutineStart.UNDISPATCHED) {
                        outcome = runCatching { client.read(ByteArray(1)) }.exceptionOrNull()
                    }
                    coroutineScope {
                        launch(Dispatchers.Default) { client.readDeadline = TimeSource.Monotonic.markNow() }
                        launch(Dispatchers.Default) { client.close() }
                        launch(Dispatchers.Default) { reader.cancel() }
                    }
                    reader.join()
                    val seen = outcome
                    (seen is CancellationException || seen is NetparkException.Closed || seen is NetparkException.TimedOut) shouldBe true
                }
            }
        }
    }

    test("withTimeout ends a read and the connection stays usable") {
        onReactor { reactor, _ ->
            reactor.withPair { client, server ->
                shouldThrow<kotlinx.coroutines.TimeoutCancellationException> {
                    withTimeout(20) { server.read(ByteArray(1)) }
                }
                client.write("x")
                server.readText(1) shouldBe "x"
            }
        }
    }
})

/** Runs what is dispatched to it only when told to. */
private class ManualDispatcher : CoroutineDispatcher() {
    private val queue = ConcurrentLinkedQueue<Runnable>()

    override fun dispatch(context: CoroutineContext, block: Runnable) {
        queue += block
    }

    fun runNext() = queue.remove().run()

    fun runAll() {
        while (true) (queue.poll() ?: return).run()
    }

    suspend fun awaitNext() {
        while (queue.isEmpty()) delay(1)
    }
}
