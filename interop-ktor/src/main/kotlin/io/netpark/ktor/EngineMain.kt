package io.netpark.ktor

import io.ktor.server.engine.CommandLineConfig
import io.ktor.server.engine.EmbeddedServer
import io.ktor.server.engine.loadCommonConfiguration

/**
 * A main class for applications whose modules and settings are in a configuration file, as Ktor's own engines have one. The
 * settings of [NetparkApplicationEngine.Configuration] are read from `ktor.deployment`, each under its own name: a duration as
 * `45s`, `1m 30s` or `PT45S`, everything else as a number or a truth value.
 *
 * ```
 * ktor {
 *     deployment {
 *         port = 8080
 *         idleTimeout = 60s
 *         maxBodySize = 10485760
 *     }
 *     application.modules = [ com.example.ModuleKt.module ]
 * }
 * ```
 */
public object EngineMain {

    /**
     * Starts the application, and returns when it has been stopped.
     *
     * @param args as all of Ktor's engines take them: `-port=8080`, `-config=file`, `-P:ktor.deployment.idleTimeout=10s`
     * @throws IllegalArgumentException a setting is not what it should be; the message names it
     */
    @JvmStatic
    public fun main(args: Array<String>) {
        createServer(args).start(wait = true)
    }

    /**
     * Makes the server that [main] starts, for a program that wants to hold it.
     *
     * @param args as for [main]
     * @throws IllegalArgumentException as [main]
     */
    public fun createServer(
        args: Array<String>,
    ): EmbeddedServer<NetparkApplicationEngine, NetparkApplicationEngine.Configuration> {
        val config = CommandLineConfig(args)
        return EmbeddedServer(config.rootConfig, Netpark) {
            takeFrom(config.engineConfig)
            val deployment = config.environment.config.config("ktor.deployment")
            loadCommonConfiguration(deployment)
            loadSettings(deployment)
        }
    }
}
