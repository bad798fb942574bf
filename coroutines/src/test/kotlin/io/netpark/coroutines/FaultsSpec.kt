package io.netpark.coroutines

import io.kotest.matchers.collections.shouldBeEmpty
import io.kotest.matchers.shouldBe
import io.netpark.core.net.files.OpenFile
import io.netpark.core.net.messages.Envelope
import io.netpark.core.net.serving.Shutdown
import io.netpark.core.sys.Clock
import io.netpark.core.sys.NetparkException
import io.netpark.core.sys.UnixAddress
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.RecordingReporter
import io.netpark.core.testing.SOON
import io.netpark.core.testing.eventually
import io.netpark.core.testing.fault.Calls
import io.netpark.core.testing.fault.FailingCall
import io.netpark.core.testing.fault.FaultWalk
import io.netpark.core.testing.fault.Segments
import io.netpark.core.testing.loopback
import io.netpark.core.testing.tls.Wire
import io.netpark.coroutines.transfer.relay
import io.netpark.coroutines.transfer.sendFile
import io.netpark.simulation.kernel.SimulatedKernel
import kotlinx.coroutines.TimeoutCancellationException
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import java.io.EOFException
import java.io.IOException
import java.net.SocketAddress
import java.nio.ByteBuffer
import java.nio.file.Path
import java.time.Duration
import java.time.Instant
import java.util.concurrent.atomic.AtomicInteger

private const val FILE = "/srv/file"

/** More than the kernel takes at once. */
private val CONTENT = pattern(300_000)

private val NAMES = AtomicInteger()

/** What a program works with: a reactor on a kernel. */
private class Place(calls: Calls) : AutoCloseable {
    val libc = calls.libc()
    val reporter = RecordingReporter()
    private val segments = Segments.of(calls, reporter)
    val reactor = Reactor(1, Buffering(segments)) { libc(libc).daemon(true).reporter(reporter).reportLimit(Int.MAX_VALUE) }

    fun run(body: suspend Place.() -> Unit) = try {
        runBlocking { withTimeout(SOON) { body() } }
    } catch (e: TimeoutCancellationException) {
        throw AssertionError("it waits for ever; reported: ${reporter.reports}", e)
    }

    override fun close() {
        reactor.close()
        segments.shouldHaveLentNothing()
    }
}

/** Nothing, if it failed before there was anything to send; but no part of it that looks like the whole. */
private suspend fun Connection.readContent() {
    val content = readToEnd()
    if (content.isEmpty()) throw EOFException("nothing has come")
    content.contentEquals(CONTENT) shouldBe true
}

private suspend fun Place.echo(address: SocketAddress, wire: Wire = Wire.PLAIN) = coroutineScope {
    reactor.listen(address, tls = wire.server).use { listener ->
        val serving = launch { listener.serve { echo(it) } }
        reactor.dial(listener.localAddress, tls = wire.client).use { client ->
            client.write("ping")
            client.readText(4) shouldBe "ping"
            client.shutdownOutput()
            client.readToEnd().size shouldBe 0
        }
        serving.cancelAndJoin()
    }
}

private suspend fun Place.dialRefused() {
    val nobody = reactor.listen(loopback()).use { it.localAddress }
    try {
        reactor.dial(nobody).close()
    } catch (_: NetparkException.Refused) {
        return
    }
    throw AssertionError("somebody has answered")
}

/** In the midst of two connections, whose bytes are spliced. */
private suspend fun Place.relay() = coroutineScope {
    reactor.listen(loopback()).use { service ->
        reactor.listen(loopback()).use { proxy ->
            val serving = launch { service.serve { echo(it) } }
            val relaying = launch {
                proxy.serve { client -> reactor.dial(service.localAddress).use { relay(client, it) } }
            }
            reactor.dial(proxy.localAddress).use { client ->
                val sending = launch {
                    client.write(CONTENT)
                    client.shutdownOutput()
                }
                client.readContent()
                sending.join()
            }
            relaying.cancelAndJoin()
            serving.cancelAndJoin()
        }
    }
}

private suspend fun Place.sendFile() = coroutineScope {
    reactor.listen(loopback()).use { listener ->
        val serving = launch {
            listener.serve { connection -> OpenFile.open(Path.of(FILE), libc).use { connection.sendFile(it) } }
        }
        reactor.dial(listener.localAddress).use { it.readContent() }
        serving.cancelAndJoin()
    }
}

private suspend fun Place.datagrams() = coroutineScope {
    reactor.bindDatagrams(loopback()).use { server ->
        reactor.dialDatagrams(server.localAddress).use { client ->
            val answering = launch {
                val envelope = Envelope()
                val request = ByteBuffer.allocate(16)
                server.receive(request, envelope)
                server.send(request.flip(), envelope.sender())
            }
            client.send(ByteBuffer.wrap("ping".toByteArray()))
            val answer = ByteBuffer.allocate(16)
            client.receive(answer) shouldBe 4
            answering.join()
        }
    }
}

/** With a handler that is idle, and one that is at work. */
private suspend fun Place.shutdown() = coroutineScope {
    reactor.listen(loopback()).use { listener ->
        val serving = launch {
            listener.serve { connection ->
                while (connection.awaitRequest()) {
                    connection.writer.putByte(connection.reader.takeByte().toInt())
                    connection.writer.flush()
                }
            }
        }
        reactor.dial(listener.localAddress).use { client ->
            client.write("x")
            client.readText(1) shouldBe "x"
            listener.shutdown(Shutdown.within(Duration.ofSeconds(10)))
            client.readToEnd().size shouldBe 0
        }
        serving.join()
    }
}

/**
 * Programs of which each system call fails in turn ([FaultWalk]), and each segment is missing, on a kernel in memory. Whatever comes of
 * it is told by an exception of this library or of the file system, or is the very OutOfMemoryError. Nobody waits for ever, nothing is
 * left, and the same works when it is tried again.
 */
class FaultsSpec : NetparkSpec(body = {
    fun program(name: String, body: suspend Place.() -> Unit) = test(name) {
        FaultWalk.of(kernel()) { calls ->
            Place(calls).use { place ->
                place.run(body)
                place.reporter.shouldBeSilent()
            }
        }.take(::kernel) { kernel, failing ->
            failing.shouldBeSurvived(body)
            eventually { kernel.descriptors().shouldBeEmpty() }
        }
    }

    program("echo over TCP") { echo(loopback()) }
    program("echo over a unix socket") { echo(UnixAddress.path("/run/echo-${NAMES.incrementAndGet()}.sock")) }
    program("echo over TLS") { echo(loopback(), Wire.TLS_1_3) }
    program("a dial that nobody answers") { dialRefused() }
    program("a relay that splices") { relay() }
    program("a file that is sent") { sendFile() }
    program("datagrams") { datagrams() }
    program("a shutdown in phases") { shutdown() }
})

private fun kernel() = SimulatedKernel(Clock.SYSTEM).apply { writeFile(FILE, CONTENT, Instant.EPOCH) }

private fun FailingCall.shouldBeSurvived(body: suspend Place.() -> Unit) {
    val place = try {
        Place(this)
    } catch (failure: Throwable) {
        if (!isExpected(failure)) throw failure
        return
    }
    place.use {
        try {
            place.run(body)
        } catch (failure: Throwable) {
            if (!isExpected(failure)) throw failure
        }
        if (hasFailed()) place.run(body)
    }
}

/** Which of them it is depends on the call. */
private fun FailingCall.isExpected(failure: Throwable) = hasFailed() && (failure is IOException || isCauseOf(failure))
