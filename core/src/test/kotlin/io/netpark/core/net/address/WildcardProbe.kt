package io.netpark.core.net.address

import io.netpark.core.loop.EventLoopGroup
import io.netpark.core.net.listening.ListenerDescriptor
import io.netpark.core.net.options.NetOptions
import java.net.InetSocketAddress

/** What [WildcardSpec] runs in a JVM that prefers one family: says what an address without a host has become. */
fun main() = EventLoopGroup.builder().loops(1).daemon(true).open().use { group ->
    ListenerDescriptor.listen(group, InetSocketAddress(0), NetOptions.DEFAULT).use {
        println("listens on " + (it.localAddress() as InetSocketAddress).address.hostAddress)
    }
}
