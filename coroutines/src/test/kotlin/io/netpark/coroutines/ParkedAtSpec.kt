package io.netpark.coroutines

import io.kotest.matchers.collections.shouldBeEmpty
import io.kotest.matchers.collections.shouldContainExactly
import io.kotest.matchers.collections.shouldHaveSize
import io.kotest.matchers.longs.shouldBeGreaterThanOrEqual
import io.kotest.matchers.nulls.shouldNotBeNull
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.kotest.matchers.string.shouldStartWith
import io.netpark.core.report.ConnectionSnapshot
import io.netpark.core.report.ParkedOperation
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.tls.Wire
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.CoroutineName
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.launch
import kotlinx.coroutines.withContext
import java.nio.ByteBuffer
import java.nio.file.Files
import java.nio.file.Path
import java.time.Duration
import kotlin.time.Duration.Companion.minutes

private const val FILE = "ParkedAtSpec.kt"

/** The line of this file that ends with a comment. */
private fun lineOf(mark: String): Int =
    Files.readAllLines(Path.of("src/test/kotlin/io/netpark/coroutines/$FILE")).indexOfFirst { it.endsWith("// $mark") } + 1

private fun ParkedOperation.places(): List<Pair<String, Int>> = frames().map { it.fileName.orEmpty() to it.lineNumber }

private suspend fun readsInlined(connection: Connection) {
    val target = ByteBuffer.allocateDirect(16)
    target.clear()
    connection.read(target) // inlined
}

private suspend fun readsOnOtherDispatcher(connection: Connection) {
    withContext(Dispatchers.Default + CoroutineName("elsewhere")) {
        connection.read(ByteArray(1)) // elsewhere
    }
}

private suspend fun awaitsARequest(connection: Connection) {
    if (connection.awaitRequest()) connection.reader.release() // request
}

private suspend fun writes(connection: Connection) {
    val source = ByteBuffer.allocateDirect(1 shl 20)
    while (true) connection.write(source.clear()) // written
}

private suspend fun flushes(connection: Connection) {
    connection.writer.putString("it is held")
    connection.read(ByteBuffer.allocateDirect(1)) // unflushed
}

/**
 * The compiler gives each `let` of one line the same line, that of no call, where the first of them is: behind what is inlined before it. It
 * is the lowest of the second function.
 */
private class Lets(private val connection: Connection?) {

    suspend fun first(): Int {
        listOf(1).forEach { check(it == 1) }
        val known = connection?.let { it }
        return 1 + checkNotNull(known).read(ByteBuffer.allocateDirect(1)) // let first
    }

    suspend fun second(): Int {
        connection?.let { check(it.isOpen) }
        return 1 + checkNotNull(connection).read(ByteBuffer.allocateDirect(1)) // let second
    }

    suspend fun third(): Int {
        val read = connection?.let { it.read(ByteBuffer.allocateDirect(1)) } // let third
        return (read ?: 0) + 1
    }

    suspend fun fourth(): Int {
        val read = connection?.let {
            it.read(ByteBuffer.allocateDirect(1)) // let fourth
        }
        return (read ?: 0) + 1
    }
}

/** Where the handlers of connections are parked, as [io.netpark.core.loop.EventLoopGroup.connections] tells. */
class ParkedAtSpec : NetparkSpec(body = {

    /** Serves one client by [handler], and gives [look] what is seen of the server's side once it is parked. */
    fun parked(handler: suspend CoroutineScope.(Connection) -> Unit, look: (ConnectionSnapshot) -> Unit) {
        onReactor(loops = 2) { reactor, _ ->
            val listener = reactor.listenOver("127.0.0.1", 0)
            val accepted = CompletableDeferred<Connection>()
            val serving = launch {
                listener.serve { connection ->
                    accepted.complete(connection)
                    handler(connection)
                }
            }
            reactor.dialOver(listener.localAddress).use {
                val served = accepted.await()
                soon {
                    val seen = reactor.group.connections()
                    seen.silent().shouldBeEmpty()
                    look(seen.connections().single { it.peer() == served.remoteAddress })
                }
            }
            listener.close()
            serving.cancel()
            serving.join()
        }
    }

    /** Runs in the frame of a handler, whose line is told, too. */
    fun place(mark: String) = FILE to lineOf(mark)

    test("a handler on its own loop is named by the line that reads, though that is inlined code, and by who has called it") {
        parked({ readsInlined(it) /* and */ }) { seen -> // caller
            val read = seen.parked().single()
            read.operation() shouldBe "read"
            read.waiter() shouldBe "coroutine"
            read.places().take(2) shouldContainExactly listOf(place("inlined"), place("caller"))
            read.frames().first().className shouldBe "io.netpark.coroutines.ParkedAtSpecKt"
            read.frames().first().methodName shouldBe "readsInlined"
            read.frames().none { it.className.startsWith("io.netpark.coroutines.Handlers") } shouldBe true
            seen.handler().shouldNotBeNull() shouldStartWith "io.netpark.coroutines.ParkedAtSpec"
        }
    }

    test("a coroutine on another dispatcher is named by its line, and by its name") {
        parked({ readsOnOtherDispatcher(it) }) { seen ->
            val read = seen.parked().single()
            read.waiter() shouldBe "coroutine elsewhere"
            read.places().first() shouldBe place("elsewhere")
        }
    }

    test("inlined code that the table of the compiler does not know hides nothing from a look, and moves no line") {
        val functions = mapOf<String, suspend Lets.() -> Int>(
            "let first" to Lets::first, "let second" to Lets::second, "let third" to Lets::third, "let fourth" to Lets::fourth,
        )
        for ((mark, function) in functions) {
            parked({ Lets(it).function() }) { seen -> seen.parked().single().places().first() shouldBe place(mark) }
        }
    }

    test("a handler that awaits a request is at that line") {
        parked({ awaitsARequest(it) }) { seen -> seen.parked().single().places().first() shouldBe place("request") }
    }

    test("a handler that writes to a peer who does not read is parked to write") {
        parked({ writes(it) }) { seen ->
            val write = seen.parked().single()
            write.operation() shouldBe "write"
            write.places().first() shouldBe place("written")
            seen.bytesOut() shouldBeGreaterThanOrEqual 1024
        }
    }

    test("what a writer holds is pending output, and deadlines are shown") {
        parked({
            it.readTimeout = 2.minutes
            flushes(it)
        }) { seen ->
            seen.pendingOutput() shouldBe 10
            seen.limits().readTimeout() shouldBe Duration.ofMinutes(2)
            seen.parked().single().places().first() shouldBe place("unflushed")
            if (Wire.ofThisRun == Wire.PLAIN) seen.tls() shouldBe null else seen.tls().shouldNotBeNull() shouldContain "TLS_"
        }
    }

    test("one who reads and one who writes are both named") {
        parked({ connection ->
            launch { writes(connection) }
            readsInlined(connection)
        }) { seen ->
            seen.parked() shouldHaveSize 2
            seen.parked().map { it.operation() } shouldContainExactly listOf("read", "write")
            seen.parked().map { it.places().first() } shouldContainExactly listOf(place("inlined"), place("written"))
        }
    }

    test("the dump has the line") {
        onReactor { reactor, _ ->
            reactor.pairOver().let { (one, other) ->
                val reading = launch { readsInlined(one) }
                soon {
                    withContext(Dispatchers.IO) {
                        reactor.group.dump() shouldContain "at io.netpark.coroutines.ParkedAtSpecKt.readsInlined($FILE:${lineOf("inlined")})"
                    }
                }
                other.write("x")
                reading.join()
                one.close()
                other.close()
            }
        }
    }
})
