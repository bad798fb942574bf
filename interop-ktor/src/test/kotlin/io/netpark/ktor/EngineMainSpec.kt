package io.netpark.ktor

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.ktor.server.application.Application
import io.ktor.server.application.ServerReady
import io.ktor.server.request.receiveText
import io.ktor.server.response.respondText
import io.ktor.server.routing.get
import io.ktor.server.routing.post
import io.ktor.server.routing.routing
import io.netpark.core.testing.HeldPort
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.async
import io.netpark.core.testing.result
import io.netpark.core.testing.shouldReturnToBaseline
import io.netpark.ktor.behaviour.Certificates
import io.netpark.ktor.behaviour.Scheme
import io.netpark.ktor.behaviour.Site
import io.netpark.ktor.behaviour.get
import io.netpark.ktor.behaviour.post
import kotlinx.coroutines.runBlocking
import java.nio.file.Files
import java.nio.file.Path
import java.util.concurrent.CompletableFuture
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.minutes
import kotlin.time.Duration.Companion.seconds

/** What the main function has started: it keeps that to itself. */
private object Started {
    @Volatile
    var application = CompletableFuture<Application>()
}

/** The module that the configuration files of this spec name. */
fun Application.configured() {
    monitor.subscribe(ServerReady) { Started.application.complete(this) }
    val greeting = environment.config.propertyOrNull("service.greeting")?.getString() ?: "Hello"
    routing {
        get("/") { call.respondText("$greeting by ${call.request.local.scheme}") }
        post("/") { call.respondText("${call.receiveText().length}") }
    }
}

