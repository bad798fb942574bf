package io.netpark.coroutines

import kotlinx.coroutines.runBlocking
import java.nio.ByteBuffer

fun echoServer(port: Int) = Reactor().use { reactor ->
    runBlocking {
        reactor.listen("127.0.0.1", port).serve { connection ->
            val buffer = ByteBuffer.allocateDirect(16 * 1024)
            while (connection.read(buffer) != Connection.END_OF_STREAM) {
                connection.write(buffer.flip())
                buffer.clear()
            }
        }
    }
}
