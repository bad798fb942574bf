package io.netpark.coroutines

import io.kotest.matchers.collections.shouldBeEmpty
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.kotest.matchers.types.shouldBeInstanceOf
import io.netpark.core.testing.NetparkSpec
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.CoroutineName
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.Job
import kotlinx.coroutines.NonCancellable
import kotlinx.coroutines.ThreadContextElement
import kotlinx.coroutines.asContextElement
import kotlinx.coroutines.awaitCancellation
import kotlinx.coroutines.cancel
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.currentCoroutineContext
import kotlinx.coroutines.delay
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.supervisorScope
import kotlinx.coroutines.withContext
import java.util.concurrent.ConcurrentLinkedQueue
import kotlin.coroutines.AbstractCoroutineContextElement
import kotlin.coroutines.CoroutineContext
import kotlin.time.Duration.Companion.milliseconds

/** What a logging library has for the fields of its records. */
private val fields = ThreadLocal<Map<String, String>>()

/** Puts fields on whatever thread a coroutine runs, as kotlinx-coroutines-slf4j's MDCContext does. */
private class Fields(private val mine: Map<String, String>) :
    AbstractCoroutineContextElement(Fields), ThreadContextElement<Map<String, String>?> {

    override fun updateThreadContext(context: CoroutineContext): Map<String, String>? = fields.get().also { fields.set(mine) }

    override fun restoreThreadContext(context: CoroutineContext, oldState: Map<String, String>?) = fields.set(oldState)

    companion object : CoroutineContext.Key<Fields>
}

