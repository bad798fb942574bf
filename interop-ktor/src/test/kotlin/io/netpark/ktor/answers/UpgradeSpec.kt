package io.netpark.ktor.answers

import io.kotest.matchers.nulls.shouldNotBeNull
import io.kotest.matchers.shouldBe
import io.kotest.matchers.types.shouldBeInstanceOf
import io.ktor.http.content.OutgoingContent.ProtocolUpgrade
import io.ktor.utils.io.ByteReadChannel
import io.ktor.utils.io.ByteWriteChannel
import io.ktor.utils.io.copyTo
import io.ktor.utils.io.readByteArray
import io.ktor.utils.io.readLine
import io.ktor.utils.io.toByteArray
import io.ktor.utils.io.writeStringUtf8
import io.ktor.websocket.CloseReason
import io.ktor.websocket.Frame
import io.ktor.websocket.RawWebSocket
import io.ktor.websocket.readBytes
import io.ktor.websocket.readReason
import io.ktor.websocket.readText
import io.netpark.core.testing.NetparkSpec
import io.netpark.coroutines.Connection
import io.netpark.ktor.channels.Carrier
import io.netpark.ktor.channels.netparkCause
import io.netpark.ktor.channels.pattern
import io.netpark.ktor.channels.readChannel
import io.netpark.ktor.channels.soon
import io.netpark.ktor.channels.writeChannel
import java.util.concurrent.atomic.AtomicReference
import kotlin.coroutines.CoroutineContext
import kotlin.coroutines.coroutineContext
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.Job
import kotlinx.coroutines.async
import kotlinx.coroutines.awaitCancellation
import kotlinx.coroutines.cancel
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.launch

