package io.netpark.core.loop

import io.netpark.core.net.listening.ListenerDescriptor
import io.netpark.core.net.options.NetOptions
import io.netpark.core.testing.BlockingConnection
import io.netpark.core.testing.BlockingListener
import io.netpark.core.testing.loopback
import java.net.InetSocketAddress
import kotlin.concurrent.thread

/** Echoes for as many as its descriptors allow. Prints its port. For a JVM of its own, with few descriptors. */
fun main() {
    val group = EventLoopGroup.builder().loops(1).daemon(true).open()
    val listener = BlockingListener(ListenerDescriptor.listen(group, loopback(), NetOptions.DEFAULT))
    println((listener.listener.localAddress() as InetSocketAddress).port)
    while (true) {
        val connection = listener.accept()
        thread(isDaemon = true) { echo(connection) }
    }
}

private fun echo(connection: BlockingConnection) = connection.use {
    while (true) {
        val text = it.readSome()
        if (text.isEmpty()) break
        it.write(text)
    }
}