/** The main class, with configuration files and arguments as people have them. */
class EngineMainSpec : NetparkSpec(body = {

    fun withFile(text: String, use: (Path) -> Unit) {
        val file = Files.createTempFile("application", ".conf")
        try {
            use(Files.writeString(file, text))
        } finally {
            Files.delete(file)
        }
    }

    /** Runs the main function with a file of these lines, and [test] with the engine that it has started. */
    fun running(text: String, vararg arguments: String, test: (NetparkApplicationEngine, (Scheme) -> Site) -> Unit) =
        withFile(text) { file ->
            Started.application = CompletableFuture()
            val main = async { EngineMain.main(arrayOf("-config=$file", *arguments)) }
            val first = CompletableFuture.anyOf(Started.application, main)
            first.result()
            val engine = Started.application.result().engine as NetparkApplicationEngine
            try {
                main.isDone shouldBe false
                val connectors = runBlocking { engine.resolvedConnectors() }
                test(engine) { scheme -> Site(scheme, connectors.single { it.type.name == scheme.name }.port) }
            } finally {
                engine.stop(0, 1000)
            }
            main.result() // it returns when the engine has been stopped
        }

    val modules = "ktor.application.modules = [ io.netpark.ktor.EngineMainSpecKt.configured ]"

    test("a file names the module, where to listen, and settings under their own names") {
        val file = """
            ktor {
              deployment { host = 127.0.0.1, port = 0, maxHeaderFields = 3, maxBodySize = 10, maxRequestLine = 100 }
              application.modules = [ io.netpark.ktor.EngineMainSpecKt.configured ]
            }
            service.greeting = "Good day"
        """.trimIndent()
        running(file) { _, site ->
            site(Scheme.HTTP).let { http ->
                http.ask(get("/")).text shouldBe "Good day by http"
                http.ask(get("/", "A: 1", "B: 2")).status shouldBe 200
                http.ask(get("/", "A: 1", "B: 2", "C: 3")).status shouldBe 431
                http.ask(post("/", "0123456789")).text shouldBe "10"
                http.ask(post("/", "0123456789+")).status shouldBe 413
                http.ask(get("/?${"x".repeat(100)}")).status shouldBe 414
            }
        }
    }

    test("arguments go before the file: the port, and settings by -P") {
        val held = HeldPort()
        val port = held.port
        val file = "ktor.deployment { host = 127.0.0.1, port = 1, maxHeaderFields = 1, eventLoops = 1 }\n$modules"
        running(file, "-port=$port", "-P:ktor.deployment.maxHeaderFields=4", "-P:ktor.deployment.eventLoops=2") { engine, _ ->
            Site(Scheme.HTTP, port).let { http ->
                http.ask(get("/", "A: 1")).text shouldBe "Hello by http"
                http.ask(get("/", "A: 1", "B: 2", "C: 3", "D: 4")).status shouldBe 431
            }
            engine.group!!.loops().size shouldBe 2
        }
        held.close()
    }

    test("a connector with TLS, its key store a file") {
        val store = Files.createTempFile("store", ".jks")
        try {
            Files.newOutputStream(store).use { Certificates.keyStore.store(it, Certificates.PASSWORD.toCharArray()) }
            val file = """
                ktor.deployment { host = 127.0.0.1, port = 0, sslPort = 0 }
                ktor.security.ssl {
                  keyStore = "$store", keyAlias = ${Certificates.ALIAS}
                  keyStorePassword = ${Certificates.PASSWORD}, privateKeyPassword = ${Certificates.PASSWORD}
                }
                $modules
            """.trimIndent()
            running(file) { _, site ->
                for (scheme in Scheme.entries) site(scheme).ask(get("/")).text shouldBe "Hello by $scheme"
            }
        } finally {
            Files.delete(store)
        }
    }

    test("each setting is read") {
        val file = """
            ktor.deployment {
              host = 127.0.0.1, port = 0, shutdownGracePeriod = 123, shutdownTimeout = 456
              eventLoops = 3, maxRequestLine = 1001, maxHeadSize = 1002, maxHeaderFields = 103, maxBodySize = 5000000000
              maxDiscardedBody = 1004, maxPipelinedCalls = 5, headTimeout = 6s, bodyTimeout = "1m 30s", writeTimeout = PT7S
              idleTimeout = 800ms, lingerTime = 1.5s, maxConnections = 1009, maxConnectionsPerAddress = 1010
              listenOnEachLoop = true
            }
            $modules
        """.trimIndent()
        running(file) { engine, _ ->
            with(engine.configuration) {
                shutdownGracePeriod shouldBe 123
                shutdownTimeout shouldBe 456
                eventLoops shouldBe 3
                maxRequestLine shouldBe 1001
                maxHeadSize shouldBe 1002
                maxHeaderFields shouldBe 103
                maxBodySize shouldBe 5_000_000_000
                maxDiscardedBody shouldBe 1004
                maxPipelinedCalls shouldBe 5
                headTimeout shouldBe 6.seconds
                bodyTimeout shouldBe 1.minutes + 30.seconds
                writeTimeout shouldBe 7.seconds
                idleTimeout shouldBe 800.milliseconds
                lingerTime shouldBe 1500.milliseconds
                maxConnections shouldBe 1009
                maxConnectionsPerAddress shouldBe 1010
                listenOnEachLoop shouldBe true
            }
        }
    }

    test("without settings there are the defaults") {
        running("ktor.deployment { host = 127.0.0.1, port = 0 }\n$modules") { engine, _ ->
            with(engine.configuration) {
                eventLoops shouldBe null
                maxBodySize shouldBe Long.MAX_VALUE
                idleTimeout shouldBe 60.seconds
                maxConnections shouldBe null
                listenOnEachLoop shouldBe false
            }
        }
    }

    for ((setting, said) in listOf(
        "idleTimeout = soon" to "\"soon\"", "eventLoops = many" to "\"many\"", "maxBodySize = 1.5" to "\"1.5\"",
        "listenOnEachLoop = perhaps" to "\"perhaps\"",
    )) {
        test("a setting that cannot be is named, and nothing is started: $setting") {
            withFile("ktor.deployment { host = 127.0.0.1, port = 0, $setting }\n$modules") { file ->
                val failure = shouldThrow<IllegalArgumentException> { EngineMain.main(arrayOf("-config=$file")) }
                failure.message!! shouldContain "ktor.deployment.${setting.substringBefore(' ')} cannot be $said"
            }
        }
    }

    for (setting in listOf(
        "eventLoops = 0", "maxRequestLine = 1", "maxHeadSize = 2", "maxHeaderFields = 0", "maxBodySize = -1", "maxDiscardedBody = -2",
        "maxPipelinedCalls = 0", "headTimeout = 0s", "bodyTimeout = 0s", "writeTimeout = 0s", "idleTimeout = 0s", "lingerTime = 0s",
        "maxConnections = 0", "maxConnectionsPerAddress = 0",
    )) {
        test("a setting that has no sense is named as it is in the file, and nothing is started: $setting") {
            shouldReturnToBaseline {
                withFile("ktor.deployment { host = 127.0.0.1, port = 0, $setting }\n$modules") { file ->
                    val failure = shouldThrow<IllegalArgumentException> { EngineMain.main(arrayOf("-config=$file")) }
                    failure.message!! shouldContain setting.replace(" = ", " cannot be ")
                }
            }
        }
    }

    test("a file without a port is refused by Ktor, which says so") {
        withFile(modules) { file ->
            shouldThrow<IllegalArgumentException> { EngineMain.main(arrayOf("-config=$file")) }.message!! shouldContain "port"
        }
    }
})
