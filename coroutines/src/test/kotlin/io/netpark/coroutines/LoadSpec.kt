package io.netpark.coroutines

import io.kotest.matchers.shouldBe
import io.netpark.core.testing.Bindings
import io.netpark.core.testing.FaultyLibC
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.openDescriptors
import io.netpark.core.testing.tls.Wire
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.launch
import kotlinx.coroutines.withContext
import kotlinx.coroutines.withTimeout
import java.nio.ByteBuffer
import kotlin.random.Random
import kotlin.time.Duration.Companion.seconds

class LoadSpec : NetparkSpec(body = {
    val isPlain = Wire.ofThisRun == Wire.PLAIN // otherwise a handshake costs a millisecond
    val atATime = if (isPlain) 1_000 else 300
    for (libc in if (isPlain) Bindings.all else listOf(Bindings.best)) {
        test("${libc.binding()}: $atATime concurrent connections are echoed without a wrong byte") {
            onReactor(libc, loops = 2) { reactor, _ ->
                reactor.listenOver("127.0.0.1", 0).use { listener ->
                    val serving = launch { listener.serve { echo(it) } }
                    coroutineScope {
                        repeat(atATime) { id ->
                            launch(reactor.loopDispatchers[id % 2]) {
                                reactor.dialOver(listener.localAddress).use { client ->
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

    val many = if (isPlain) 50_000 else 500
    test("$many connections opened and closed one after another leave no descriptor behind") {
        onReactor { reactor, _ ->
            reactor.listenOver("127.0.0.1", 0).use { listener ->
                val before = openDescriptors()
                val serving = launch {
                    listener.serve { connection ->
                        connection.read(ByteArray(1))
                        connection.reset() // no TIME_WAIT: the port range is smaller than the test
                    }
                }
                withContext(reactor.loopDispatchers[0]) {
                    val byte = ByteArray(1)
                    repeat(many) {
                        reactor.dialOver(listener.localAddress).use { client ->
                            client.write(byte)
                            runCatching { client.read(byte) }
                        }
                    }
                }
                serving.cancelAndJoin()
                soon { openDescriptors() shouldBe before - 1 } // the listener's
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
        while (scripts < (if (isPlain) 3_000 else 50) && System.nanoTime() < end) {
            val faulty = FaultyLibC(Bindings.all[scripts % Bindings.all.size], random.nextLong(), random.nextDouble(0.05, 0.4))
            val reporter = io.netpark.core.testing.RecordingReporter() // running out of descriptors is reported
            Reactor(1) { libc(faulty).daemon(true).reporter(reporter).reportLimit(Int.MAX_VALUE) }.use { reactor ->
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
    reactor.listenOver("127.0.0.1", 0).use { listener ->
        val serving = launch { listener.serve { echo(it) } }
        coroutineScope {
            repeat(3) {
                val seed = random.nextInt()
                launch(reactor.loopDispatchers[0]) {
                    val choices = Random(seed)
                    reactor.dialOver(listener.localAddress).use { client ->
                        repeat(5) {
                            val message = pattern(choices.nextInt(1, 20_000), choices.nextInt())
                            val writing = launch {
                                when (choices.nextInt(3)) {
                                    0 -> client.write(message)
                                    1 -> client.write(ByteBuffer.allocateDirect(message.size).put(message).flip())
                                    else -> message.size.div(2).let { half ->
                                        client.write(arrayOf(ByteBuffer.wrap(message, 0, half), ByteBuffer.wrap(message, half, message.size - half)))
                                    }
                                }
                            }
                            client.readFully(message.size) shouldBe message
                            writing.join()
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
