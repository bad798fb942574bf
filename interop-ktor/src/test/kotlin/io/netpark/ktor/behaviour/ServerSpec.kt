package io.netpark.ktor.behaviour

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.assertions.withClue
import io.kotest.matchers.collections.shouldContainExactly
import io.kotest.matchers.collections.shouldHaveSize
import io.kotest.matchers.ints.shouldBeGreaterThan
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.ktor.events.EventDefinition
import io.ktor.server.application.Application
import io.ktor.server.application.ApplicationStarted
import io.ktor.server.application.ApplicationStarting
import io.ktor.server.application.ApplicationStopPreparing
import io.ktor.server.application.ApplicationStopped
import io.ktor.server.application.ApplicationStopping
import io.ktor.server.application.ServerReady
import io.ktor.server.application.serverConfig
import io.ktor.server.engine.EngineConnectorConfig
import io.ktor.server.engine.connector
import io.ktor.server.engine.embeddedServer
import io.ktor.server.response.respondText
import io.ktor.server.response.respondTextWriter
import io.ktor.server.routing.get
import io.ktor.server.routing.routing
import io.netpark.core.testing.HeldPort
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.SOON
import io.netpark.core.testing.async
import io.netpark.core.testing.eventually
import io.netpark.core.testing.result
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.ExperimentalCoroutinesApi
import kotlinx.coroutines.Job
import kotlinx.coroutines.currentCoroutineContext
import kotlinx.coroutines.delay
import kotlinx.coroutines.job
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withContext
import kotlinx.coroutines.withTimeout
import java.io.IOException
import java.net.BindException
import java.net.InetAddress
import java.net.ServerSocket
import java.net.Socket
import java.util.concurrent.ConcurrentLinkedQueue
import java.util.concurrent.CountDownLatch
import java.util.concurrent.TimeUnit
import java.util.concurrent.atomic.AtomicInteger
import java.util.concurrent.atomic.AtomicReference
import kotlin.coroutines.AbstractCoroutineContextElement
import kotlin.coroutines.CoroutineContext
import kotlin.time.Duration.Companion.minutes
import kotlin.time.Duration.Companion.seconds

private class Marker(val name: String) : AbstractCoroutineContextElement(Marker) {
    companion object Key : CoroutineContext.Key<Marker>
}

@OptIn(ExperimentalCoroutinesApi::class)
private fun Job.isBelow(other: Job) = generateSequence(this) { it.parent }.any { it == other }

/** Outside of any test's scope: a server that is a child of its test cannot stop while the test blocks their thread. */
private fun serverOf(module: suspend Application.() -> Unit) =
    embeddedServer(Subject.ofThisRun.engine, port = 0, host = "127.0.0.1", module = module)

