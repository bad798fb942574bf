package io.netpark.coroutines.readme

import io.netpark.coroutines.Reactor
import kotlinx.coroutines.runBlocking

fun main() = echoServer(7000)

fun echoServer(port: Int) = Reactor().use { reactor ->
    runBlocking {
        reactor.listen("127.0.0.1", port).serve { connection ->
            while (connection.reader.await()) {
                connection.writer.append(connection.reader)
                connection.writer.flush()
            }
        }
    }
}
