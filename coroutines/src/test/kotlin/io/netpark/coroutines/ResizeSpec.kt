package io.netpark.coroutines

import io.kotest.matchers.shouldBe
import io.netpark.core.loop.Balancing
import io.netpark.core.loop.EventLoop
import io.netpark.core.sys.UnixAddress
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.loopback
import io.netpark.coroutines.handover.detach
import java.util.concurrent.atomic.AtomicReference
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.seconds
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.delay
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout

/** A reactor whose number of loops changes. */
class ResizeSpec : NetparkSpec(body = {
    suspend fun soon(condition: () -> Boolean) = withTimeout(20.seconds) {
        while (!condition()) delay(1.milliseconds)
    }

    test("a reactor and its servers forget loops that have ended, when they come to know others") {
        onReactor { reactor, _ ->
            onReactor { elsewhere, _ ->
                reactor.listen(loopback("127.0.0.1")).use { listener ->
                    val serving = launch { listener.serve { it.readToEnd() } }
                    soon { listener.servings.isNotEmpty() }
                    val known = listener.servings.single().loops
                    repeat(5) {
                        reactor.group.resize(2)
                        val loops = reactor.group.loops()
                        val clients = mutableListOf<Connection>()
                        while (!known.containsAll(loops)) clients += elsewhere.dial(listener.localAddress)
                        soon { known.toSet() == loops.toSet() }
                        soon { reactor.dispatchers.keys.toSet() == loops.toSet() }
                        clients.forEach { it.close() }
                        reactor.group.resize(1)
                        soon { loops[1].isTerminated }
                    }
                    serving.cancelAndJoin()
                }
            }
        }
    }

    /** What a balancing chooses may retire before there is anything on it. */
    test("what is given a loop that has retired meanwhile goes to another") {
        val late = AtomicReference<EventLoop>()
        val balancing = Balancing { loops, _ -> late.getAndSet(null) ?: loops.first() }
        Reactor(2) { balancing(balancing).daemon(true) }.use { reactor ->
            val (first, retired) = reactor.group.loops()
            reactor.group.resize(1)
            runBlocking {
                soon { retired.isTerminated }
                reactor.withPair { client, server ->
                    val detached = server.detach()
                    late.set(retired)
                    reactor.adopt(detached).use { adopted ->
                        late.get() shouldBe null
                        adopted.loop shouldBe first
                        client.write("hello")
                        adopted.readText(5) shouldBe "hello"
                    }
                }
                late.set(retired)
                reactor.bindDatagrams(loopback("127.0.0.1")).use { bound ->
                    late.set(retired)
                    reactor.dialDatagrams(bound.localAddress).close()
                }
                val packets = UnixAddress.abstractName("netpark-resize-${System.nanoTime()}")
                reactor.listenPackets(packets).use {
                    late.set(retired)
                    reactor.dialPackets(packets).close()
                }
                late.get() shouldBe null
            }
        }
    }
})
