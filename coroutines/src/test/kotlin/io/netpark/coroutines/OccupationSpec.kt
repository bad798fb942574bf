package io.netpark.coroutines

import io.kotest.matchers.collections.shouldContain
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.kotest.matchers.string.shouldStartWith
import io.netpark.core.sys.AddressText
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.RecordingReporter
import io.netpark.core.testing.eventually
import io.netpark.core.testing.loopback
import java.time.Duration
import java.util.concurrent.CountDownLatch
import kotlin.coroutines.EmptyCoroutineContext
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withContext

/** Whoever looks at a loop that is held is told which connection's handler holds it, and so is the reporter. */
class OccupationSpec : NetparkSpec(body = {

    class Hold {
        val begun = CountDownLatch(1)
        val release = CountDownLatch(1)

        fun hold() {
            begun.countDown()
            release.await()
        }
    }

    fun named(what: String, parks: Boolean, handler: suspend CoroutineScope.(Connection, Hold) -> Unit) {
        for (acceptsOnLoop in listOf(true, false)) {
            test("$what, ${if (acceptsOnLoop) "accepted on the loop" else "accepted elsewhere"}") {
                Reactor(1) { daemon(true).metrics(true) }.use { reactor ->
                    Reactor(1) { daemon(true) }.use { clients ->
                        runBlocking {
                            val hold = Hold()
                            val listener = reactor.listen(loopback())
                            val serving = launch(if (acceptsOnLoop) reactor.loopDispatchers.single() else EmptyCoroutineContext) {
                                listener.serve { handler(it, hold) }
                            }
                            val client = clients.dial(listener.localAddress)
                            val address = client.localAddress
                            if (parks) {
                                reactor.awaitParked(2) // the accept, and the handler
                                client.write("now\n")
                            }
                            withContext(Dispatchers.IO) {
                                hold.begun.await()
                                try {
                                    eventually {
                                        val loop = reactor.group.health(Duration.ofMillis(20)).loops().single()
                                        loop.answers() shouldBe false
                                        loop.occupation()!! shouldStartWith "connection to ${AddressText.of(address)}"
                                        loop.occupation()!! shouldContain "(handler io.netpark.coroutines.OccupationSpec"
                                    }
                                    reactor.group.dump() shouldContain "held by connection to ${AddressText.of(address)}"
                                } finally {
                                    hold.release.countDown()
                                }
                            }
                            client.close()
                            serving.cancelAndJoin()
                        }
                    }
                }
            }
        }
    }

    named("a handler that has not suspended yet", parks = false) { _, hold -> hold.hold() }

    named("a handler that has waited for bytes", parks = true) { connection, hold ->
        connection.reader.awaitLine() shouldBe "now"
        hold.hold()
    }

    named("a coroutine that a handler has started", parks = true) { connection, hold ->
        launch {
            connection.reader.awaitLine() shouldBe "now"
            hold.hold()
        }
    }

    test("the report of the watchdog names the connection and its handler") {
        val reporter = RecordingReporter()
        Reactor(1) { daemon(true).metrics(true).reporter(reporter).watchdog(Duration.ofSeconds(1)) }.use { reactor ->
            Reactor(1) { daemon(true) }.use { clients ->
                runBlocking {
                    val hold = Hold()
                    val listener = reactor.listen(loopback())
                    val serving = launch {
                        listener.serve {
                            it.reader.awaitLine() shouldBe "now"
                            hold.hold()
                        }
                    }
                    val client = clients.dial(listener.localAddress)
                    val connection = "connection to ${AddressText.of(client.localAddress)}"
                    reactor.awaitParked(2) // the accept, and the handler, so that it is the line that begins what holds the loop
                    client.write("now\n")
                    withContext(Dispatchers.IO) {
                        hold.begun.await()
                        try {
                            val report = eventually { reporter.reports.first { "has been held for" in it.what && connection in it.what } }
                            report.what shouldContain
                                Regex("by \\Q$connection\\E .*\\(handler io\\.netpark\\.coroutines\\.OccupationSpec[^)]*\\), and serves nobody")
                            report.cause.stackTrace.map { it.methodName } shouldContain "hold"
                        } finally {
                            hold.release.countDown()
                        }
                    }
                    client.close()
                    serving.cancelAndJoin()
                }
            }
        }
    }
})
