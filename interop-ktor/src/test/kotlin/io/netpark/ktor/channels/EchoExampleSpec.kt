package io.netpark.ktor.channels

import io.kotest.matchers.shouldBe
import io.ktor.utils.io.readLine
import io.ktor.utils.io.writeStringUtf8
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.loopback
import io.netpark.coroutines.Connection
import io.netpark.coroutines.Reactor
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking

/**
 * The example of the bridge's documentation: an echo by lines, as a program for ktor-network has it, but for the first two
 * lines.
 */
private suspend fun echoLines(connection: Connection) {
    val input = connection.readChannel()
    val output = connection.writeChannel()
    while (true) {
        val line = input.readLine() ?: break
        output.writeStringUtf8("$line\n")
        output.flush()
    }
}

class EchoExampleSpec : NetparkSpec(body = {
    test("a program for ktor-network serves and dials by the bridge") {
        Reactor(1) { daemon(true) }.use { reactor ->
            runBlocking {
                reactor.listen(loopback()).use { listener ->
                    val serving = launch { listener.serve { echoLines(it) } }
                    reactor.dial(listener.localAddress).use { connection ->
                        val input = connection.readChannel()
                        val output = connection.writeChannel()
                        repeat(100) { number ->
                            output.writeStringUtf8("line $number\r\n")
                            output.flush()
                            input.readLine() shouldBe "line $number"
                        }
                        output.flushAndClose()
                        input.readLine() shouldBe null
                    }
                    serving.cancel()
                }
            }
        }
    }
})
