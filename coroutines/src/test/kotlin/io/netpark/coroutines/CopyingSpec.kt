package io.netpark.coroutines

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.booleans.shouldBeTrue
import io.kotest.matchers.ints.shouldBeLessThanOrEqual
import io.kotest.matchers.longs.shouldBeGreaterThan
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.kotest.matchers.types.shouldBeInstanceOf
import io.netpark.core.linux.Linux
import io.netpark.core.sys.Errno
import io.netpark.core.sys.LibC
import io.netpark.core.sys.NetparkException
import io.netpark.core.testing.Bindings
import io.netpark.core.testing.CallCounter
import io.netpark.core.testing.FaultyLibC
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.SOON
import io.netpark.core.testing.eventually
import io.netpark.core.testing.loopback
import io.netpark.core.testing.tls.Wire
import io.netpark.core.testing.openDescriptorTargets
import io.netpark.coroutines.transfer.Relayed
import io.netpark.coroutines.transfer.copyTo
import io.netpark.coroutines.transfer.relay
import java.nio.ByteBuffer
import java.util.Random
import java.util.concurrent.ConcurrentLinkedQueue
import java.util.concurrent.atomic.AtomicBoolean
import kotlin.coroutines.CoroutineContext
import kotlin.coroutines.EmptyCoroutineContext
import kotlin.time.Duration.Companion.milliseconds
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.launch
import kotlinx.coroutines.withContext
import kotlinx.coroutines.withTimeout
import kotlinx.coroutines.withTimeoutOrNull

private const val LENGTH = 4_000_000

private fun pipes(): Set<String> = openDescriptorTargets().filter { "pipe:" in it }.toSet()

private suspend fun Connection.writeInPieces(bytes: ByteArray, random: Random) {
    var at = 0
    while (at < bytes.size) {
        val length = minOf(bytes.size - at, 1 + random.nextInt(if (random.nextInt(4) == 0) 300_000 else 2000))
        write(ByteBuffer.wrap(bytes, at, length))
        at += length
    }
}

/** A proxy's handler between two connected ends: `client - (server, upstream) - service`. */
private suspend fun Reactor.between(
    body: suspend (client: Connection, server: Connection, upstream: Connection, service: Connection) -> Unit,
) = withPair { client, server -> withPair { upstream, service -> body(client, server, upstream, service) } }

/** Writes until nothing moves any more between here and [target], which is copied to. */
private suspend fun Connection.fillUpTo(target: Connection) {
    val chunk = ByteBuffer.allocateDirect(64 * 1024)
    repeat(200) {
        while (withTimeoutOrNull(300) { write(chunk.clear()) } != null) continue
        if (target.core.parked() != 0) return
    }
    error("nobody waits for room in $target")
}

