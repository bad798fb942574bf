package io.netpark.coroutines

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.longs.shouldBeGreaterThan
import io.kotest.matchers.shouldBe
import io.netpark.core.net.zerocopy.ZeroCopy
import io.netpark.core.sys.NetparkException
import io.netpark.core.testing.Flavour
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.loopback
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.async
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.channels.Channel
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.delay
import kotlinx.coroutines.launch
import kotlinx.coroutines.yield
import java.nio.ByteBuffer
import java.util.concurrent.atomic.AtomicInteger
import kotlin.time.Duration.Companion.INFINITE
import kotlin.time.Duration.Companion.milliseconds

/** More than any kernel buffers. */
private const val LARGE = 20_000_000

/** Never gives up: on the loopback device everything is copied in the end. */
private val ALWAYS = ZeroCopy.from(4096).withPatience(Int.MAX_VALUE)

private fun direct(bytes: ByteArray): ByteBuffer = ByteBuffer.allocateDirect(bytes.size).put(bytes).flip()

class ZeroCopySpec : NetparkSpec(body = {
    for (flavour in Flavour.all) {
        context("$flavour") {
            suspend fun pair(name: String, body: suspend (client: Connection, server: Connection) -> Unit) = test(name) {
                onReactor(flavour) { reactor ->
                    reactor.withPair { client, server ->
                        client.setZeroCopy(ALWAYS)
                        body(client, server)
                    }
                }
            }

            pair("a linked buffer is told free when the peer has it, and only then may be filled anew") { client, server ->
                val size = 300_000
                val rounds = 40
                val free = Channel<ByteBuffer>(3)
                repeat(3) { free.send(ByteBuffer.allocateDirect(size)) }
                coroutineScope {
                    val received = async {
                        repeat(rounds) { round ->
                            if (round % 10 == 0) delay(20)
                            server.readFully(4)
                            server.readFully(size).contentEquals(pattern(size, round)) shouldBe true
                        }
                    }
                    repeat(rounds) { round ->
                        val buffer = free.receive()
                        client.writer.putInt(size)
                        client.writer.link(buffer.clear().put(pattern(size, round)).flip()) { free.trySend(buffer) }
                        client.writer.flush()
                    }
                    received.await()
                    repeat(3) { free.receive() }
                }
            }

            pair("pooled segments go out so, before and after what is copied") { client, server ->
                coroutineScope {
                    val received = async { server.readFully(LARGE + 8) }
                    client.write("head")
                    client.writer.put(pattern(LARGE))
                    client.writer.flush()
                    client.write("tail")
                    received.await().contentEquals("head".toByteArray() + pattern(LARGE) + "tail".toByteArray()) shouldBe true
                }
                client.zeroCopyCount.sends() shouldBeGreaterThan 0
                soon { client.zeroCopyCount.onLoan() shouldBe 0 }
            }

            pair("a flush that is cancelled goes on where it was, and tells of the buffer once") { client, server ->
                val told = AtomicInteger()
                client.writer.link(direct(pattern(LARGE))) { told.incrementAndGet() }
                coroutineScope {
                    val flushing = launch { client.writer.flush() }
                    soon { check(client.zeroCopyCount.sends() > 0) }
                    flushing.cancelAndJoin()
                }
                client.writeTimeout = 30.milliseconds
                shouldThrow<NetparkException.TimedOut> { client.writer.flush() }
                client.writeTimeout = INFINITE
                told.get() shouldBe 0
                coroutineScope {
                    val received = async { server.readFully(LARGE) }
                    client.writer.flush()
                    received.await().contentEquals(pattern(LARGE)) shouldBe true
                }
                soon { told.get() shouldBe 1 }
            }

            pair("closing, with a peer that reads on or that resets, tells of the buffer when the kernel is done with it") { client, server ->
                val free = CompletableDeferred<Unit>()
                client.writer.link(direct(pattern(1_000_000))) { free.complete(Unit) }
                coroutineScope {
                    val received = async { server.readToEnd() }
                    client.writer.flush()
                    client.close()
                    received.await().contentEquals(pattern(1_000_000)) shouldBe true
                }
                free.await()
            }

            pair("a peer that resets fails the flush, and the buffer is free") { client, server ->
                val free = CompletableDeferred<Unit>()
                client.writer.link(direct(pattern(LARGE))) { free.complete(Unit) }
                coroutineScope {
                    val flushing = async { runCatching { client.writer.flush() } }
                    soon { check(client.zeroCopyCount.sends() > 0) }
                    yield()
                    server.reset()
                    shouldThrow<NetparkException.Reset> { flushing.await().getOrThrow() }
                }
                client.close()
                shouldThrow<NetparkException.Closed> { client.writer.flush() }
                free.await()
            }

            test("handlers on their own loop send so, with others beside them, and leave nothing behind when they are cancelled") {
                onReactor(flavour, loops = 2) { reactor ->
                    reactor.listen(loopback()).use { listener ->
                        val started = AtomicInteger()
                        val serving = launch {
                            listener.serve { connection ->
                                connection.setZeroCopy(ALWAYS)
                                started.incrementAndGet()
                                connection.writer.put(pattern(LARGE))
                                connection.writer.flush()
                            }
                        }
                        coroutineScope {
                            repeat(3) {
                                launch {
                                    reactor.dial(listener.localAddress).use {
                                        it.readToEnd().contentEquals(pattern(LARGE)) shouldBe true
                                    }
                                }
                            }
                        }
                        reactor.dial(listener.localAddress).use {
                            soon { started.get() shouldBe 4 }
                            it.readFully(100_000)
                            serving.cancelAndJoin()
                        }
                    }
                }
            }
        }
    }
})
