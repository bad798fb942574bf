package io.netpark.ktor

import io.ktor.events.Events
import io.ktor.server.application.Application
import io.ktor.server.application.ApplicationEnvironment
import io.ktor.server.engine.ApplicationEngineFactory

/**
 * Runs Ktor applications on Netpark:
 *
 * ```
 * fun main() {
 *     embeddedServer(Netpark, port = 8080) {
 *         routing { get("/") { call.respondText("Hello") } }
 *     }.start(wait = true)
 * }
 * ```
 *
 * [NetparkApplicationEngine.Configuration] has the settings.
 */
public object Netpark : ApplicationEngineFactory<NetparkApplicationEngine, NetparkApplicationEngine.Configuration> {

    override fun configuration(
        configure: NetparkApplicationEngine.Configuration.() -> Unit,
    ): NetparkApplicationEngine.Configuration = NetparkApplicationEngine.Configuration().apply(configure)

    override fun create(
        environment: ApplicationEnvironment,
        monitor: Events,
        developmentMode: Boolean,
        configuration: NetparkApplicationEngine.Configuration,
        applicationProvider: () -> Application,
    ): NetparkApplicationEngine =
        NetparkApplicationEngine(environment, monitor, developmentMode, configuration, applicationProvider)
}
