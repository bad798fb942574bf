package io.netpark.coroutines

import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.netpark.core.testing.HeldPort
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.eventually
import io.netpark.coroutines.readme.echoServer
import kotlinx.coroutines.runBlocking
import java.nio.file.Path
import kotlin.concurrent.thread
import kotlin.io.path.readText

class ReadmeSpec : NetparkSpec(body = {
    test("the Kotlin example of the README is the one that is compiled here, and it works") {
        val readme = Path.of("../README.md").readText()
        val example = readme.substringAfter("```kotlin\n").substringBefore("```")
        Path.of("src/test/kotlin/io/netpark/coroutines/readme/Echo.kt").readText() shouldContain example

        Reactor(1).use { reactor ->
            HeldPort().use { held ->
                val port = held.port
                val server = thread { runCatching { echoServer(port) } }
                eventually { // until the server listens
                    runBlocking {
                        reactor.dial("127.0.0.1", port).use { client ->
                            client.write("hello")
                            client.shutdownOutput()
                            String(client.readToEnd()) shouldBe "hello"
                        }
                    }
                }
                server.interrupt()
                server.join()
            }
        }
    }
})
