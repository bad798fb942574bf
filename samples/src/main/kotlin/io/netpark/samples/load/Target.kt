package io.netpark.samples.load

import picocli.CommandLine.ITypeConverter
import picocli.CommandLine.TypeConversionException
import java.net.InetSocketAddress

/** Whom to load: a host by its name or address, and a port. */
internal class Target(private val host: String, private val port: Int) {

    /** For a dialer. A name is looked up with each connection: its server may move meanwhile. */
    val address: InetSocketAddress get() = InetSocketAddress.createUnresolved(host, port)

    override fun toString(): String = "$host:$port"

    /** From HOST:PORT, where an IPv6 address has brackets. */
    class Converter : ITypeConverter<Target> {
        override fun convert(text: String): Target {
            val host = text.substringBeforeLast(':', "")
            val port = text.substringAfterLast(':').toIntOrNull()
            val bracketed = host.startsWith('[') && host.endsWith(']')
            val problem = when {
                host.isEmpty() || port == null -> "$text is not HOST:PORT, such as 127.0.0.1:7000 or [::1]:7000"
                ':' in host && !bracketed -> "an IPv6 address needs brackets, as in [::1]:7000, unlike $text"
                port !in 1..65535 -> "a port is a number from 1 to 65535, not $port"
                else -> return Target(host, port)
            }
            throw TypeConversionException(problem)
        }
    }
}
