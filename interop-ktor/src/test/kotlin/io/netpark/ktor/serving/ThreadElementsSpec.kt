package io.netpark.ktor.serving

import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.collections.shouldContainExactly
import io.kotest.matchers.nulls.shouldBeNull
import io.kotest.matchers.shouldBe
import io.ktor.server.response.respondText
import io.ktor.server.routing.get
import io.ktor.server.routing.routing
import io.netpark.core.loop.EventLoop
import io.netpark.core.testing.SOON
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.ThreadContextElement
import kotlinx.coroutines.asContextElement
import kotlinx.coroutines.withContext
import kotlinx.coroutines.yield
import java.util.concurrent.CompletableFuture
import java.util.concurrent.TimeUnit
import kotlin.coroutines.AbstractCoroutineContextElement
import kotlin.coroutines.CoroutineContext
import kotlin.time.Duration.Companion.seconds

/** What the context of an application puts on the threads of its calls, such as the fields of a log. */
class ThreadElementsSpec : FunSpec({

    timeout = 120.seconds.inWholeMilliseconds
    blockingTest = true

    val field = ThreadLocal<String?>()
    val other = ThreadLocal<String?>()

    fun server(parent: CoroutineContext) = serverOf(parent = parent, configure = { eventLoops = 1 }) {
        routing {
            get("/") {
                val seen = mutableListOf("${field.get()}")
                yield()
                seen += "${field.get()}"
                withContext(Dispatchers.IO) { seen += "${field.get()}" }
                seen += "${field.get()}"
                withContext(field.asContextElement("inner")) { seen += "${field.get()}" }
                seen += "${field.get()}"
                call.respondText(seen.joinToString())
            }
            get("/at-once") { call.respondText("${field.get()} ${other.get()}") }
        }
    }

    fun Server.onLoop() = CompletableFuture<String?>().also { found ->
        engine.group!!.loops().single().execute { found.complete(field.get()) }
    }.get(SOON.inWholeSeconds, TimeUnit.SECONDS)

    test("they are there from the first moment of a call to its last, wherever it runs, and are not left on the loop") {
        serving(server(field.asContextElement("mine"))) {
            it.connect().use { peer ->
                repeat(3) { _ ->
                    peer.send(get("/"))
                    peer.answer().text.split(", ") shouldContainExactly listOf("mine", "mine", "mine", "mine", "inner", "mine")
                    peer.send(get("/at-once"))
                    peer.answer().text shouldBe "mine null"
                    it.onLoop().shouldBeNull()
                }
            }
        }
    }

    test("several are taken from the thread in the other order than they were put there") {
        val order = mutableListOf<String>()
        class Noting(private val name: String, key: CoroutineContext.Key<*>) :
            AbstractCoroutineContextElement(key), ThreadContextElement<Unit> {
            override fun updateThreadContext(context: CoroutineContext) {
                if (EventLoop.current() != null) order += "+$name" // Ktor has a coroutine of its own with them, on another thread
            }

            override fun restoreThreadContext(context: CoroutineContext, oldState: Unit) {
                if (EventLoop.current() != null) order += "-$name"
            }
        }

        val keys = List(2) { object : CoroutineContext.Key<CoroutineContext.Element> {} }
        val both = Noting("a", keys[0]) + Noting("b", keys[1]) + field.asContextElement("mine") + other.asContextElement("too")
        serving(server(both)) {
            it.connect().use { peer ->
                peer.send(get("/at-once"))
                peer.answer().text shouldBe "mine too"
                it.onLoop().shouldBeNull() // so the call has returned
                order.takeLast(4) shouldContainExactly listOf("+a", "+b", "-b", "-a")
            }
        }
    }
})