/** Connections that are handed over to another protocol. */
class UpgradeSpec : NetparkSpec(body = {
    fun carried(
        name: String,
        carriers: List<Carrier> = Carrier.entries,
        body: suspend CoroutineScope.(client: Connection, server: Connection) -> Unit,
    ) {
        for (carrier in carriers) test("$carrier: $name") { carrier.connect(body = body) }
    }

    suspend fun Connection.handOver(protocol: suspend CoroutineScope.(ByteReadChannel, ByteWriteChannel) -> Unit) =
        upgrade(Protocol(protocol), this, dispatcher, Dispatchers.Default)

    carried("the other protocol has all bytes behind the request, and the output ends with it") { client, server ->
        client.write("GET / HTTP/1.1\nhello\nbye\n".toByteArray())
        server.reader.awaitLine() shouldBe "GET / HTTP/1.1"
        launch {
            server.handOver { input, output ->
                while (true) {
                    val line = input.readLine().takeIf { it != "bye" } ?: break
                    output.writeStringUtf8("$line back\n")
                    output.flush()
                }
                output.writeStringUtf8("unflushed")
            }
        }
        client.readChannel().toByteArray().decodeToString() shouldBe "hello back\nunflushed"
    }

    carried("the protocol's own failure is its own affair") { client, server ->
        server.handOver { _, output ->
            output.writeStringUtf8("so far")
            output.flush()
            throw CancellationException("no more")
        }
        client.readChannel().toByteArray().decodeToString() shouldBe "so far"
    }

    carried("what the protocol has written goes out, though it is cancelled before it ends its output") { client, server ->
        launch {
            server.handOver { _, output ->
                output.writeStringUtf8("last words")
                cancel()
                output.flushAndClose()
            }
        }
        client.readChannel().toByteArray().decodeToString() shouldBe "last words"
    }

    carried("a client that vanishes is told to the protocol") { client, server ->
        val told = CompletableDeferred<Throwable?>()
        val serving = launch {
            server.handOver { input, _ -> told.complete(runCatching { input.readByteArray(100) }.exceptionOrNull()) }
        }
        client.reset()
        told.await().shouldNotBeNull()
        serving.join()
    }

    carried("when the call is cancelled, so is the protocol", Carrier.RESETTING) { client, server ->
        val ended = AtomicReference<Throwable>()
        val began = CompletableDeferred<Unit>()
        val serving = launch {
            server.handOver { _, _ ->
                try {
                    began.complete(Unit)
                    awaitCancellation()
                } catch (e: CancellationException) {
                    ended.set(e)
                    throw e
                }
            }
        }
        began.await()
        serving.cancelAndJoin()
        soon { ended.get().shouldNotBeNull() }
        runCatching { client.readChannel().toByteArray() }.exceptionOrNull().shouldNotBeNull().netparkCause().shouldNotBeNull()
    }

    carried("WebSocket frames of any size go both ways") { client, server ->
        val frames = listOf(0, 4, 125, 126, 65_535, 65_536, 1 shl 20).map { pattern(it) }
        val serving = launch {
            server.handOver { input, output ->
                val session = RawWebSocket(input, output, 2L shl 20, masking = false, coroutineContext)
                for (frame in session.incoming) {
                    val answer = if (frame is Frame.Text) Frame.Text("${frame.readText()} back") else null
                    session.outgoing.send(answer ?: Frame.Binary(true, frame.readBytes()))
                }
                session.flush()
                session.cancel()
            }
        }
        val ours = Job()
        val session = client.webSocket(Dispatchers.Default + ours)
        session.outgoing.send(Frame.Text("hello"))
        session.incoming.receive().shouldBeInstanceOf<Frame.Text>().readText() shouldBe "hello back"
        for (bytes in frames) {
            session.outgoing.send(Frame.Binary(true, bytes))
            session.incoming.receive().shouldBeInstanceOf<Frame.Binary>().readBytes().contentEquals(bytes) shouldBe true
        }
        session.cancel()
        ours.cancelAndJoin()
        client.close()
        serving.join()
    }

    carried("a WebSocket is closed by both sides") { client, server ->
        val reason = async {
            val seen = CompletableDeferred<CloseReason?>()
            server.handOver { input, output ->
                val session = RawWebSocket(input, output, 1L shl 20, masking = false, coroutineContext)
                val close = session.incoming.receive() as Frame.Close
                seen.complete(close.readReason())
                session.outgoing.send(Frame.Close(CloseReason(CloseReason.Codes.NORMAL, "same here")))
                session.flush()
                session.cancel()
            }
            seen.await()
        }
        val ours = Job()
        val session = client.webSocket(Dispatchers.Default + ours)
        session.outgoing.send(Frame.Close(CloseReason(CloseReason.Codes.GOING_AWAY, "goodbye")))
        reason.await()?.message shouldBe "goodbye"
        (session.incoming.receive() as Frame.Close).readReason()?.message shouldBe "same here"
        session.cancel()
        ours.cancelAndJoin()
    }

    carried("bytes are passed through by another protocol") { client, server ->
        val bytes = pattern(1_000_000)
        launch { server.handOver { input, output -> input.copyTo(output) } }
        launch {
            client.write(bytes)
            client.shutdownOutput()
        }
        client.readChannel().toByteArray().contentEquals(bytes) shouldBe true
    }
})

private fun Connection.webSocket(context: CoroutineContext) =
    RawWebSocket(readChannel(), writeChannel(), 2L shl 20, masking = true, context)

/** A protocol that is one coroutine. */
private class Protocol(private val run: suspend CoroutineScope.(ByteReadChannel, ByteWriteChannel) -> Unit) : ProtocolUpgrade() {
    override suspend fun upgrade(
        input: ByteReadChannel,
        output: ByteWriteChannel,
        engineContext: CoroutineContext,
        userContext: CoroutineContext,
    ): Job = CoroutineScope(engineContext + Job(coroutineContext[Job])).let { scope ->
        scope.launch { run(input, output) }.also { job -> job.invokeOnCompletion { scope.cancel() } }
    }
}
