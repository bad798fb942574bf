package io.netpark.samples.redis

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.shouldBe
import io.netpark.callback.CallbackServer
import io.netpark.core.sys.NetparkException
import io.netpark.samples.PATIENCE_SECONDS
import io.netpark.samples.SampleSpec
import java.net.InetAddress
import java.net.InetSocketAddress
import java.net.Socket
import java.util.concurrent.CompletableFuture
import java.util.concurrent.TimeUnit

class AnswersSpec : SampleSpec({
    test("for a connection that is closed, a command learns it when answers would be sent, and the next connection gets none") {
        val outcome = CompletableFuture<NetparkException.Closed>()
        val server = CallbackServer.builder().ignoreInput().onConnect { connection ->
            try {
                val answers = Answers()
                answers.begin(connection, false)
                answers.array(1_000_000)
                connection.close()
                val closed = shouldThrow<NetparkException.Closed> { repeat(1_000_000) { answers.bulk("value") } }
                answers.begin(connection, false)
                answers.flush() // nothing is left, so nothing fails
                outcome.complete(closed)
            } catch (e: Throwable) {
                outcome.completeExceptionally(e)
            }
        }.listen(InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
        server.use {
            Socket(InetAddress.getLoopbackAddress(), (server.localAddress() as InetSocketAddress).port).use { client ->
                client.getInputStream().read() shouldBe -1
                outcome.get(PATIENCE_SECONDS, TimeUnit.SECONDS)
            }
        }
    }
})
