package io.netpark.coroutines

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.ints.shouldBeLessThan
import io.kotest.matchers.longs.shouldBeGreaterThanOrEqual
import io.kotest.matchers.longs.shouldBeLessThan
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.netpark.core.loop.EventLoop
import io.netpark.core.sys.NetparkException
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.SOON
import io.netpark.core.testing.ScarceTasks
import io.netpark.core.testing.queueTasksBy
import io.netpark.coroutines.loops.LOOP_TIMERS
import io.netpark.coroutines.loops.LoopDispatcher
import io.netpark.coroutines.loops.dispatcherOn
import java.nio.ByteBuffer
import java.util.concurrent.atomic.AtomicInteger
import kotlin.system.measureNanoTime
import kotlin.system.measureTimeMillis
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.NonCancellable
import kotlinx.coroutines.TimeoutCancellationException
import kotlinx.coroutines.async
import kotlinx.coroutines.awaitCancellation
import kotlinx.coroutines.cancel
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.delay
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.supervisorScope
import kotlinx.coroutines.withContext
import kotlinx.coroutines.withTimeout
import kotlinx.coroutines.yield

/** Runs a second time without the loop's own timers; see the pom. */
class LoopDispatcherSpec : NetparkSpec(body = {
    val hasTimers = System.getProperty(LOOP_TIMERS) != "off"

    test("it is one with timers, unless it is told otherwise") {
        onReactor { reactor, _ -> (reactor.loopDispatchers[0]::class != LoopDispatcher::class) shouldBe hasTimers }
    }

    test("where kotlinx.coroutines has no Delay, a loop's dispatcher does without") {
        onReactor { reactor, _ ->
            val functions = Without("kotlinx.coroutines.Delay").loadClass("io.netpark.coroutines.loops.LoopTimersKt")
            val dispatcherOn = functions.getDeclaredMethod("dispatcherOn", EventLoop::class.java)
            dispatcherOn(null, reactor.group.loops()[0])::class.simpleName shouldBe "LoopDispatcher"
        }
    }

    test("a coroutine gets to a loop that has no memory for another task") {
        onReactor { reactor, _ ->
            val ran = CompletableDeferred<String>()
            reactor.group.loops()[0].queueTasksBy(::ScarceTasks).whileFull {
                launch(reactor.loopDispatchers[0]) { ran.complete(Thread.currentThread().name) }
            }
            withTimeout(SOON) { ran.await() } shouldContain "loop-0"
        }
    }

    test("delay and withTimeout resume on the loop's thread, never early") {
        onReactor { reactor, _ ->
            withContext(reactor.loopDispatchers[0]) {
                measureTimeMillis { delay(30) } shouldBeGreaterThanOrEqual 30
                Thread.currentThread().name shouldContain "loop-0"
                shouldThrow<TimeoutCancellationException> { withTimeout(20) { delay(10_000) } }
                Thread.currentThread().name shouldContain "loop-0"
                delay(Long.MAX_VALUE.coerceAtMost(1))
            }
        }
    }

    test("what is already on the loop needs no dispatch; what is not does") {
        onReactor(loops = 2) { reactor, _ ->
            val (first, second) = reactor.loopDispatchers
            withContext(first) {
                first.isDispatchNeeded(coroutineContext) shouldBe false
                second.isDispatchNeeded(coroutineContext) shouldBe true
                withContext(second) { Thread.currentThread().name shouldContain "loop-1" }
                Thread.currentThread().name shouldContain "loop-0"
            }
            first.isDispatchNeeded(coroutineContext) shouldBe true
        }
    }

    test("S8: coroutines of one loop never run at the same time") {
        onReactor { reactor, _ ->
            var unguarded = 0
            val inside = AtomicInteger()
            List(50) {
                launch(reactor.loopDispatchers[0]) {
                    repeat(100) {
                        inside.incrementAndGet() shouldBe 1
                        unguarded++
                        inside.decrementAndGet()
                        yield()
                    }
                }
            }.forEach { it.join() }
            unguarded shouldBe 5000
        }
    }

    test("S3: a connection that always has data does not keep another on its loop waiting, and sees its cancellation") {
        onReactor { reactor, _ ->
            val flooding = reactor.listen("127.0.0.1", 0)
            val pinging = reactor.listen("127.0.0.1", 0)
            val begun = CompletableDeferred<Unit>()
            val flooded = launch {
                flooding.serve { connection ->
                    val one = ByteBuffer.allocateDirect(1) // never drained: there is always another byte
                    while (connection.read(one) != Connection.END_OF_STREAM) {
                        begun.complete(Unit)
                        one.clear()
                    }
                }
            }
            val pinged = launch { pinging.serve { echo(it) } }
            val flood = launch(Dispatchers.IO) {
                Reactor(1) { daemon(true) }.use { other ->
                    other.dial(flooding.localAddress).use { client ->
                        val chunk = ByteBuffer.allocateDirect(1 shl 16)
                        try {
                            while (true) {
                                chunk.clear()
                                client.write(chunk)
                            }
                        } catch (_: NetparkException.Reset) {
                            // the flooded handler has been cancelled
                        }
                    }
                }
            }
            begun.await()
            reactor.dial(pinging.localAddress).use { client ->
                val slowest = (1..50).maxOf {
                    measureNanoTime {
                        client.write("ping")
                        client.readText(4)
                    }
                }
                slowest shouldBeLessThan 20_000_000_000 // it would be for ever
            }
            flooded.cancelAndJoin()
            pinged.cancelAndJoin()
            flood.cancelAndJoin()
        }
    }

    test("S4: neither operations that complete at once nor resumptions in place grow the stack") {
        onReactor { reactor, _ ->
            reactor.listen("127.0.0.1", 0).use { listener ->
                val deepest = CompletableDeferred<Int>()
                val serving = launch {
                    listener.serve { connection ->
                        val one = ByteBuffer.allocateDirect(1)
                        var depth = 0
                        var reads = 0
                        while (connection.read(one) != Connection.END_OF_STREAM) {
                            one.clear()
                            if (++reads % 100 == 0) depth = maxOf(depth, Throwable().stackTrace.size)
                        }
                        deepest.complete(depth)
                    }
                }
                reactor.dial(listener.localAddress).use { client ->
                    client.write(ByteArray(200_000)) // a burst: read without parking
                    repeat(20_000) { client.write(ByteArray(1)) } // one by one: mostly parked in between
                }
                deepest.await() shouldBeLessThan 100
                serving.cancelAndJoin()
            }
        }
    }

    test("a delay on a loop that closes is cancelled, and the coroutine can finish").config(enabled = hasTimers) {
        val reactor = Reactor(1) { daemon(true) }
        runBlocking {
            supervisorScope {
                var finished = false
                val begun = CompletableDeferred<Unit>()
                val sleeping = async(reactor.loopDispatchers[0]) {
                    try {
                        begun.complete(Unit)
                        delay(60_000)
                    } finally {
                        withContext(kotlinx.coroutines.NonCancellable) { yield() }
                        finished = true
                    }
                }
                begun.await()
                withContext(Dispatchers.IO) { reactor.close() }
                shouldThrow<CancellationException> { sleeping.await() }
                finished shouldBe true
                shouldThrow<CancellationException> { withContext(reactor.loopDispatchers[0]) { } }
            }
        }
    }

    test("no timer stays armed for a delay or a timeout that has ended") {
        Reactor(1) { daemon(true).metrics(true) }.use { reactor ->
            val loop = reactor.loopDispatchers[0]
            fun armed() = reactor.group.snapshot().total().pendingTimers()
            runBlocking {
                for (where in listOf(loop, Dispatchers.Default)) {
                    withContext(where) {
                        repeat(20) {
                            launch(loop) {
                                cancel()
                                delay(3_600_000) // it has been cancelled before
                            }
                            launch(loop) { delay(3_600_000) }.let { yield(); it.cancel() }
                            launch(loop) { withTimeout(3_600_000) { yield() } }
                            launch(loop) {
                                cancel()
                                withTimeout(3_600_000) { delay(3_600_000) }
                            }
                        }
                    }
                }
                soon { armed() shouldBe 0 }
            }
        }
    }

    test("a timeout on a loop that closes ends, and one on a loop that is closed does not wait").config(enabled = hasTimers) {
        val reactor = Reactor(1) { daemon(true) }
        runBlocking {
            supervisorScope {
                val begun = CompletableDeferred<Unit>()
                val waiting = async(reactor.loopDispatchers[0]) {
                    withContext(NonCancellable) {
                        runCatching { withTimeout(3_600_000) { begun.complete(Unit); awaitCancellation() } }
                        runCatching { withTimeout(3_600_000) { awaitCancellation() } }
                    }
                }
                begun.await()
                withContext(Dispatchers.IO) { reactor.close() }
                waiting.join()
            }
        }
    }
})

/** Has Netpark's adapter and kotlinx.coroutines once more, but for one class. */
private class Without(private val missing: String) : ClassLoader(LoopDispatcher::class.java.classLoader) {
    override fun loadClass(name: String, resolve: Boolean): Class<*> {
        if (name == missing) throw ClassNotFoundException(name)
        if (!name.startsWith("io.netpark.coroutines.") && !name.startsWith("kotlinx.coroutines.")) return super.loadClass(name, resolve)
        return findLoadedClass(name) ?: parent.getResourceAsStream(name.replace('.', '/') + ".class")!!.use {
            val bytes = it.readAllBytes()
            defineClass(name, bytes, 0, bytes.size)
        }
    }
}