/** From the start of a server to its end. Each test has servers of its own, and nothing of them is left after it. */
class ServerSpec : NetparkSpec(body = {
    fun promise(name: String, test: suspend () -> Unit) =
        test(name).config(enabled = Subject.ofThisRun == Subject.NETPARK) { test() }

    beforeSpec { check(!jdkClient.executor().isPresent) } // its descriptors are there before the first baseline

    /** Whether somebody listens there. */
    fun Site.isUp(): Boolean = runCatching { connect().close() }.isSuccess

    test("the chosen ports are told, and none of them is 0") {
        val held = HeldPort()
        val free = held.port
        RunningApplication(configure = {
            connector { host = "127.0.0.1"; port = 0 }
            connector { host = "127.0.0.1"; port = free }
        }) {}.use { running ->
            val connectors = runBlocking { running.server.engine.resolvedConnectors() }
            connectors shouldHaveSize 2
            connectors.forEach { it.port shouldBeGreaterThan 0 }
            connectors[1].port shouldBe free
        }
        held.close()
    }

    test("the events of a life come in their order, and ServerReady when requests are answered") {
        val events = ConcurrentLinkedQueue<String>()
        val ready = CountDownLatch(1)
        val running = RunningApplication(onMonitor = {
            fun note(name: String, event: EventDefinition<Application>) = subscribe(event) { events += name }
            note("starting", ApplicationStarting)
            note("started", ApplicationStarted)
            note("stopping", ApplicationStopping)
            note("stopped", ApplicationStopped)
            subscribe(ApplicationStopPreparing) { events += "stop preparing" }
            subscribe(ServerReady) {
                events += "ready"
                ready.countDown()
            }
        }) { routing { get("/") { call.respondText("OK") } } }
        running.use {
            ready.await(SOON.inWholeSeconds, TimeUnit.SECONDS) shouldBe true
            for (site in running.sites) site.ask(get("/")).text shouldBe "OK"
        }
        eventually { events.toSet() shouldBe setOf("starting", "started", "ready", "stop preparing", "stopping", "stopped") }
        events.toList() - "ready" shouldContainExactly listOf("starting", "started", "stop preparing", "stopping", "stopped")
    }

    test("a module that fails: it ran once, start fails with its exception, and nothing is left") {
        val count = AtomicInteger()
        val server = serverOf {
            count.incrementAndGet()
            error("Foo")
        }
        shouldThrow<IllegalStateException> { server.start() }.message shouldBe "Foo"
        count.get() shouldBe 1
        server.stop(0, 100)
    }

    promise("a port that is in use: start fails and says which, and nothing is left") {
        ServerSocket(0, 5, InetAddress.getByName("127.0.0.1")).use { taken ->
            val server = embeddedServer(Subject.ofThisRun.engine, port = taken.localPort, host = "127.0.0.1") {}
            val failure = runCatching { server.start() }.exceptionOrNull()
            check(generateSequence(failure) { it.cause }.any { it is BindException || it is IOException }) { "$failure" }
            generateSequence(failure) { it.cause }.joinToString { "$it" } shouldContain "${taken.localPort}"
            server.stop(0, 100)
        }
    }

    test("started, stopped and started again on the same port") {
        val held = HeldPort()
        val port = held.port
        repeat(3) { round ->
            RunningApplication(configure = { connector { host = "127.0.0.1"; this.port = port } }) {
                routing { get("/") { call.respondText("round $round") } }
            }.use { running ->
                running.over(Scheme.HTTP).connect().use { peer ->
                    peer.send(get("/"))
                    peer.answer().text shouldBe "round $round"
                }
            }
        }
        held.close()
    }

    test("two servers beside each other") {
        fun named(name: String) = RunningApplication { routing { get("/") { call.respondText(name) } } }
        named("one").use { one ->
            named("two").use { two ->
                for (site in one.sites) site.ask(get("/")).text shouldBe "one"
                for (site in two.sites) site.ask(get("/")).text shouldBe "two"
            }
            for (site in one.sites) site.ask(get("/")).text shouldBe "one"
        }
    }

    test("a connector of all addresses answers by IPv4 and by IPv6, and says by which name it was asked") {
        RunningApplication(configure = { connector { port = 0 } }) {
            routing { get("/") { call.respondText(call.request.local.run { "$serverHost:$serverPort" }) } }
        }.use { running ->
            val port = running.over(Scheme.HTTP).port
            for ((address, name) in listOf("127.0.0.1" to "127.0.0.1", "::1" to "[::1]", "::1" to "[0:0:0:0:0:0:0:1]")) {
                Socket(InetAddress.getByName(address), port).use { socket ->
                    val peer = Peer(socket, socket)
                    peer.sendHead("GET / HTTP/1.1", "Host: $name:$port")
                    peer.answer().text shouldBe "$name:$port"
                }
            }
        }
    }

    test("what the parent's context has is in the context of calls, and the parent's cancellation ends the server") {
        val parent = Job()
        val running = RunningApplication(parent = parent + Marker("parent")) {
            routing {
                get("/") {
                    val contexts = listOf(currentCoroutineContext(), call.coroutineContext)
                    call.respondText(contexts.joinToString(" ") { "${it[Marker]?.name}" })
                }
            }
        }
        val sites = running.sites
        for (site in sites) site.ask(get("/")).text shouldBe "parent parent"
        parent.cancel()
        runBlocking { withTimeout(15.seconds) { parent.join() } }
        eventually { check(sites.none { it.isUp() }) }
        running.close()
    }

    test("jobs of the application and of its calls live until the server stops, and are cancelled then") {
        val jobs = ConcurrentLinkedQueue<Job>()
        val running = RunningApplication {
            jobs += launch { delay(5.minutes) }
            routing {
                get("/") {
                    jobs += call.launch { delay(5.minutes) }
                    call.respondText("launched")
                }
            }
        }
        running.use {
            for (site in running.sites) site.ask(get("/")).text shouldBe "launched"
            Thread.sleep(100)
            check(jobs.all { it.isActive })
        }
        eventually { check(jobs.all { it.isCancelled }) }
    }

    promise("the job of a call is below the application's, and its handler stays on its thread") {
        RunningApplication {
            routing {
                get("/") {
                    val application = call.application.coroutineContext.job
                    val below = listOf(call.coroutineContext.job, currentCoroutineContext().job).map { it.isBelow(application) }
                    val before = Thread.currentThread()
                    withContext(Dispatchers.IO) { delay(10) }
                    call.respondText("$below ${Thread.currentThread() == before}")
                }
            }
        }.use { running -> for (site in running.sites) site.ask(get("/")).text shouldBe "[true, true] true" }
    }

    promise("stop lets a request under way come to its end, and waits no longer") { // KTOR-9690, KTOR-7360, KTOR-8770
        for (scheme in Scheme.all) {
            val entered = CountDownLatch(1)
            val running = RunningApplication {
                routing {
                    get("/") {
                        entered.countDown()
                        delay(500)
                        call.respondText("finished")
                    }
                }
            }
            val site = running.over(scheme)
            site.connect().use { peer ->
                peer.send(get("/"))
                entered.await()
                val begin = System.nanoTime()
                val stopping = async { running.server.stop(30_000, 60_000) }
                peer.answer().text shouldBe "finished"
                peer.isEnded() shouldBe true
                stopping.result()
                check(System.nanoTime() - begin < 20_000_000_000) { "it waited for the end of the grace period" }
            }
        }
    }

    promise("stop with nothing to do does not wait for the grace period, idle connections or not") { // KTOR-7360
        val running = RunningApplication { routing { get("/") { call.respondText("OK") } } }
        val idle = running.sites.map { site ->
            site.connect().also {
                it.send(get("/"))
                it.answer()
            }
        }
        val begin = System.nanoTime()
        async { running.server.stop(60_000, 120_000) }.result()
        check(System.nanoTime() - begin < 15_000_000_000) { "it waited" }
        for (peer in idle) peer.use { it.isEnded() shouldBe true }
    }

    test("stop right behind the head of an answer lets the rest come") {
        repeat(100) { round ->
            val running = RunningApplication {
                routing {
                    get("/") {
                        call.respondTextWriter {
                            repeat(4) {
                                write("more and more\n")
                                flush()
                                delay(1)
                            }
                        }
                    }
                }
            }
            running.over(Scheme.HTTP).connect().use { peer ->
                peer.send(get("/"))
                peer.answerHead().status shouldBe 200
                val stopping = async { running.server.stop(SOON.inWholeMilliseconds, SOON.inWholeMilliseconds) }
                withClue("round $round") { generateSequence { peer.chunk() }.sumOf { it.size } shouldBe 4 * "more and more\n".length }
                stopping.result()
            }
            running.close() // and nothing was thrown
        }
    }

    test("stop cuts what is not over when the time is") {
        val begun = CompletableDeferred<Unit>()
        val cancelled = CompletableDeferred<Unit>()
        val running = RunningApplication {
            routing {
                get("/") {
                    call.respondTextWriter {
                        begun.complete(Unit)
                        try {
                            while (true) {
                                write("more and more\n")
                                flush()
                                delay(10)
                            }
                        } finally {
                            cancelled.complete(Unit)
                        }
                    }
                }
            }
        }
        running.over(Scheme.HTTP).connect().use { peer ->
            peer.send(get("/"))
            peer.answerHead().status shouldBe 200
            runBlocking { withTimeout(SOON) { begun.await() } } // a call that is cancelled before has nothing to be told
            async { running.server.stop(100, 500) }.result()
            runBlocking { withTimeout(SOON) { cancelled.await() } }
            runCatching { generateSequence { peer.chunk() }.count() }.isFailure shouldBe true
        }
        running.close()
    }

    test("startSuspend and stopSuspend") {
        val server = serverOf {
            routing { get("/") { call.respondText("OK") } }
        }
        runBlocking {
            server.startSuspend(wait = false)
            val port = server.engine.resolvedConnectors().map(EngineConnectorConfig::port).single()
            Site(Scheme.HTTP, port).ask(get("/", "Connection: close")).text shouldBe "OK"
            server.stopSuspend(0, 1000)
            Site(Scheme.HTTP, port).isUp() shouldBe false
        }
    }

    test("start that waits returns when the server is stopped") {
        val port = CompletableDeferred<Int>()
        val stop = AtomicReference<() -> Unit>()
        val waiting = async {
            val server = serverOf {}
            stop.set { server.stop(0, 100) }
            CoroutineScope(Job()).launch { port.complete(server.engine.resolvedConnectors().single().port) }
            server.start(wait = true)
        }
        runBlocking { withTimeout(SOON) { port.await() } }
        stop.get()()
        waiting.result()
    }

    test("stopped twice, and stopped before it was started") {
        serverOf {}.stop(0, 100)
        val running = RunningApplication {}
        running.close()
        running.close()
    }

    test("the application lives below a path") {
        val config = serverConfig {
            rootPath = "/below"
            developmentMode = false
            module { routing { get("/a") { call.respondText("OK") } } }
        }
        val server = embeddedServer(Subject.ofThisRun.engine, config) { connector { host = "127.0.0.1"; port = 0 } }
        server.start()
        try {
            val site = Site(Scheme.HTTP, runBlocking { server.engine.resolvedConnectors().single().port })
            site.ask(get("/below/a")).text shouldBe "OK"
            site.ask(get("/a")).status shouldBe 404
        } finally {
            server.stop(0, 100)
        }
    }
})
