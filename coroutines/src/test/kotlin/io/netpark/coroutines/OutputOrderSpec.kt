package io.netpark.coroutines

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.netpark.core.sys.NetparkException
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.eventually
import io.netpark.coroutines.handover.detach
import io.netpark.coroutines.transfer.sendFile
import java.nio.ByteBuffer
import java.nio.file.Files
import kotlin.time.TimeSource
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.CoroutineExceptionHandler
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.async
import kotlinx.coroutines.awaitCancellation
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.currentCoroutineContext
import kotlinx.coroutines.delay
import kotlinx.coroutines.launch

/** One order of output a connection, and what becomes of bytes that a handler has written and not flushed. */
class OutputOrderSpec : NetparkSpec(body = {

    fun bytes(text: String): ByteBuffer = ByteBuffer.wrap(text.toByteArray())

    /** What a client gets from a handler up to the end, or the failure that it gets instead. */
    fun served(handler: suspend (Connection) -> Unit, reports: (List<String>) -> Unit = { it shouldBe emptyList() }): Result<String> {
        var got: Result<String>? = null
        onReactor { reactor, reporter ->
            reactor.listenOver("127.0.0.1", 0).use { listener ->
                val serving = launch { listener.serve { handler(it) } }
                reactor.dialOver(listener.localAddress).use { client ->
                    client.write("x")
                    got = runCatching { String(client.readToEnd()) }
                }
                serving.cancelAndJoin()
                reports(reporter.drain().map { "${it.what}: ${it.cause}" })
            }
        }
        return got!!
    }

    test("a connection that is closed in the midst of an array ends with a reset, and its peer takes no part for the whole") {
        onReactor { reactor, _ ->
            reactor.withPair(options = TINY_BUFFERS) { client, server ->
                val writing = async(start = CoroutineStart.UNDISPATCHED) { runCatching { client.write(ByteArray(3_000_000)) } }
                soon { client.core.isCutOffByEnd shouldBe true }
                client.close()
                (writing.await().exceptionOrNull() is NetparkException.Closed) shouldBe true
                shouldThrow<NetparkException.Reset> { server.readToEnd() }
            }
        }
    }

    test("what is written in several ways comes in the order in which it was written") {
        val file = Files.createTempFile("netpark", null)
        try {
            Files.writeString(file, "third ")
            onReactor { reactor, _ ->
                reactor.withPair { client, server ->
                    client.writer.putString("first ")
                    client.write("second ")
                    client.writer.putString("2a ")
                    client.write(arrayOf(bytes("2b "), bytes("2c ")))
                    client.writer.putString("2d ")
                    client.write(bytes("2e "))
                    client.writer.putString("2f ")
                    client.sendFile(file)
                    client.writer.putString("3a ")
                    client.write(ByteArray(0))
                    client.writer.buffered() shouldBe 0
                    client.frames.write { putString("fourth ") }
                    client.writer.putString("fifth ")
                    client.writer.flush()
                    client.shutdownOutput()
                    String(server.readToEnd()) shouldBe "first second 2a 2b 2c 2d 2e 2f third 3a fourth fifth "
                }
            }
        } finally {
            Files.delete(file)
        }
    }

    test("what cannot flush first refuses, and says what to do") {
        onReactor { reactor, _ ->
            reactor.withPair { client, server ->
                client.writer.putString("kept")
                for (refused in listOf<suspend () -> Unit>(
                    { client.frames.write { putString("frame") } },
                    { client.shutdownOutput() },
                    { client.detach() },
                )) {
                    shouldThrow<IllegalStateException> { refused() }.message shouldContain "flush the writer first, it holds 4 bytes"
                }
                client.writer.flush()
                client.shutdownOutput()
                String(server.readToEnd()) shouldBe "kept"
            }
        }
    }

    test("what a handler has not flushed when it returns is flushed, also what coroutines that it has started wrote") {
        served({ it.readText(1); it.writer.putString("bye") }).getOrThrow() shouldBe "bye"
        served({ connection ->
            connection.readText(1)
            CoroutineScope(currentCoroutineContext()).launch {
                delay(5)
                connection.writer.putString("from a child")
            }
        }).getOrThrow() shouldBe "from a child"
        val much = pattern(3_000_000)
        served({ it.readText(1); it.writer.put(much) }).getOrThrow().length shouldBe String(much).length
    }

    test("a handler that fails in the midst of an answer ends with a reset, and what it has not flushed is reported") {
        served({ it.readText(1); it.writer.putString("unflushed"); error("failed") }) {
            it.single() shouldContain "9 bytes that it had not flushed are dropped: java.lang.IllegalStateException: failed"
        }.exceptionOrNull()!!::class shouldBe NetparkException.Reset::class
        served({ it.readText(1); it.write("half of an ans"); delay(20); error("failed") }) {
            it.single() shouldContain "the connection is closed: java.lang.IllegalStateException: failed"
        }.exceptionOrNull()!!::class shouldBe NetparkException.Reset::class
    }

    test("a handler that fails before it answers, or when it has read on, ends in order") {
        served({ it.readText(1); error("failed") }) { it.size shouldBe 1 }.getOrThrow() shouldBe ""
        served({ connection ->
            connection.readText(1)
            connection.write("answer")
            connection.readDeadline = TimeSource.Monotonic.markNow()
            connection.readText(1)
        }) { }.getOrThrow() shouldBe "answer"
    }

    test("a handler that is cancelled in the midst of an answer ends with a reset") {
        onReactor { reactor, _ ->
            reactor.listenOver("127.0.0.1", 0).use { listener ->
                val answering = CompletableDeferred<Unit>()
                val serving = launch {
                    listener.serve { connection ->
                        connection.write("half of an ans")
                        answering.complete(Unit)
                        awaitCancellation()
                    }
                }
                reactor.dialOver(listener.localAddress).use { client ->
                    client.readText(14) shouldBe "half of an ans"
                    answering.await()
                    serving.cancelAndJoin()
                    shouldThrow<NetparkException.Reset> { client.readToEnd() }
                }
            }
        }
    }

    test("a handler that returns with a broken output ends with a reset") {
        onReactor { reactor, _ ->
            reactor.listenOver("127.0.0.1", 0, TINY_BUFFERS).use { listener ->
                val broken = CompletableDeferred<Unit>()
                val serving = launch {
                    listener.serve { connection ->
                        connection.writeTimeout = kotlin.time.Duration.parse("50ms")
                        try {
                            connection.write(ByteArray(1 shl 20))
                        } catch (_: NetparkException.TimedOut) {
                            broken.complete(Unit) // and returns
                        }
                    }
                }
                reactor.dialOver(listener.localAddress, options = TINY_BUFFERS).use { client ->
                    broken.await()
                    soon { listener.servings.single().count() shouldBe 0 }
                    shouldThrow<NetparkException.Reset> { client.readToEnd() }
                }
                serving.cancelAndJoin()
            }
        }
    }

    test("a handler's exception goes to the exception handler as it is, also one of a coroutine that it has started; a handler's own failure is reported") {
        onReactor { reactor, reporter ->
            reactor.listenOver("127.0.0.1", 0).use { listener ->
                val mine = IllegalStateException("mine")
                val seen = CompletableDeferred<Throwable>()
                val failures = CoroutineExceptionHandler { _, e ->
                    seen.complete(e)
                    error("the exception handler failed")
                }
                val serving = launch(failures) {
                    listener.serve { connection ->
                        coroutineScope { connection.readText(1) }
                        throw mine
                    }
                }
                reactor.dialOver(listener.localAddress).use { client ->
                    client.write("x")
                    client.readToEnd()
                }
                seen.await() shouldBe mine
                eventually { reporter.reports.map { it.cause.message } shouldBe listOf("mine", "the exception handler failed") }
                reporter.drain()
                serving.cancelAndJoin()
            }
        }
    }

    test("an output that a write has broken does not end in order, however it is ended") {
        fun endedBy(end: suspend (Connection) -> Unit) = onReactor { reactor, _ ->
            reactor.withPair(options = TINY_BUFFERS) { client, server ->
                client.writeTimeout = kotlin.time.Duration.parse("50ms")
                shouldThrow<NetparkException.TimedOut> { client.write(ByteArray(1 shl 20)) }
                end(client)
                shouldThrow<NetparkException.Reset> { server.readToEnd() }
            }
        }
        endedBy {
            shouldThrow<NetparkException.Closed> { it.shutdownOutput() }.message shouldContain "the output is broken"
            it.close()
        }
        endedBy { it.closeLingering() }
    }

    test("a frame that was not written in time breaks the output for all who write, and it does not end in order") {
        onReactor { reactor, _ ->
            reactor.withPair(options = TINY_BUFFERS) { client, server ->
                client.writeTimeout = kotlin.time.Duration.parse("50ms")
                shouldThrow<NetparkException.TimedOut> { client.frames.write { put(ByteArray(1 shl 20)) } }
                client.writeTimeout = kotlin.time.Duration.INFINITE
                shouldThrow<NetparkException.Closed> { client.write(bytes("behind it")) }
                shouldThrow<NetparkException.Closed> { client.frames.write { putByte(1) } }
                client.close()
                shouldThrow<NetparkException.Reset> { server.readToEnd() }
            }
        }
    }

    test("an output that was broken by an idle timeout goes on saying which it was") {
        onReactor { reactor, _ ->
            reactor.withPair(options = TINY_BUFFERS) { client, _ ->
                client.idleTimeout = kotlin.time.Duration.parse("50ms")
                repeat(2) {
                    shouldThrow<NetparkException.TimedOut> { client.write(ByteArray(1 shl 20)) }.timeout() shouldBe
                        NetparkException.Timeout.IDLE
                }
            }
        }
    }

    test("what a reset has broken says that it was reset, whichever way it was written to") {
        onReactor { reactor, _ ->
            reactor.withPair(options = TINY_BUFFERS) { client, server ->
                val writing = launch { shouldThrow<NetparkException.Reset> { client.write(ByteArray(1 shl 20)) } }
                server.readText(1)
                server.reset()
                writing.join()
                repeat(2) {
                    shouldThrow<NetparkException.Reset> { client.write(ByteArray(10)) }
                    shouldThrow<NetparkException.Reset> { client.frames.write { putByte(1) } }
                    shouldThrow<NetparkException.Reset> { client.read(ByteArray(10)) }
                }
            }
        }
    }

    test("closing with bytes unflushed ends with a reset") {
        onReactor { reactor, _ ->
            reactor.withPair { client, server ->
                client.write("all that was said")
                server.readText(17)
                client.writer.putString("never")
                client.close()
                shouldThrow<NetparkException.Reset> { server.readToEnd() }
            }
        }
    }
})
