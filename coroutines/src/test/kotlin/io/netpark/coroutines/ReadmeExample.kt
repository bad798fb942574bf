package io.netpark.coroutines

import kotlinx.coroutines.runBlocking

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