/** The scope of a handler, and the context it has. */
class HandlerScopeSpec : NetparkSpec(body = {

    test("what a handler launches belongs to its connection, though serve is called in another scope") {
        onReactor { reactor, reporter ->
            val listener = reactor.listenOver("127.0.0.1", 0)
            val serving = launch {
                runBlocking(Dispatchers.Default) { // as in the README: a scope of which nothing in the handler is to be a part
                    listener.serve { connection ->
                        launch {
                            val request = connection.readText(1)
                            if (request == "f") error("a coroutine of the handler failed")
                            delay(20.milliseconds)
                            connection.write(request)
                        }
                    }
                }
            }
            reactor.dialOver(listener.localAddress).use { healthy ->
                reactor.dialOver(listener.localAddress).use { client ->
                    client.write("f")
                    client.readToEnd().size shouldBe 0
                }
                soon { reporter.drain().single().cause.message shouldBe "a coroutine of the handler failed" }
                healthy.write("x")
                String(healthy.readToEnd()) shouldBe "x" // open for as long as the coroutine that answers, and no longer
            }
            serving.isCompleted shouldBe false
            listener.close()
            serving.join()
        }
    }

    test("a coroutine that fails ends its handler, though that is parked on its connection, and the others in its scope") {
        onReactor { reactor, reporter ->
            val listener = reactor.listenOver("127.0.0.1", 0)
            val ended = ConcurrentLinkedQueue<String>()
            val serving = launch {
                listener.serve { connection ->
                    launch {
                        try {
                            awaitCancellation()
                        } finally {
                            ended += "sibling"
                        }
                    }
                    launch {
                        delay(5.milliseconds)
                        error("failed")
                    }
                    try {
                        connection.read(ByteArray(1))
                    } finally {
                        ended += "handler"
                    }
                }
            }
            reactor.dialOver(listener.localAddress).use { it.readToEnd().size shouldBe 0 }
            soon { reporter.drain().single().cause.message shouldBe "failed" }
            ended.sorted() shouldBe listOf("handler", "sibling")
            serving.cancelAndJoin()
        }
    }

    test("a scope that a handler cancels ends without a failure, and drops what is not flushed") {
        onReactor { reactor, _ ->
            val listener = reactor.listenOver("127.0.0.1", 0)
            val serving = launch {
                listener.serve { connection ->
                    connection.readText(1)
                    connection.writer.putString("never")
                    cancel("enough")
                }
            }
            reactor.dialOver(listener.localAddress).use { client ->
                client.write("x")
                runCatching { client.readToEnd().size }.getOrDefault(0) shouldBe 0
            }
            soon { reactor.group.snapshot().total().bytesDropped() shouldBe 5 }
            serving.cancelAndJoin()
        }
    }

    for (own in listOf(true, false)) {
        val where = if (own) "on the loop" else "on another dispatcher"
        test("the context of each connection is there whenever its handler, or what it has launched, is resumed: $where") {
            onReactor { reactor, _ ->
                val listener = reactor.listenOver("127.0.0.1", 0)
                val seen = ConcurrentLinkedQueue<Pair<String, String?>>()
                val outer = ThreadLocal<String>()
                val serving = launch(outer.asContextElement("of the caller")) {
                    listener.serve(
                        dispatcher = if (own) null else Dispatchers.Default,
                        context = { Fields(mapOf("peer" to "${it.remoteAddress}")) + CoroutineName("${it.remoteAddress}") },
                    ) { connection ->
                        val peer = "${connection.remoteAddress}"
                        fun look() {
                            seen += peer to fields.get()?.get("peer")
                            outer.get() shouldBe "of the caller"
                        }
                        look()
                        currentCoroutineContext()[CoroutineName]?.name shouldBe peer
                        val child = launch {
                            repeat(3) {
                                delay(1.milliseconds)
                                look()
                            }
                        }
                        while (connection.awaitRequest()) { // two handlers take turns on one loop
                            look()
                            connection.writer.putByte(connection.reader.takeByte().toInt())
                            withContext(Dispatchers.IO) { look() }
                            connection.writer.flush()
                            look()
                        }
                        child.join()
                    }
                }
                val clients = List(2) { reactor.dialOver(listener.localAddress) }
                repeat(5) { clients.forEach { it.write("x"); it.readText(1) shouldBe "x" } }
                clients.forEach { it.shutdownOutput() }
                clients.forEach { it.readToEnd().size shouldBe 0 }
                seen.size shouldBe 2 * (1 + 3 + 5 * 3)
                seen.filter { (peer, found) -> peer != found }.shouldBeEmpty()
                withContext(reactor.loopDispatchers.single()) { fields.get() shouldBe null } // and nothing is left on the thread
                serving.cancelAndJoin()
                clients.forEach { it.close() }
            }
        }
    }

    test("a context that throws, or has a job or a dispatcher in it, costs that connection, and says why") {
        onReactor { reactor, reporter ->
            val wrong = listOf<Pair<() -> CoroutineContext, String>>(
                { error("no trace can be begun") } to "no trace can be begun",
                { Job() } to "cancel its scope",
                { NonCancellable } to "has a Job",
                { Dispatchers.IO } to "withContext",
                { reactor.loopDispatchers.single() + CoroutineName("c") } to "has a dispatcher",
            )
            for (told in listOf(true, false)) for ((make, why) in wrong) {
                val listener = reactor.listenOver("127.0.0.1", 0)
                val contexts = ArrayDeque(listOf({ CoroutineName("c") }, make, { CoroutineName("c") }))
                val failures = ConcurrentLinkedQueue<Throwable>()
                val serving = launch {
                    listener.serve(
                        context = { contexts.removeFirst()() },
                        onFailure = if (told) { _, failure -> failures += failure } else null,
                    ) { echo(it) }
                }
                reactor.dialOver(listener.localAddress).use { first ->
                    first.write("x")
                    first.readText(1) shouldBe "x"
                    reactor.dialOver(listener.localAddress).use { it.readToEnd().size shouldBe 0 }
                    reactor.dialOver(listener.localAddress).use { it.write("y"); it.readText(1) shouldBe "y" }
                    first.write("z")
                    first.readText(1) shouldBe "z"
                }
                soon { failures.size + reporter.reports.size shouldBe 1 }
                val failure = failures.firstOrNull() ?: reporter.drain().single().cause
                failure.message!! shouldContain why
                if ("no trace" !in why) failure.shouldBeInstanceOf<IllegalArgumentException>()
                serving.cancelAndJoin()
            }
        }
    }

    test("a coroutine in a supervisorScope of a handler fails alone, and is reported") {
        onReactor { reactor, reporter ->
            val listener = reactor.listenOver("127.0.0.1", 0)
            val serving = launch {
                listener.serve { connection ->
                    supervisorScope { launch { error("alone") } }
                    connection.write("on")
                }
            }
            reactor.dialOver(listener.localAddress).use { String(it.readToEnd()) shouldBe "on" }
            reporter.drain().single().let {
                it.what shouldContain "A coroutine of a connection handler failed"
                it.cause.message shouldBe "alone"
            }
            serving.cancelAndJoin()
        }
    }

    test("a handler may pass its scope on, and coroutines of that scope keep the connection open") {
        onReactor { reactor, _ ->
            val listener = reactor.listenOver("127.0.0.1", 0)
            val scopes = CompletableDeferred<CoroutineScope>()
            val go = CompletableDeferred<Unit>()
            val serving = launch {
                listener.serve { connection ->
                    scopes.complete(this)
                    launch { go.await() }
                    connection.readText(1)
                }
            }
            reactor.dialOver(listener.localAddress).use { client ->
                client.write("x")
                val late = scopes.await().launch { delay(10.milliseconds) }
                go.complete(Unit)
                late.join()
                client.readToEnd().size shouldBe 0
            }
            serving.cancelAndJoin()
        }
    }
})
