package io.netpark.core.net.streams

import io.kotest.matchers.longs.shouldBeGreaterThan
import io.kotest.matchers.shouldBe
import io.netpark.core.fd.Direction
import io.netpark.core.testing.BlockingConnection
import io.netpark.core.testing.BlockingListener
import io.netpark.core.testing.FaultyLibC
import io.netpark.core.testing.Flavour
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.TestReactor
import io.netpark.core.testing.async
import io.netpark.core.testing.result
import java.nio.ByteBuffer
import java.util.Random
import java.util.concurrent.CompletableFuture
import java.util.concurrent.atomic.AtomicInteger

/** An echo server as callbacks: no thread of its own, everything runs on the loops. Reports its first failure. */
private class CallbackEcho(private val listener: BlockingListener) {
    val served = AtomicInteger()
    val failed = CompletableFuture<Throwable>()

    fun start() = guarded { accepted(listener.listener.startAccept()) }

    private fun accepted(first: ConnectionDescriptor?) {
        var connection = first
        while (true) {
            if (connection == null) {
                if (listener.listener.park(Direction.READ) { guarded { accepted(listener.listener.retryAccept()) } }) return
                connection = listener.listener.retryAccept()
            } else {
                served.incrementAndGet()
                Echo(connection).run()
                connection = listener.listener.startAccept()
            }
        }
    }

    private fun guarded(body: () -> Unit) = try {
        body()
    } catch (failure: Throwable) {
        if (!listener.listener.isClosed) failed.complete(failure)
        Unit
    }

    /** Reads what comes and writes it back, until the end of the stream. */
    private inner class Echo(private val connection: ConnectionDescriptor) {
        private val buffer = ByteBuffer.allocateDirect(1000)
        private var reading = true
        private var parked = false

        fun run() = guarded {
            while (true) {
                val outcome = step()
                parked = outcome == ConnectionDescriptor.PARK
                if (parked) {
                    val direction = if (reading) Direction.READ else Direction.WRITE
                    if (connection.park(direction, ::run)) return@guarded
                } else if (reading) {
                    if (outcome == ConnectionDescriptor.END_OF_STREAM) {
                        connection.close()
                        return@guarded
                    }
                    reading = false
                    buffer.flip()
                } else {
                    reading = true
                    buffer.clear()
                }
            }
        }

        private fun step(): Int = when {
            reading && parked -> connection.retryRead(buffer)
            reading -> connection.startRead(buffer)
            parked -> connection.retryWrite(buffer)
            else -> connection.startWrite(buffer)
        }
    }
}

class EchoSpec : NetparkSpec(body = {
    fun exchange(client: BlockingConnection, random: Random, bytes: Int) {
        val message = ByteArray(bytes).also(random::nextBytes)
        val writer = async {
            if (random.nextBoolean()) client.write(message)
            else client.write(Array(bytes / 100 + 1) { i -> ByteBuffer.wrap(message, i * 100, minOf(100, bytes - i * 100)) })
        }
        val target = if (random.nextBoolean()) ByteBuffer.allocateDirect(bytes) else ByteBuffer.allocate(bytes)
        client.readFully(target) shouldBe ByteBuffer.wrap(message)
        writer.result()
    }

    for (flavour in Flavour.all) {
        test("$flavour: 1000 connections at a time are all echoed") {
            TestReactor(flavour, loops = 2).use { reactor ->
                reactor.listen().use { listener ->
                    val echo = CallbackEcho(listener).apply { start() }
                    val clients = List(1000) { reactor.connect(listener.address) }
                    repeat(3) { round ->
                        clients.forEachIndexed { i, client -> client.write("$round of $i".padEnd(20)) }
                        clients.forEachIndexed { i, client -> client.readText(20).trim() shouldBe "$round of $i" }
                    }
                    clients.forEach { it.connection.shutdownOutput() }
                    clients.forEach { it.readIsAtEnd() shouldBe true }
                    clients.forEach { it.close() }
                    echo.served.get() shouldBe 1000
                    echo.failed.isDone shouldBe false
                }
            }
        }

        test("$flavour: an echo survives any legal misbehaviour of the C library") {
            for (script in 0 until 8) {
                val faulty = FaultyLibC(flavour.libc, probability = listOf(0.05, 0.2, 0.5)[script % 3])
                val reactor = TestReactor(faulty, flavour.poller.factory, loops = 2)
                try {
                    reactor.listen().use { listener ->
                        val echo = CallbackEcho(listener).apply { start() }
                        val clients = List(4) { i ->
                            async {
                                val random = Random(faulty.seed + i)
                                repeat(2) {
                                    reactor.connect(listener.address).use { client ->
                                        repeat(5) { exchange(client, random, 1 + random.nextInt(50_000)) }
                                        client.connection.shutdownOutput()
                                        client.readIsAtEnd() shouldBe true
                                    }
                                }
                            }
                        }
                        clients.forEach { it.result() }
                        echo.failed.getNow(null)?.let { throw it }
                    }
                    faulty.faults shouldBeGreaterThan 0
                    reactor.group.close() // an accept may be failing still
                    reactor.reporter.drain().forEach { it.what.startsWith("Accepting on") shouldBe true }
                } catch (failure: Throwable) {
                    throw AssertionError("$faulty: $failure", failure)
                } finally {
                    reactor.close()
                }
            }
        }
    }
})
