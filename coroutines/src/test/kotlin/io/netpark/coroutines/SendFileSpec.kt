package io.netpark.coroutines

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.engine.spec.tempdir
import io.kotest.matchers.collections.shouldBeSorted
import io.kotest.matchers.longs.shouldBeInRange
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.netpark.core.net.files.FileTransfer
import io.netpark.core.net.files.OpenFile
import io.netpark.core.sys.NetparkException
import io.netpark.core.testing.Flavour
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.openDescriptorsOf
import io.netpark.coroutines.transfer.send
import io.netpark.coroutines.transfer.sendFile
import java.io.RandomAccessFile
import java.nio.channels.FileChannel
import java.nio.file.NoSuchFileException
import java.nio.file.Path
import java.util.concurrent.atomic.AtomicInteger
import java.util.concurrent.atomic.AtomicLong
import kotlin.io.path.writeBytes
import kotlin.time.Duration.Companion.milliseconds
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.async
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.launch

private val NAMES = AtomicInteger()

/** More than any kernel buffers. */
private const val LARGE = 20_000_000

class SendFileSpec : NetparkSpec(body = {
    val folder = tempdir().toPath()
    val large = folder.resolve("large").also { it.writeBytes(pattern(LARGE)) }
    fun file(length: Int): Path = folder.resolve("${NAMES.incrementAndGet()}").also { it.writeBytes(pattern(length)) }

    for (flavour in Flavour.all) {
        context("$flavour") {
            suspend fun pair(name: String, body: suspend (client: Connection, server: Connection) -> Unit) = test(name) {
                onReactor(flavour) { reactor -> reactor.withPair { client, server -> body(client, server) } }
                openDescriptorsOf(large) shouldBe 0
            }

            pair("a file goes after what the writer holds, whichever way it is given, and before what is written then") { client, server ->
                val path = file(300_000)
                val expected = "head".toByteArray() + pattern(300_000) + pattern(300_000).copyOfRange(100, 300_000) +
                    pattern(300_000).copyOfRange(299_000, 299_010) + "tail".toByteArray()
                coroutineScope {
                    val received = async { server.readFully(expected.size) }
                    client.writer.putString("head")
                    client.sendFile(path) shouldBe 300_000
                    OpenFile.open(path).use { client.sendFile(it, 100) shouldBe 299_900 }
                    FileChannel.open(path).use { client.sendFile(it, 299_000, 10) shouldBe 10 }
                    client.write("tail")
                    received.await().contentEquals(expected) shouldBe true
                }
                openDescriptorsOf(path) shouldBe 0
            }

            pair("a peer that reads slowly makes it wait, and progress is told") { client, server ->
                val told = mutableListOf<Long>()
                coroutineScope {
                    val sender = async { client.sendFile(large) { told += it } }
                    server.readFully(LARGE).contentEquals(pattern(LARGE)) shouldBe true
                    sender.await() shouldBe LARGE
                }
                told.shouldBeSorted()
                told.last() shouldBe LARGE
                (told.size > 1) shouldBe true
            }

            pair("cancelled in the middle it breaks the output and says how far it got; reading goes on") { client, server ->
                val told = AtomicLong()
                coroutineScope {
                    val sender = launch { client.sendFile(large) { told.set(it) } }
                    soon { check(told.get() > 0) }
                    sender.cancelAndJoin()
                }
                val failure = shouldThrow<NetparkException.Closed> { client.write("more") }
                failure.message!! shouldContain "${told.get()} of $LARGE bytes sent"
                shouldThrow<NetparkException.Closed> { client.sendFile(large) }
                server.write("still there")
                client.readText(11) shouldBe "still there"
            }

            pair("a transfer of one's own goes on where it was cancelled") { client, server ->
                FileTransfer.open(large).use { transfer ->
                    coroutineScope {
                        val sender = launch { client.send(transfer) }
                        soon { check(transfer.sent() > 0) }
                        sender.cancelAndJoin()
                    }
                    transfer.sent() shouldBeInRange 1L..<LARGE
                    coroutineScope {
                        val received = async { server.readFully(LARGE) }
                        client.send(transfer)
                        received.await().contentEquals(pattern(LARGE)) shouldBe true
                    }
                }
            }

            pair("the write deadline, a peer that resets, and closing here end it") { client, server ->
                client.writeTimeout = 50.milliseconds
                FileTransfer.open(large).use { transfer ->
                    shouldThrow<NetparkException.TimedOut> { client.send(transfer) }.message!! shouldContain large.toString()
                }
                client.writeTimeout = kotlin.time.Duration.INFINITE
                coroutineScope {
                    val sender = async { runCatching { client.sendFile(large) } }
                    soon { check(client.isOpen) }
                    server.reset()
                    shouldThrow<NetparkException.Reset> { sender.await().getOrThrow() }
                }
                client.close()
                shouldThrow<NetparkException.Closed> { client.sendFile(large) }
            }

            pair("a callback that throws ends it, and leaves the connection to others") { client, server ->
                FileTransfer.open(large).use { transfer ->
                    shouldThrow<IllegalArgumentException> { client.send(transfer) { require(it == 0L) { "enough" } } }
                    coroutineScope {
                        val received = async { server.readFully(LARGE) }
                        client.send(transfer)
                        received.await().contentEquals(pattern(LARGE)) shouldBe true
                    }
                }
            }

            pair("what cannot be sent is refused, and the connection is as before") { client, server ->
                shouldThrow<NoSuchFileException> { client.sendFile(folder.resolve("none")) }
                shouldThrow<IllegalArgumentException> { client.sendFile(large, LARGE + 1L) }
                shouldThrow<NetparkException.Truncated> { client.sendFile(large, 0, LARGE + 1L) }
                client.sendFile(large, LARGE.toLong()) shouldBe 0
                client.frames.write { putString("frame") }
                client.sendFile(large, 0, 5) // frames that have been written are in nobody's way
                client.frames.write { putString("frame") }
                server.readText(5) shouldBe "frame"
                server.readFully(5) shouldBe pattern(5)
                server.readText(5) shouldBe "frame"
            }

            test("a handler on its own loop sends, and others have their turn") {
                onReactor(flavour) { reactor ->
                    reactor.listenOver(io.netpark.core.testing.loopback()).use { listener ->
                        val serving = launch {
                            listener.serve { connection -> connection.sendFile(large) }
                        }
                        coroutineScope {
                            repeat(3) {
                                launch {
                                    reactor.dialOver(listener.localAddress).use {
                                        it.readToEnd().contentEquals(pattern(LARGE)) shouldBe true
                                    }
                                }
                            }
                        }
                        serving.cancelAndJoin()
                    }
                }
                openDescriptorsOf(large) shouldBe 0
            }

            test("a handler that is cancelled while it sends gives the file back") {
                onReactor(flavour) { reactor ->
                    reactor.listenOver(io.netpark.core.testing.loopback()).use { listener ->
                        val told = AtomicLong()
                        val ended = java.util.concurrent.CompletableFuture<Throwable>()
                        val serving = launch {
                            listener.serve { connection ->
                                try {
                                    connection.sendFile(large) { told.set(it) }
                                } catch (e: Throwable) {
                                    ended.complete(e)
                                    throw e
                                }
                            }
                        }
                        reactor.dialOver(listener.localAddress).use {
                            soon { check(told.get() > 0) }
                            serving.cancelAndJoin()
                            soon { check(ended.isDone) }
                            (ended.get() is CancellationException) shouldBe true
                        }
                    }
                }
                openDescriptorsOf(large) shouldBe 0
            }
        }
    }

    test("a mapped part of a file is sent from where it is, and told when it is not needed any more") {
        onReactor { reactor, _ ->
            reactor.withPair { client, server ->
                val released = AtomicInteger()
                FileChannel.open(large).use { channel ->
                    val window = channel.map(FileChannel.MapMode.READ_ONLY, 1_000, 10_000_000)
                    client.writer.putString("head")
                    client.writer.link(window) { released.incrementAndGet() }
                }
                client.writer.putString("tail")
                val expected = "head".toByteArray() + pattern(LARGE).copyOfRange(1_000, 10_001_000) + "tail".toByteArray()
                coroutineScope {
                    val received = async { server.readFully(expected.size) }
                    client.writer.flush()
                    received.await().contentEquals(expected) shouldBe true
                }
                soon { check(released.get() == 1) }
            }
        }
    }

    test("a file that shrinks while it is sent breaks the output") {
        val path = file(LARGE)
        onReactor { reactor, _ ->
            reactor.withPair { client, server ->
                coroutineScope {
                    val told = AtomicLong()
                    val sender = async { runCatching { client.sendFile(path) { told.set(it) } } }
                    soon { check(told.get() > 0) }
                    RandomAccessFile(path.toFile(), "rw").use { it.setLength(19_500_000) }
                    server.readFully(19_500_000).contentEquals(pattern(LARGE).copyOf(19_500_000)) shouldBe true
                    shouldThrow<NetparkException.Truncated> { sender.await().getOrThrow() }
                    shouldThrow<NetparkException.Closed> { client.write("more") }.message!! shouldContain "19500000 of $LARGE"
                }
            }
        }
    }
})
