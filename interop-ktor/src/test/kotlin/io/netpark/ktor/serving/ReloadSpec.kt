package io.netpark.ktor.serving

import io.kotest.matchers.shouldBe
import io.ktor.server.application.serverConfig
import io.ktor.server.config.MapApplicationConfig
import io.ktor.server.engine.applicationEnvironment
import io.ktor.server.engine.connector
import io.ktor.server.engine.embeddedServer
import io.ktor.server.response.respondText
import io.ktor.server.routing.get
import io.ktor.server.routing.routing
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.SOON
import io.netpark.core.testing.async
import io.netpark.core.testing.eventually
import io.netpark.core.testing.result
import io.netpark.ktor.Netpark
import io.netpark.ktor.behaviour.Peer
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.awaitCancellation
import org.slf4j.helpers.NOPLogger
import java.net.URLClassLoader
import java.nio.file.Files
import java.nio.file.Path
import java.util.concurrent.CountDownLatch
import java.util.concurrent.TimeUnit
import java.util.concurrent.atomic.AtomicInteger

/** An application that is replaced while its engine runs. */
class ReloadSpec : NetparkSpec(body = {

    fun Peer.ask(path: String = "/"): String {
        send(get(path))
        return answer().text
    }

    fun CountDownLatch.awaitSoon() = check(await(SOON.inWholeSeconds, TimeUnit.SECONDS)) { "nobody has come" }

    test("after a reload requests are the new application's, on connections that were there before as well") {
        val made = AtomicInteger()
        val server = serverOf {
            val number = made.incrementAndGet()
            routing { get("/") { call.respondText("$number") } }
        }
        serving(server) {
            server.connect().use { peer ->
                peer.ask() shouldBe "1"
                for (number in 2..4) {
                    server.reload()
                    peer.ask() shouldBe "$number"
                    peer.ask() shouldBe "$number"
                    server.connect().use { other -> other.ask() shouldBe "$number" }
                }
            }
        }
    }

    test("a call of the old application is cancelled, and what is asked next is the new application's") {
        val begun = CountDownLatch(1)
        val cancelled = CountDownLatch(1)
        val made = AtomicInteger()
        val server = serverOf {
            val number = made.incrementAndGet()
            routing {
                get("/") { call.respondText("$number") }
                get("/waiting") {
                    begun.countDown()
                    try {
                        awaitCancellation()
                    } catch (e: CancellationException) {
                        cancelled.countDown()
                        throw e
                    }
                }
            }
        }
        serving(server) {
            server.connect().use { peer ->
                peer.send(get("/waiting"))
                begun.awaitSoon()
                async { server.reload() }.result()
                cancelled.awaitSoon()
                val answer = peer.answerOrCut() ?: return@use // Ktor may not get to an answer
                answer.status shouldBe 503
                peer.ask() shouldBe "2"
            }
            server.connect().use { peer -> peer.ask() shouldBe "2" }
        }
    }

    test("a request that comes while the new application is made waits for it, and holds up no loop") {
        val made = AtomicInteger()
        val making = CountDownLatch(1)
        val goOn = CountDownLatch(1)
        val server = serverOf(configure = { eventLoops = 1 }) {
            val number = made.incrementAndGet()
            if (number == 2) {
                making.countDown()
                goOn.awaitSoon()
            }
            routing { get("/") { call.respondText("$number") } }
        }
        serving(server) {
            val peers = List(3) { server.connect() }
            try {
                for (peer in peers) peer.ask() shouldBe "1"
                val reloading = async { server.reload() }
                making.awaitSoon()
                for (peer in peers) peer.send(get("/"))
                server.connect().use { other -> // the loop takes and answers what needs no application
                    other.send("nonsense\r\n\r\n")
                    other.answer().status shouldBe 400
                }
                goOn.countDown()
                reloading.result()
                for (peer in peers) peer.answer().text shouldBe "2"
            } finally {
                peers.forEach { it.close() }
            }
        }
    }

    test("in development mode a class that changes is loaded again, and a connection goes on") {
        val folder = copyOfClasses("ReloadableKt")
        try {
            URLClassLoader(arrayOf(folder.toUri().toURL()), ReloadSpec::class.java.classLoader).use { loader ->
                val environment = applicationEnvironment {
                    log = NOPLogger.NOP_LOGGER
                    classLoader = loader
                    config = MapApplicationConfig(
                        "ktor.application.modules.size" to "1",
                        "ktor.application.modules.0" to "io.netpark.ktor.serving.ReloadableKt.reloadable",
                    )
                }
                val config = serverConfig(environment) {
                    developmentMode = true
                    watchPaths = listOf("${folder.fileName}")
                }
                val server = embeddedServer(Netpark, config) {
                    connector {
                        host = "127.0.0.1"
                        port = 0
                    }
                }
                serving(server) {
                    server.connect().use { peer ->
                        for (count in 1..3) peer.ask() shouldBe "$count"
                        // Moved there whole: one change, where writing it would be two, and may be two reloads.
                        val another = Files.writeString(Files.createTempFile("Another", ".class"), "that is new")
                        Files.move(another, folder.resolve("io/netpark/ktor/serving/Another.class"))
                        eventually { peer.ask() shouldBe "1" } // the kernel tells of the change a little later
                        peer.ask() shouldBe "2"
                    }
                }
            }
        } finally {
            folder.toFile().deleteRecursively()
        }
    }
})

/** A folder with the classes whose names begin so. */
private fun copyOfClasses(prefix: String): Path {
    val folder = Files.createTempDirectory("reloadable")
    val room = ReloadSpec::class.java.packageName.replace('.', '/')
    val source = Path.of(ReloadSpec::class.java.protectionDomain.codeSource.location.toURI()).resolve(room)
    val target = Files.createDirectories(folder.resolve(room))
    Files.newDirectoryStream(source, "$prefix*.class").use { classes ->
        for (file in classes) Files.copy(file, target.resolve(file.fileName))
    }
    return folder
}
