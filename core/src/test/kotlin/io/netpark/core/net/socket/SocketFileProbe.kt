package io.netpark.core.net.socket

import io.netpark.core.loop.EventLoopGroup
import io.netpark.core.net.listening.ListenerDescriptor
import io.netpark.core.net.options.NetOptions
import io.netpark.core.sys.UnixAddress
import java.net.UnixDomainSocketAddress
import java.nio.file.Files
import java.nio.file.Path

/** What [SocketFileSpec] runs in a JVM of its own: with another locale, or with another idea of the working folder. */
fun main(arguments: Array<String>) = EventLoopGroup.builder().loops(1).daemon(true).open().use { group ->
    when (arguments[0]) {
        "name" -> {
            val folder = Path.of(arguments[1])
            val address = UnixAddress.path("${arguments[1]}/s\u00e4")
            check("s\u00e4" in address.toString()) { "it is shown as $address" }
            listenAndClose(group, address, folder)
            listenAndClose(group, UnixAddress.path(address.path()!!), folder)
            listenAndClose(group, UnixAddress.of(UnixDomainSocketAddress.of(address.path()!!)), folder)
            val relative = UnixAddress.path("s\u00e4")
            check(UnixAddress.path(relative.path()!!) == relative) { "$relative became ${relative.path()}" }
            listenAndClose(group, relative, folder)
        }
        "relative" -> listenAndClose(group, UnixAddress.path("rel.sock"), Path.of(arguments[1]))
    }
}

private fun listenAndClose(group: EventLoopGroup, address: UnixAddress, folder: Path) {
    ListenerDescriptor.listen(group, address, NetOptions.DEFAULT).use { listener ->
        check(listener.localAddress() == address) { "$address became ${listener.localAddress()}" }
        check(entries(folder) == 1) { "bound in $folder: ${entries(folder)}" }
    }
    check(entries(folder) == 0) { "the file of $address is left" }
}

/** Not by way of names: those may be none here. */
private fun entries(folder: Path) = Files.newDirectoryStream(folder).use { found -> found.count() }
