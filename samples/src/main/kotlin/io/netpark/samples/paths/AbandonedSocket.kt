package io.netpark.samples.paths

import java.io.IOException
import java.net.ConnectException
import java.net.StandardProtocolFamily
import java.net.UnixDomainSocketAddress
import java.nio.channels.SocketChannel
import java.nio.file.Files
import java.nio.file.LinkOption
import java.nio.file.NoSuchFileException
import java.nio.file.Path

/** Of st_mode, in inode(7). */
private const val TYPE = 0xF000
private const val SOCKET = 0xC000

/** Whether there is a unix socket at a path, and not something else, or a link to it. */
internal fun isSocket(path: Path): Boolean = try {
    Files.getAttribute(path, "unix:mode", LinkOption.NOFOLLOW_LINKS) as Int and TYPE == SOCKET
} catch (_: NoSuchFileException) {
    false
}

/**
 * Removes what a killed process has left at a path: a socket at which nobody listens, and nothing else. connect(2) is not enough to tell:
 * it says ECONNREFUSED of a regular file as well.
 */
internal fun removeAbandonedSocket(path: Path) {
    if (!isSocket(path)) return // whoever binds is told
    try {
        SocketChannel.open(StandardProtocolFamily.UNIX).use {
            it.configureBlocking(false) // else it waits while the backlog is full
            it.connect(UnixDomainSocketAddress.of(path))
        }
    } catch (_: ConnectException) {
        Files.deleteIfExists(path)
    } catch (_: IOException) {
        // It is another user's, of another kind, or somebody is there.
    }
}
