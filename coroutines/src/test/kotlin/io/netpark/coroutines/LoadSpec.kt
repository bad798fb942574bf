package io.netpark.coroutines

import io.kotest.matchers.shouldBe
import io.netpark.core.testing.Bindings
import io.netpark.core.testing.FaultyLibC
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.openDescriptors
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.launch
import kotlinx.coroutines.withContext
import kotlinx.coroutines.withTimeout
import java.nio.ByteBuffer
import kotlin.random.Random
import kotlin.time.Duration.Companion.seconds

class LoadSpec : NetparkSpec(body = {
    for (libc in Bindings.all) {
        test("${libc.binding()}: 1 000 concurrent connections are echoed without a wrong byte") {
            onReactor(libc, loops = 2) { reactor, _ ->
                reactor.listen("127.0.0.1", 0).use { listener ->
                    val serving = launch { listener.serve { echo(it) } }
                    coroutineScope {
                        repeat(1_000) { id ->
                            launch(reactor.loopDispatchers[id % 2]) {
                                reactor.dial(listener.localAddress).use { client ->
                                    repeat(10) { round ->
                                        val message = pattern(512, id * 10 + round)
                                        client.write(message)
                                        client.readFully(512) shouldBe message
                                    }
                                }
                            }
                        }
                    }
                    serving.cancelAndJoin()
                }
            }
        }
    }

    test("50 000 connections opened and closed one after another leave no descriptor behind") {
        onReactor { reactor, _ ->
            reactor.listen("127.0.0.1", 0).use { listener ->
                val before = openDescriptors()
                val serving = launch {
                    listener.serve { connection ->
                        connection.read(ByteArray(1))
                        connection.reset() // no TIME_WAIT: the port range is smaller than the test
                    }
                }
                withContext(reactor.loopDispatchers[0]) {
                    val byte = ByteArray(1)
                    repeat(50_000) {
                        reactor.dial(listener.localAddress).use { client ->
                            client.write(byte)
                            runCatching { client.read(byte) }
                        }
                    }
                }
                serving.cancelAndJoin()
                openDescriptors() shouldBe before - 1 // the listener's
            }
        }
    }

    test("echo survives thousands of random faults, byte for byte") {
        val seed = System.nanoTime()
        println("fault seed: $seed")
        val random = Random(seed)
        var faults = 0L
        var scripts = 0
        val end = System.nanoTime() + 60.seconds.inWholeNanoseconds
        while (scripts < 3_000 && System.nanoTime() < end) {
            val faulty = FaultyLibC(Bindings.all[scripts % Bindings.all.size], random.nextLong(), random.nextDouble(0.05, 0.4))
            val reporter = io.netpark.core.testing.RecordingReporter() // running out of descriptors is reported
            Reactor(1) { libc(faulty).daemon(true).reporter(reporter) }.use { reactor ->
                kotlinx.coroutines.runBlocking { withTimeout(30.seconds) { exchange(reactor, random) } }
            }
            faults += faulty.faults
            scripts++
        }
        println("$faults faults in $scripts scripts")
        check(faults > 1_000)
    }
})

/** A few connections, each with requests of random sizes and kinds, every byte checked. */
private suspend fun exchange(reactor: Reactor, random: Random) = coroutineScope {
    reactor.listen("127.0.0.1", 0).use { listener ->
        val serving = launch { listener.serve { echo(it) } }
        coroutineScope {
            repeat(3) {
                val seed = random.nextInt()
                launch(reactor.loopDispatchers[0]) {
                    val choices = Random(seed)
                    reactor.dial(listener.localAddress).use { client ->
                        repeat(5) {
                            val message = pattern(choices.nextInt(1, 20_000), choices.nextInt())
                            launch {
                                when (choices.nextInt(3)) {
                                    0 -> client.write(message)
                                    1 -> client.write(ByteBuffer.allocateDirect(message.size).put(message).flip())
                                    else -> message.size.div(2).let { half ->
                                        client.write(arrayOf(ByteBuffer.wrap(message, 0, half), ByteBuffer.wrap(message, half, message.size - half)))
                                    }
                                }
                            }
                            client.readFully(message.size) shouldBe message
                        }
                        client.shutdownOutput()
                        client.readToEnd().size shouldBe 0
                    }
                }
            }
        }
        serving.cancelAndJoin()
    }
}
