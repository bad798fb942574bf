package io.netpark.samples.load

import io.netpark.core.tls.ClientTls
import io.netpark.samples.BindingChoice
import kotlin.time.Duration

/** What the load is to be. */
internal class LoadOptions(
    val target: Target,
    val connections: Int,
    /** Of a request, and of its answer, in bytes. */
    val size: Int,
    /** Requests a second in all; null for as many as the answers let through. */
    val rate: Double?,
    val duration: Duration,
    /** How many requests may be in flight on a connection. */
    val pipeline: Int,
    val loops: Int,
    val binding: BindingChoice,
    /** How connections are encrypted; null if they are not. */
    val tls: ClientTls? = null,
)
