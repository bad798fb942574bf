package io.netpark.ktor.serving

import io.kotest.matchers.booleans.shouldBeTrue
import io.kotest.matchers.collections.shouldBeEmpty
import io.kotest.matchers.collections.shouldHaveSize
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.ktor.server.response.respondText
import io.ktor.server.routing.get
import io.ktor.server.routing.routing
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.eventually
import java.nio.file.Files
import java.nio.file.Path

/** What is seen of a server's connections from outside of them. */
class InspectionSpec : NetparkSpec(body = {

    val source = Files.readAllLines(Path.of("src/main/kotlin/io/netpark/ktor/serving/HttpConnection.kt"))

    test("a connection that waits for its next request is shown, by the line that waits") {
        serving(serverOf { routing { get("/") { call.respondText("Hello") } } }) { server ->
            server.connect().use { peer ->
                peer.send(get("/"))
                peer.answer().text shouldBe "Hello"
                val group = server.engine.group!!
                val read = eventually {
                    val seen = group.connections()
                    seen.silent().shouldBeEmpty()
                    seen.connections().single().parked() shouldHaveSize 1
                    seen.connections().single().parked().single()
                }
                read.operation() shouldBe "read"
                val waits = read.frames().first { it.fileName == "HttpConnection.kt" }
                source[waits.lineNumber - 1].trim() shouldBe "if (!awaitHead()) return"
                group.dump() shouldContain "parked to read: coroutine"
                group.health().isWell.shouldBeTrue()
            }
        }
    }
})
