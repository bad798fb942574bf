package io.netpark.coroutines

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.assertions.withClue
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.netpark.core.fd.Direction
import io.netpark.core.sys.NetparkException
import io.netpark.core.sys.OpenDescriptor
import io.netpark.core.testing.Flavour
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.SOON
import io.netpark.core.testing.tls.Wire
import io.netpark.coroutines.handover.detach
import io.netpark.coroutines.handover.writeDescriptors
import io.netpark.coroutines.parking.OPERATIONS_WITHOUT_YIELDING
import io.netpark.coroutines.transfer.sendFile
import java.nio.ByteBuffer
import java.nio.file.Files
import java.nio.file.Path
import java.util.concurrent.CancellationException
import java.util.concurrent.CountDownLatch
import java.util.concurrent.TimeUnit
import kotlin.random.Random
import kotlin.time.Duration
import kotlin.time.Duration.Companion.milliseconds
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.Job
import kotlinx.coroutines.async
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.currentCoroutineContext
import kotlinx.coroutines.joinAll
import kotlinx.coroutines.launch
import kotlinx.coroutines.supervisorScope
import kotlinx.coroutines.withContext
import kotlinx.coroutines.withTimeout

/** Frames, and all other ways of writing to the same connection. */
class FrameTurnsSpec : NetparkSpec(body = {
    val file: Path = Files.createTempFile("netpark", null)
    val much = 3_000_000
    val long: Path = Files.createTempFile("netpark", null)
    beforeSpec {
        Files.write(file, ByteArray(1000) { 'f'.code.toByte() })
        Files.write(long, ByteArray(much) { 'c'.code.toByte() })
    }
    afterSpec {
        Files.delete(file)
        Files.delete(long)
    }

    fun bytes(text: String): ByteBuffer = ByteBuffer.wrap(text.toByteArray())

    /** Each writes 1000 bytes of its letter. */
    val ways = mapOf<String, suspend (Connection) -> Unit>(
        "f" to { it.sendFile(file) },
        "b" to { it.write(bytes("b".repeat(1000))) },
        "a" to { it.write("a".repeat(1000).toByteArray()) },
        "g" to { it.write(arrayOf(bytes("g".repeat(400)), bytes("g".repeat(600)))) },
        "w" to { it.writer.putString("w".repeat(1000)); it.writer.flush() },
    )

    suspend fun Connection.expect(letter: String, count: Int) = withClue("$count times $letter") {
        readText(count).all { it == letter.single() } shouldBe true
    }

    for (flavour in Flavour.few) {
        test("$flavour: another write begins when the frames before it are written, and those behind it wait for it") {
            onReactor(flavour) { reactor ->
                for ((letter, way) in ways) for (onLoop in listOf(false, true)) withClue("$letter, on the loop: $onLoop") {
                    reactor.withPair(options = TINY_BUFFERS) { client, server ->
                        val writing = launch(if (onLoop) reactor.loopDispatchers[0] else currentCoroutineContext()) {
                            launch(start = CoroutineStart.UNDISPATCHED) { client.frames.write { putString("1".repeat(much)) } }
                            launch(start = CoroutineStart.UNDISPATCHED) { way(client) }
                            client.frames.trySend { putString("2".repeat(much)) } shouldBe false // over the capacity
                            client.frames.capacity = 10L * much
                            client.frames.trySend { putString("2".repeat(much)) } shouldBe true
                            // A second flush while the first waits would find the bytes of both in the writer.
                            if (letter != "w") launch(start = CoroutineStart.UNDISPATCHED) { way(client) }
                            client.frames.trySend { putString("3") } shouldBe true
                        }
                        server.expect("1", much)
                        server.expect(letter, 1000)
                        server.expect("2", much)
                        if (letter != "w") server.expect(letter, 1000)
                        server.expect("3", 1)
                        writing.join()
                    }
                }
            }
        }
    }

    test("frames that meet a write in another way wait until it has ended, also by a cancellation") {
        onReactor { reactor, _ ->
            reactor.withPair(options = TINY_BUFFERS) { client, server ->
                val frames = client.frames
                val source = bytes("b".repeat(much))
                val writing = launch(start = CoroutineStart.UNDISPATCHED) { client.write(source) }
                frames.trySend { putString("1") } shouldBe true
                val second = launch(start = CoroutineStart.UNDISPATCHED) { frames.write { putString("2") } }
                server.expect("b", 1000)
                second.isCompleted shouldBe false
                writing.cancelAndJoin()
                server.expect("b", source.position() - 1000)
                server.readText(2) shouldBe "12"
                second.join()

                val whole = launch(start = CoroutineStart.UNDISPATCHED) { client.write(bytes("b".repeat(much))) }
                frames.trySend { putString("3") } shouldBe true
                server.expect("b", much)
                whole.join()
                server.readText(1) shouldBe "3"
            }
        }
    }

    test("a write that is cancelled while it waits for its turn has written nothing, and holds nobody up") {
        onReactor { reactor, _ ->
            for ((letter, way) in ways) withClue(letter) {
                reactor.withPair(options = TINY_BUFFERS) { client, server ->
                    client.frames.capacity = 2L * much
                    val first = launch(start = CoroutineStart.UNDISPATCHED) { client.frames.write { putString("1".repeat(much)) } }
                    val waiting = launch(start = CoroutineStart.UNDISPATCHED) { way(client) }
                    val behind = launch(start = CoroutineStart.UNDISPATCHED) {
                        if (letter == "w") client.frames.trySend { putString("2") } else client.frames.write { putString("2") }
                    }
                    waiting.cancelAndJoin()
                    server.expect("1", much)
                    server.readText(1) shouldBe "2"
                    first.join()
                    behind.join()
                    if (letter == "w") client.writer.flush() else way(client)
                    server.expect(letter, 1000)
                }
            }
        }
    }

    test("a flush that is broken off holds up the frames until another has sent the rest") {
        onReactor { reactor, _ ->
            reactor.withPair(options = TINY_BUFFERS) { client, server ->
                val frames = client.frames
                client.writer.putString("w".repeat(much))
                breakOff { client.writer.flush() }
                val left = client.writer.buffered()
                (left in 1 until much.toLong()) shouldBe true // it has begun: only then has it anything to hold frames up for
                frames.trySend { putString("1") } shouldBe true
                shouldThrow<IllegalStateException> { frames.write { putString("2") } }.message shouldContain "flush the writer first"
                breakOff { client.writer.flush() }
                val rest = launch(start = CoroutineStart.UNDISPATCHED) { client.writer.flush() }
                server.expect("w", much)
                rest.join()
                server.readText(1) shouldBe "1"
                frames.write { putString("2") }
                server.readText(1) shouldBe "2"
            }
        }
    }

    /** Ways of writing much that are whole, and break the output if they are cut off. */
    val wholeWays = mapOf<String, suspend (Connection) -> Unit>(
        "array" to { it.write(ByteArray(much) { 'c'.code.toByte() }) },
        "file" to { it.sendFile(long) },
    )

    // The loop takes the frames up at any moment between the cancellation and the end of the write: many rounds meet them all.
    for ((name, way) in wholeWays) for (madeBefore in listOf(true, false)) {
        val meant = if (madeBefore) "" else ", also those that are made while it is parked"
        test("$name: a write that has broken the output fails the frames that wait behind it$meant") {
            onReactor { reactor, _ ->
                repeat(40) {
                    reactor.withPair(options = TINY_BUFFERS) { client, server ->
                        supervisorScope {
                            if (madeBefore) client.frames
                            val cut = launch(start = CoroutineStart.UNDISPATCHED) { way(client) }
                            soon { client.core.isInUse(Direction.WRITE) shouldBe true }
                            val frames = client.frames
                            val behind = async(start = CoroutineStart.UNDISPATCHED) { frames.write { putString("never") } }
                            frames.trySend { putString("nor this") } shouldBe true
                            cut.cancelAndJoin()
                            shouldThrow<NetparkException.Closed> { behind.await() }.message shouldContain "the output is broken"
                            frames.trySend { putString("nor this") } shouldBe false
                            soon { frames.waitingBytes shouldBe 0 }
                            client.close()
                            val arrived = StringBuilder()
                            shouldThrow<NetparkException.Reset> { while (true) arrived.append(server.readText(1)) }
                            arrived.all { it == 'c' } shouldBe true
                        }
                    }
                }
            }
        }
    }

    for ((name, way) in wholeWays) test("$name: no write gets behind a part of it, though its end is not told yet") {
        onReactor { reactor, _ ->
            reactor.withPair(options = TINY_BUFFERS) { client, server ->
                val ending = CompletableDeferred<Unit>()
                val tried = CountDownLatch(1)
                val cancellation = object : CancellationException() {
                    override fun toString(): String { // is asked for the reason why the output is broken
                        ending.complete(Unit)
                        tried.await(SOON.inWholeSeconds, TimeUnit.SECONDS)
                        return "cancelled"
                    }
                }
                try {
                    val cut = launch(Dispatchers.IO) { way(client) }
                    server.readText(1) shouldBe "c"
                    soon { client.core.isCutOffByEnd shouldBe true }
                    cut.cancel(cancellation)
                    withTimeout(SOON) { ending.await() }
                    val arriving = async(Dispatchers.IO) {
                        val arrived = StringBuilder()
                        shouldThrow<NetparkException.Reset> { while (true) arrived.append(server.readText(1)) }
                        arrived
                    }
                    for (other in ways.values + wholeWays.values) {
                        shouldThrow<NetparkException.Closed> { other(client) }.message shouldContain "the output is broken"
                    }
                    // The writer holds what it could not flush.
                    shouldThrow<IllegalStateException> { client.frames.write { putString("f") } }
                    client.frames.trySend { putString("f") }
                    soon { client.frames.waitingBytes shouldBe 0 }
                    tried.countDown()
                    cut.join()
                    client.frames.trySend { putString("f") } shouldBe false
                    client.close()
                    arriving.await().all { it == 'c' } shouldBe true
                } finally {
                    tried.countDown()
                }
            }
        }
    }

    test("frames that are made while a flush is parked wait for another flush, if that one is broken off") {
        onReactor { reactor, _ ->
            repeat(40) {
                reactor.withPair(options = TINY_BUFFERS) { client, server ->
                    client.writer.putString("w".repeat(200_000))
                    val flush = launch(start = CoroutineStart.UNDISPATCHED) { client.writer.flush() }
                    client.frames.trySend { putString("1") } shouldBe true
                    val reading = async(Dispatchers.IO) { server.readText(200_000) }
                    flush.cancelAndJoin()
                    client.writer.flush()
                    reading.await().all { it == 'w' } shouldBe true
                    server.readText(1) shouldBe "1"
                }
            }
        }
    }

    test("a flush that times out with all of its bytes in records holds up no frame and no write after it") {
        onReactor { reactor, _ ->
            reactor.over(Wire.TLS_1_3).withPair(options = TINY_BUFFERS) { client, server ->
                client.frames.write { putByte(1) }
                client.writer.put(ByteArray(16_000))
                client.writeTimeout = 50.milliseconds
                while (runCatching { client.writer.flush() }.isSuccess) client.writer.put(ByteArray(16_000))
                client.writeTimeout = Duration.INFINITE
                val reading = async { server.readToEnd() }
                withTimeout(SOON) {
                    client.writer.flush()
                    client.frames.write { putString("frame") }
                    client.write("write")
                }
                client.shutdownOutput()
                String(reading.await()).takeLast(10) shouldBe "framewrite"
            }
        }
    }

    test("a write that meets the first frame of its connection waits for it") {
        onReactor { reactor, _ ->
            repeat(100) {
                reactor.withPair { client, server ->
                    val start = CompletableDeferred<Unit>()
                    val both = listOf<suspend () -> Unit>({ client.write("a") }, { client.frames.write { putString("f") } }).map { write ->
                        launch(Dispatchers.Default) {
                            start.await()
                            write()
                        }
                    }
                    start.complete(Unit)
                    both.joinAll()
                    server.readText(2).toSet() shouldBe setOf('a', 'f')
                }
            }
        }
    }

    test("an output does not end while frames are being written, and says so; afterwards it does, and takes no more") {
        onReactor { reactor, _ ->
            reactor.withPair(options = TINY_BUFFERS) { client, server ->
                val frame = launch(start = CoroutineStart.UNDISPATCHED) { client.frames.write { put(ByteArray(much)) } }
                shouldThrow<IllegalStateException> { client.shutdownOutput() }.message shouldContain "its frames are still being written"
                shouldThrow<IllegalStateException> { client.detach() }.message shouldContain "its frames are still being written"
                server.readFully(much)
                frame.join()
                client.shutdownOutput()
                client.frames.trySend { putString("late") } shouldBe false
                server.readToEnd().size shouldBe 0
            }
        }
    }

    test("frames of many coroutines, and writes of one that is cancelled again and again, never mix") {
        onReactor(loops = 2) { reactor, _ ->
            for (round in 0 until 4) reactor.withPair(options = TINY_BUFFERS) { client, server ->
                // A frame: a length, that many bytes. What one coroutine flushes is such a frame, too, of the letter w.
                client.frames.capacity = 50_000_000
                val reading = async(Dispatchers.IO) {
                    val seen = HashMap<Char, Int>()
                    while (server.reader.await(4)) {
                        val text = server.reader.awaitString(server.reader.takeInt())
                        check(text.all { it == text[0] }) { "a frame of ${text.toSet()}" }
                        seen.merge(text[0], 1, Int::plus)
                    }
                    seen
                }
                fun text(random: Random, letter: Char) = "$letter".repeat(1 + random.nextInt(20_000))
                coroutineScope {
                    for (letter in 'A'..'H') launch(if (letter < 'E') Dispatchers.Default else reactor.loopDispatchers[letter.code % 2]) {
                        val random = Random(letter.code + round)
                        repeat(60) {
                            val text = text(random, letter)
                            if (random.nextBoolean()) {
                                client.frames.trySend { putInt(text.length); putString(text) } shouldBe true
                            } else {
                                try {
                                    client.frames.write { putInt(text.length); putString(text) }
                                } catch (e: IllegalStateException) {
                                    check("flush the writer first" in e.message.orEmpty()) { e }
                                    client.frames.trySend { putInt(text.length); putString(text) } shouldBe true
                                }
                            }
                        }
                    }
                    launch(Dispatchers.Default) {
                        val random = Random(round)
                        repeat(60) { number ->
                            val text = text(random, 'w')
                            if (number % 2 == 0) {
                                client.writer.putInt(text.length)
                                client.writer.putString(text)
                                do {
                                    val flush: Job = launch { client.writer.flush() }
                                    repeat(random.nextInt(2000)) { Thread.onSpinWait() }
                                    if (random.nextInt(3) > 0) flush.cancel()
                                    flush.join()
                                } while (client.writer.buffered() > 0)
                            } else {
                                client.write(ByteBuffer.allocate(4 + text.length).putInt(text.length).put(text.toByteArray()).flip())
                            }
                        }
                    }
                }
                withContext(Dispatchers.Default) { while (client.frames.waitingBytes > 0) kotlinx.coroutines.delay(1) }
                soon { client.shutdownOutput() }
                reading.await() shouldBe ('A'..'H').associateWith { 60 } + ('w' to 60)
            }
        }
    }

    test("another write that gives its turn up lets no frame between the bytes of a write that is going on") {
        onReactor { reactor, _ ->
            reactor.withPair(options = TINY_BUFFERS) { client, server ->
                client.frames.write { putString("x") }
                val going = launch { client.write(pattern(3_000_000)) }
                soon { client.core.isInUse(Direction.WRITE) shouldBe true }
                val waiting = launch(start = CoroutineStart.UNDISPATCHED) { client.write(pattern(10)) }
                waiting.cancelAndJoin()
                client.frames.trySend { putString("between") } shouldBe true
                going.cancelAndJoin()
                client.frames.trySend { putString("behind") } shouldBe false
                client.close()
                server.readText(1) shouldBe "x"
                val arrived = mutableListOf<Byte>()
                shouldThrow<NetparkException.Reset> { while (true) arrived += server.reader.awaitByte() }
                arrived shouldBe pattern(3_000_000).take(arrived.size)
            }
        }
    }

    test("no first frame comes between the bytes that descriptors go with and the rest, where the turn of their writer ends") {
        onReactor { reactor, _ ->
            for (before in OPERATIONS_WITHOUT_YIELDING - 8..OPERATIONS_WITHOUT_YIELDING + 2) withClue("behind $before writes") {
                reactor.pair().use { (client, server) ->
                    OpenDescriptor.eventFd(0).use { passed ->
                        val rest = "d".repeat(100_000) // more than goes with the descriptors
                        val writing = launch(client.dispatcher) {
                            repeat(before) { client.write(bytes("x")) }
                            launch { client.frames.trySend { putString("y") } shouldBe true }
                            client.writeDescriptors(bytes(rest), passed)
                        }
                        val arrived = server.readText(before + rest.length + 1).substring(before)
                        (arrived == rest + "y" || arrived == "y$rest") shouldBe true
                        writing.join()
                    }
                }
            }
        }
    }

    test("no frame comes between the bytes that descriptors go with and the rest of them") {
        onReactor { reactor, _ ->
            reactor.pair().use { (client, server) ->
                OpenDescriptor.eventFd(0).use { passed ->
                    client.frames.capacity = 10_000_000
                    client.frames.trySend { put(ByteArray(much)) } shouldBe true
                    val writing = launch(start = CoroutineStart.UNDISPATCHED) {
                        client.writeDescriptors(ByteBuffer.wrap(pattern(much)), passed)
                    }
                    client.frames.trySend { putString("y") } shouldBe true
                    val other = launch(start = CoroutineStart.UNDISPATCHED) { client.write("z") }
                    server.readFully(much)
                    server.readFully(much) shouldBe pattern(much)
                    server.readText(2) shouldBe "yz"
                    writing.join()
                    other.join()
                }
            }
        }
    }
})
