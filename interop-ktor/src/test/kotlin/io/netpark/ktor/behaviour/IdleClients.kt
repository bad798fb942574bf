package io.netpark.ktor.behaviour

import java.net.InetSocketAddress
import java.nio.ByteBuffer
import java.nio.channels.SocketChannel

/**
 * Many connections from a process of its own, as a process may not have the descriptors for both ends. Each asks twice; between the
 * two it is idle until there is a line on standard input.
 */
object IdleClients {

    @JvmStatic
    fun main(arguments: Array<String>) {
        val (port, count) = arguments.map { it.toInt() }
        val request = ByteBuffer.wrap(get("/").toByteArray())
        val answer = ByteBuffer.allocateDirect(4096)
        val channels = ArrayList<SocketChannel>(count)

        fun SocketChannel.ask() {
            write(request.rewind())
            answer.clear()
            var text = ""
            while (!text.endsWith("idle")) {
                check(read(answer) > 0) { "the end after \"$text\"" }
                text = String(ByteArray(answer.position()) { answer[it] })
            }
        }

        repeat(count) {
            channels += SocketChannel.open(InetSocketAddress("127.0.0.1", port)).also { it.ask() }
        }
        println("idle")
        readlnOrNull()
        channels.forEach { it.ask() }
        println("answered")
        readlnOrNull()
        channels.forEach { it.close() }
    }
}
