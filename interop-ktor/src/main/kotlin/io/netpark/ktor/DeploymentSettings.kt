package io.netpark.ktor

import io.ktor.server.config.ApplicationConfig
import kotlin.time.Duration

/** Takes the settings that are there, each under the name of its property. */
internal fun NetparkApplicationEngine.Configuration.loadSettings(deployment: ApplicationConfig) {
    deployment.setting("eventLoops", String::toInt) { eventLoops = it }
    deployment.setting("maxRequestLine", String::toInt) { maxRequestLine = it }
    deployment.setting("maxHeadSize", String::toInt) { maxHeadSize = it }
    deployment.setting("maxHeaderFields", String::toInt) { maxHeaderFields = it }
    deployment.setting("maxBodySize", String::toLong) { maxBodySize = it }
    deployment.setting("maxDiscardedBody", String::toLong) { maxDiscardedBody = it }
    deployment.setting("maxPipelinedCalls", String::toInt) { maxPipelinedCalls = it }
    deployment.setting("headTimeout", Duration::parse) { headTimeout = it }
    deployment.setting("bodyTimeout", Duration::parse) { bodyTimeout = it }
    deployment.setting("writeTimeout", Duration::parse) { writeTimeout = it }
    deployment.setting("idleTimeout", Duration::parse) { idleTimeout = it }
    deployment.setting("lingerTime", Duration::parse) { lingerTime = it }
    deployment.setting("maxConnections", String::toInt) { maxConnections = it }
    deployment.setting("maxConnectionsPerAddress", String::toInt) { maxConnectionsPerAddress = it }
    deployment.setting("listenOnEachLoop", String::toBooleanStrict) { listenOnEachLoop = it }
}

private fun <T> ApplicationConfig.setting(name: String, parse: (String) -> T, take: (T) -> Unit) {
    val text = propertyOrNull(name)?.getString() ?: return
    try {
        take(parse(text.trim()))
    } catch (e: IllegalArgumentException) { // a NumberFormatException is one
        throw IllegalArgumentException("ktor.deployment.$name cannot be \"$text\": ${e.message}", e)
    }
}
