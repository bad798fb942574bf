package io.netpark.core.memory

import io.netpark.core.buffer.SegmentPool
import io.netpark.core.loop.EventLoopGroup
import io.netpark.core.net.dialing.Connecting
import io.netpark.core.net.listening.ListenerDescriptor
import io.netpark.core.net.options.NetOptions
import io.netpark.core.testing.BlockingConnection
import io.netpark.core.testing.BlockingListener
import io.netpark.core.testing.loopback

/** Whatever might want sun.misc.Unsafe. For a JVM of its own that has none. */
fun main() {
    check(ModuleLayer.boot().findModule("jdk.unsupported").isEmpty) { "jdk.unsupported is there" }
    EventLoopGroup.builder().loops(2).daemon(true).open().use { group ->
        BlockingListener(ListenerDescriptor.listen(group, loopback(), NetOptions.DEFAULT)).use { listener ->
            BlockingConnection(Connecting.begin(group.next(), listener.address, NetOptions.DEFAULT)).use { client ->
                listener.accept().use { server ->
                    client.connect().write("hello")
                    check(server.readText(5) == "hello")
                }
            }
        }
        group.first().pipes().take()?.let { group.first().pipes().giveBack(it) }
    }
    val pool = SegmentPool.builder().build()
    pool.take(10_000).release()
    pool.close()
}
