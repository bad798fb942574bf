package io.netpark.ktor.behaviour

import io.kotest.matchers.longs.shouldBeLessThan
import io.kotest.matchers.shouldBe
import io.ktor.server.engine.connector
import io.ktor.server.response.respondText
import io.ktor.server.routing.get
import io.ktor.server.routing.routing
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.childJvm
import io.netpark.core.testing.eventually
import java.util.concurrent.TimeUnit

/** How many there are; 10 000 need a limit of 20 000 descriptors. */
private val connections: Int = Integer.getInteger("netpark.ktor.idle.connections", 1000)

/** Connections that have asked once, and do nothing. */
class IdleSpec : NetparkSpec(leaksMatter = false, body = {

    test("$connections connections are idle: they hold no segments, others are served, and they are served again") {
        val resources = Resources()
        RunningApplication(parent = resources.parent, configure = {
            resources.use(this)
            connector {
                host = "127.0.0.1"
                port = 0
            }
        }) { routing { get("/") { call.respondText("idle") } } }.use { running ->
            val site = running.over(Scheme.HTTP)
            val program = childJvm(IdleClients::class.java.name, listOf("-Xmx256m"))
            val clients = ProcessBuilder(program + listOf("${site.port}", "$connections"))
                .redirectError(ProcessBuilder.Redirect.INHERIT).start()
            try {
                val output = clients.inputReader()
                val input = clients.outputWriter()
                output.readLine() shouldBe "idle"
                eventually { resources.segments shouldBeLessThan 10 }
                repeat(10) { site.ask(get("/", "Connection: close")).text shouldBe "idle" }
                input.write("\n")
                input.flush()
                output.readLine() shouldBe "answered"
                input.write("\n")
                input.flush()
                clients.waitFor(30, TimeUnit.SECONDS) shouldBe true
                clients.exitValue() shouldBe 0
            } finally {
                clients.destroyForcibly().waitFor()
            }
            site.ask(get("/", "Connection: close")).text shouldBe "idle"
        }
        resources.shouldBeBack()
    }
})
