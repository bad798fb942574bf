package io.netpark.samples.consumer

import io.netpark.core.sys.Binding
import io.netpark.coroutines.Reactor
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import java.nio.ByteBuffer

/** A server and a client of it, by coroutines. [ModulePathSpec] makes a module of this package. */
object Greeting {

    @JvmStatic
    fun main(arguments: Array<String>) {
        Reactor().use { reactor ->
            runBlocking {
                val listener = reactor.listen("127.0.0.1", 0)
                val server = launch {
                    listener.serve { connection ->
                        val bytes = ByteBuffer.allocateDirect(100)
                        while (connection.read(bytes) >= 0) { // read and write are inline: what they call is called from here
                            bytes.flip()
                            connection.write(bytes)
                            bytes.clear()
                        }
                    }
                }
                reactor.dial(listener.localAddress).use { connection ->
                    connection.writer.writeString("hello world\n")
                    connection.writer.flush()
                    println(connection.reader.awaitLine())
                }
                server.cancelAndJoin()
            }
        }
        println(Binding.defaultLibC().javaClass.simpleName)
        println("${Greeting::class.java.module}, ${Reactor::class.java.module}")
    }
}
