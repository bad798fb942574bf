package io.netpark.ktor.serving

import io.ktor.server.engine.EngineConnectorConfig
import io.netpark.core.loop.EventLoopGroup
import io.netpark.coroutines.Buffering
import io.netpark.http.HeadLimits
import kotlin.time.Duration
import kotlinx.coroutines.CoroutineDispatcher

/** The settings of one run. They do not change. `NetparkApplicationEngine.Configuration` says what they mean. */
internal class Settings(
    val connectors: List<EngineConnectorConfig>,
    /** The path of a connector that is a unix socket; null for others. */
    val unixPath: (EngineConnectorConfig) -> String?,
    val eventLoops: Int?,
    val callDispatcher: CoroutineDispatcher?,
    val headLimits: HeadLimits,
    val maxBodySize: Long,
    val maxDiscardedBody: Long,
    val maxPipelinedCalls: Int,
    val headTimeout: Duration,
    val bodyTimeout: Duration,
    val writeTimeout: Duration,
    val idleTimeout: Duration,
    val lingerTime: Duration,
    val maxConnections: Int?,
    val maxConnectionsPerAddress: Int?,
    val listenOnEachLoop: Boolean,
    val loops: EventLoopGroup.Builder.() -> Unit,
    val buffering: Buffering,
) {
    init {
        requireSome("eventLoops", eventLoops)
        requireSome("maxConnections", maxConnections)
        requireSome("maxConnectionsPerAddress", maxConnectionsPerAddress)
        require(maxBodySize >= 0) { "maxBodySize cannot be $maxBodySize: zero is the least" }
        require(maxDiscardedBody >= 0) { "maxDiscardedBody cannot be $maxDiscardedBody: zero is the least" }
        require(maxPipelinedCalls > 0) { "maxPipelinedCalls cannot be $maxPipelinedCalls: a connection has one call at least" }
        requireTime("headTimeout", headTimeout)
        requireTime("bodyTimeout", bodyTimeout)
        requireTime("writeTimeout", writeTimeout)
        requireTime("idleTimeout", idleTimeout)
        requireTime("lingerTime", lingerTime)
    }

    private fun requireSome(name: String, count: Int?) = require(count == null || count > 0) { "$name cannot be $count: one is the least" }

    private fun requireTime(name: String, time: Duration) = require(time.isPositive()) { "$name cannot be $time" }
}
