package io.netpark.ktor

import io.ktor.server.engine.ApplicationEngine
import io.ktor.server.engine.ConnectorType
import io.ktor.server.engine.EngineConnectorBuilder
import io.ktor.server.engine.EngineConnectorConfig

/** A connector on a unix socket. */
public interface UnixSocketConnectorConfig : EngineConnectorConfig {

    /** The path of the socket's file, or `@` and an abstract name, which is no file. */
    public val socketPath: String

    override val addressDescription: String get() = "unix:$socketPath"
}

/** A connector on a unix socket that is being described. [host] and [port] mean nothing for it. */
public class UnixSocketConnectorBuilder : EngineConnectorBuilder(ConnectorType.UNIX), UnixSocketConnectorConfig {

    override var socketPath: String = ""

    override val addressDescription: String get() = "unix:$socketPath"

    override fun toString(): String = "${type.name} $socketPath"
}

/**
 * Adds a connector on a unix socket. The file is made when the engine starts, and removed when it stops. A file that a killed
 * process has left must be removed before.
 *
 * ```
 * embeddedServer(Netpark, configure = { unixConnector("/run/service.sock") }) { … }
 * ```
 *
 * @param socketPath a path of at most 107 bytes; with an `@` first, an abstract name
 */
public fun ApplicationEngine.Configuration.unixConnector(
    socketPath: String,
    builder: UnixSocketConnectorBuilder.() -> Unit = {},
) {
    connectors += UnixSocketConnectorBuilder().apply {
        this.socketPath = socketPath
        builder()
    }
}
