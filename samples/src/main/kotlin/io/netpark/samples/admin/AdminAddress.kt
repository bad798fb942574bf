package io.netpark.samples.admin

import io.netpark.core.sys.UnixAddress
import picocli.CommandLine.ITypeConverter
import picocli.CommandLine.TypeConversionException
import java.net.InetAddress
import java.net.InetSocketAddress
import java.net.SocketAddress

/**
 * Where the pages of an [AdminServer] are: `unix:/path`, `127.0.0.1:port` or `[::1]:port`. They have no password, so they are for this
 * machine only.
 */
internal class AdminAddress : ITypeConverter<SocketAddress> {

    override fun convert(text: String): SocketAddress {
        if (text.startsWith("$UNIX/")) return unix(text.removePrefix(UNIX))
        val host = text.substringBeforeLast(':')
        val port = text.substringAfterLast(':', "").toIntOrNull()
        if (host !in HOSTS || port == null || port !in 0..65535) {
            throw TypeConversionException(
                "'$text' is none of unix:/path, 127.0.0.1:port and [::1]:port; there is no password, so it is for this machine only",
            )
        }
        return InetSocketAddress(InetAddress.getByName(host), port)
    }

    private fun unix(path: String): SocketAddress = try {
        UnixAddress.path(path)
    } catch (e: IllegalArgumentException) {
        throw TypeConversionException(e.message) // how long it may be
    }

    private companion object {
        const val UNIX = "unix:"
        val HOSTS = setOf("127.0.0.1", "[::1]")
    }
}
