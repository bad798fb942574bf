package io.netpark.ktor.answers

import io.netpark.core.sys.UnixAddress

/**
 * The address of a unix connector.
 *
 * @param path of the socket's file, or `@` and an abstract name, which is no file (unix(7))
 * @throws IllegalArgumentException it is empty, or too long for an address
 */
internal fun unixAddress(path: String): UnixAddress {
    require(path.isNotEmpty()) { "a unix connector needs the path of its socket" }
    return if (path.startsWith('@')) UnixAddress.abstractName(path.substring(1)) else UnixAddress.path(path)
}