class CopyingSpec : NetparkSpec(body = {

    /** Both ways at once, half-closed by one side first, then the other. */
    suspend fun exchange(
        reactor: Reactor,
        seed: Long,
        length: Int = LENGTH,
        context: CoroutineContext = Dispatchers.Default,
    ) = reactor.between { client, server, upstream, service ->
        val request = ByteArray(length).also { Random(seed).nextBytes(it) }
        val answer = ByteArray(length / 2).also { Random(seed + 1).nextBytes(it) }
        coroutineScope {
            val relay = async(context) { relay(server, upstream) }
            launch {
                client.writeInPieces(request, Random(seed))
                client.shutdownOutput()
            }
            launch { // only when the request has ended: the other direction goes on then
                service.readToEnd().contentEquals(request).shouldBeTrue()
                service.writeInPieces(answer, Random(seed))
                service.shutdownOutput()
            }
            client.readToEnd().contentEquals(answer).shouldBeTrue()
            val relayed = relay.await()
            relayed.toOther shouldBe length.toLong()
            relayed.fromOther shouldBe length / 2L
        }
    }

    for (flavour in allAndOrdered) {
        if (flavour.wire.halfCloses) test("$flavour: a relay carries both streams and both of their ends") {
            if (flavour.isOrdered) {
                var splices = 0
                inOrders(loops = 2, counted = { splices += it.counts()["splice"] ?: 0 }) { reactor, _ ->
                    // A schedule does not wait for a thread that does not take part and is held up before its first call.
                    exchange(reactor.over(flavour.wire), 1, 200_000, EmptyCoroutineContext)
                }
                if (flavour.wire == Wire.PLAIN) (splices > 0).shouldBeTrue()
            } else {
                onReactor(flavour, loops = 2) { exchange(it, 1) }
            }
        }

        if (!flavour.isOrdered) test("$flavour: a relay survives any legal misbehaviour of the C library") {
            val faulty = FaultyLibC(flavour.libc)
            onReactor(faulty, flavour.poller.factory, loops = 2) { reactor, reporter ->
                exchange(reactor, faulty.seed, 500_000)
                reporter.drain().forEach { it.what.startsWith("Accepting on") shouldBe true }
            }
        }

        test("$flavour: what the reader has read and the writer holds goes first") {
            onReactor(flavour) { reactor ->
                reactor.between { client, server, upstream, service ->
                    client.write("HELLO 5\nworld and more")
                    server.reader.awaitLine() shouldBe "HELLO 5"
                    server.reader.await(5)
                    upstream.writer.putString("<")
                    server.copyTo(upstream, 5) shouldBe 5
                    service.readText(6) shouldBe "<world"
                    client.shutdownOutput()
                    server.copyTo(upstream) shouldBe 9
                    service.readText(9) shouldBe " and more"
                    server.copyTo(upstream) shouldBe 0
                }
            }
        }

        test("$flavour: cancelled while it waits for bytes, it has lost none, and both connections can be used at once") {
            onReactor(flavour, loops = 2) { reactor ->
                reactor.between { client, server, upstream, service ->
                    repeat(20) { round ->
                        val copy = launchCopy(this@onReactor, server, upstream)
                        client.write("a$round")
                        service.readText("a$round".length) shouldBe "a$round"
                        copy.cancelAndJoin()
                        client.write("b$round")
                        server.readText("b$round".length) shouldBe "b$round"
                        upstream.write("c$round")
                        service.readText("c$round".length) shouldBe "c$round"
                    }
                    withTimeoutOrNull(20) { relay(server, upstream) } shouldBe null
                    client.write("on")
                    server.readText(2) shouldBe "on"
                }
            }
        }

        // Over TLS it may be that all which was read is in records already: then it is not in the midst.
        if (flavour.wire == Wire.PLAIN) test("$flavour: cancelled in the midst of bytes, it breaks the output of the target and says so") {
            onReactor(flavour, loops = 2) { reactor ->
                reactor.between { client, server, upstream, _ ->
                    val copy = launchCopy(this@onReactor, server, upstream)
                    client.fillUpTo(upstream)
                    copy.cancelAndJoin()
                    shouldThrow<NetparkException.Closed> { upstream.write("more") }.message!! shouldContain "in the midst"
                    server.read(ByteArray(1)) shouldBe 1 // what has not been taken is still there
                }
            }
        }

        test("$flavour: a target that is closed or busy takes nothing, and what was read ahead is there for the next") {
            onReactor(flavour, loops = 2) { reactor ->
                reactor.between { client, server, upstream, service ->
                    client.write("line\nread ahead")
                    server.reader.awaitLine() shouldBe "line"
                    server.reader.await(10)
                    reactor.between { _, _, closed, _ ->
                        closed.close()
                        shouldThrow<NetparkException.Closed> { server.copyTo(closed) }
                        shouldThrow<NetparkException.Closed> { relay(server, closed) }
                    }
                    coroutineScope {
                        val busy = launch(start = CoroutineStart.UNDISPATCHED) { upstream.write(ByteBuffer.allocate(50_000_000)) }
                        shouldThrow<IllegalStateException> { server.copyTo(upstream) }
                        busy.cancelAndJoin()
                    }
                    server.read(ByteArray(5), 0, 5) shouldBe 5 // by read as well
                    client.shutdownOutput()
                    reactor.between { _, _, next, other ->
                        server.copyTo(next) shouldBe 5
                        other.readText(5) shouldBe "ahead"
                    }
                    service.close()
                }
            }
        }

        test("$flavour: a download that the server breaks off does not look whole") {
            onReactor(flavour, loops = 2) { reactor ->
                for (relayed in listOf(true, false)) {
                    reactor.between { client, server, upstream, service ->
                        coroutineScope {
                            launch {
                                shouldThrow<NetparkException.Reset> { if (relayed) relay(server, upstream) else upstream.copyTo(server) }
                                server.close()
                                upstream.close()
                            }
                            service.write("a part of it")
                            client.readText(12) shouldBe "a part of it"
                            service.reset()
                            shouldThrow<NetparkException.Reset> { client.read(ByteArray(1)) }
                        }
                    }
                }
            }
        }

        test("$flavour: a failure of one direction ends both, and no connection is in use afterwards") {
            onReactor(flavour, loops = 2) { reactor ->
                reactor.between { client, server, upstream, service ->
                    coroutineScope {
                        val relay = async { runCatching { relay(server, upstream) } }
                        client.write("hello")
                        withTimeout(SOON) { service.readText(5) } shouldBe "hello"
                        service.reset()
                        relay.await().exceptionOrNull()!!::class shouldBe NetparkException.Reset::class
                    }
                    client.write("after")
                    server.readText(5) shouldBe "after" // the other connection is the caller's still
                }
            }
        }

        test("$flavour: a source that is closed or reset ends a copy, or a relay, that waits for room in the target") {
            onReactor(flavour, loops = 2) { reactor ->
                for (reset in listOf(false, true)) for (both in listOf(false, true)) {
                    reactor.between { client, server, upstream, _ ->
                        coroutineScope {
                            val copy = async { runCatching { if (both) relay(server, upstream) else server.copyTo(upstream) } }
                            client.fillUpTo(upstream)
                            if (reset) client.reset() else server.close()
                            val failure = copy.await().exceptionOrNull().shouldBeInstanceOf<NetparkException>()
                            (failure is NetparkException.Reset) shouldBe reset
                            failure.message!! shouldContain "read from"
                        }
                    }
                }
            }
        }

        test("$flavour: deadlines hold") {
            onReactor(flavour) { reactor ->
                reactor.between { _, server, upstream, _ ->
                    server.readTimeout = 30.milliseconds
                    shouldThrow<NetparkException.TimedOut> { server.copyTo(upstream) }
                    upstream.readTimeout = 30.milliseconds
                    shouldThrow<NetparkException.TimedOut> { relay(server, upstream) }
                }
            }
        }

        if (!flavour.isOrdered) test("$flavour: relays that are idle hold no pipes, whatever they have carried before") {
            val before = pipes()
            onReactor(flavour) { reactor ->
                val bytes = ByteArray(400_000).also { Random(5).nextBytes(it) }
                val service = reactor.listenOver(loopback())
                val proxy = reactor.listenOver(loopback())
                val serving = launch { service.serve { echo(it) } }
                val proxying = launch {
                    proxy.serve { client -> reactor.dialOver(service.localAddress).use { relay(client, it) } }
                }
                val clients = ConcurrentLinkedQueue<Connection>()
                repeat(50) {
                    val client = reactor.dialOver(proxy.localAddress).also(clients::add)
                    coroutineScope {
                        launch { client.write(ByteBuffer.wrap(bytes)) }
                        client.readFully(bytes.size).contentEquals(bytes).shouldBeTrue()
                    }
                }
                soon { (pipes() - before).size shouldBeLessThanOrEqual 2 * 4 } // what a loop keeps for later
                clients.forEach {
                    it.shutdownOutput()
                    it.readToEnd().size shouldBe 0
                    it.close()
                }
                proxying.cancelAndJoin()
                serving.cancelAndJoin()
            }
            eventually { pipes() - before shouldBe emptySet() }
        }
    }

    for ((trouble, answer) in listOf<Pair<String, () -> Int>>(
        "there is no memory" to { throw OutOfMemoryError("as wished") },
        "the kernel refuses" to { -Errno.ENOPROTOOPT },
    )) plainTest("a source that is reset ends a copy that waits for room, also if it cannot be asked why at first: $trouble") {
        val next = AtomicBoolean()
        val libc = object : LibC by Bindings.best {
            override fun getsockopt(fd: Int, level: Int, name: Int, value: Long, lengthAddress: Long): Int =
                if (level == Linux.SOL_SOCKET && name == Linux.SO_ERROR && next.compareAndSet(true, false)) answer()
                else Bindings.best.getsockopt(fd, level, name, value, lengthAddress)
        }
        onReactor(libc) { reactor, _ ->
            reactor.between { client, server, upstream, _ ->
                val copy = async { runCatching { server.copyTo(upstream) } }
                repeat(2) { // a loop that was held up has its turn in between, and goes on with what there is room for
                    client.fillUpTo(upstream)
                    withContext(reactor.loopDispatchers.single()) {}
                }
                next.set(true)
                client.reset()
                withTimeout(SOON) { copy.await() }.exceptionOrNull().shouldBeInstanceOf<NetparkException.Reset>()
                next.get() shouldBe false
            }
        }
    }

    test("two copies in opposite directions have nothing to do with each other's ends, nor has one that is refused") {
        onReactor { reactor, _ ->
            reactor.between { client, server, upstream, service ->
                val there = launchCopy(this@onReactor, server, upstream)
                val back = async { runCatching { upstream.copyTo(server) } }
                service.fillUpTo(server)
                shouldThrow<IllegalStateException> { upstream.copyTo(server) }
                client.shutdownOutput()
                there.join()
                upstream.close() // what its reader holds is still in the hands of the other copy
                // That ends, though it waits for room, and puts bytes back there: which is reported if that fails.
                back.await().exceptionOrNull().shouldBeInstanceOf<NetparkException.Closed>().message!! shouldContain "read from"
            }
        }
    }

    test("counts of none and of less, and a target that is closed") {
        onReactor { reactor, _ ->
            reactor.between { client, server, upstream, _ ->
                withTimeoutOrNull(1) { server.copyTo(upstream) }
                client.write("x")
                withTimeout(5000) { server.copyTo(upstream, 1) } shouldBe 1
                shouldThrow<IllegalArgumentException> { server.copyTo(upstream, -1) }
                server.copyTo(upstream, 0) shouldBe 0
                upstream.close()
                shouldThrow<NetparkException.Closed> { client.write("y"); server.copyTo(upstream) }
            }
        }
    }

    test("bytes are counted while they move") {
        val calls = CallCounter(Bindings.best)
        onReactor(calls.libc) { reactor, _ ->
            reactor.between { client, server, upstream, service ->
                val relayed = Relayed()
                coroutineScope {
                    val relay = launch { relay(server, upstream, relayed) }
                    client.write("12345")
                    service.readText(5)
                    service.write("123")
                    client.readText(3)
                    soon { relayed.toString() shouldBe "5 bytes there, 3 bytes back" }
                    relay.cancel()
                }
                calls["splice"] shouldBe 0
                calls["send"] shouldBeGreaterThan 0
            }
        }
    }
})

private fun launchCopy(scope: kotlinx.coroutines.CoroutineScope, source: Connection, target: Connection) =
    scope.launch(start = CoroutineStart.UNDISPATCHED) { source.copyTo(target) }
