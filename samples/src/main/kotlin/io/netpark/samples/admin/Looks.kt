package io.netpark.samples.admin

import io.netpark.core.report.ConnectionSnapshot
import io.netpark.core.report.GroupConnections
import io.netpark.core.report.GroupHealth
import io.netpark.core.sys.AddressText
import java.time.Duration

/** What health() of a group tells, for JSON. Names are those of the records; times are in seconds. */
internal fun GroupHealth.toMap(): Map<String, Any?> = mapOf(
    "well" to isWell,
    "failure" to failure?.toString(),
    "openDescriptors" to openDescriptors,
    "mostDescriptors" to mostDescriptors,
    "loops" to loops.map {
        mapOf(
            "name" to it.name,
            "answers" to it.answers,
            "sinceTurn" to it.sinceTurn.inSeconds(),
            "retiring" to it.retiring,
            "descriptors" to it.descriptors,
            "pendingTasks" to it.pendingTasks,
            "occupation" to it.occupation,
            "stack" to it.stack.map(StackTraceElement::toString),
        )
    },
    "listeners" to listeners.map { mapOf("loop" to it.loop, "address" to AddressText.of(it.address), "state" to it.state.name) },
)

/** What connections() of a group tells, in the same way. */
internal fun GroupConnections.toMap(): Map<String, Any?> = mapOf(
    "silent" to silent,
    "connections" to connections.map { it.toMap() },
)

private fun ConnectionSnapshot.toMap(): Map<String, Any?> = mapOf(
    "loop" to loop,
    "peer" to AddressText.of(peer),
    "local" to local?.let(AddressText::of),
    "state" to state.name,
    "tls" to tls,
    "age" to age.inSeconds(),
    "idle" to idle?.inSeconds(),
    "bytesIn" to bytesIn,
    "bytesOut" to bytesOut,
    "pendingOutput" to pendingOutput,
    "readDeadline" to limits.readDeadline?.inSeconds(),
    "writeDeadline" to limits.writeDeadline?.inSeconds(),
    "readTimeout" to limits.readTimeout?.inSeconds(),
    "writeTimeout" to limits.writeTimeout?.inSeconds(),
    "idleTimeout" to limits.idleTimeout?.inSeconds(),
    "handler" to handler,
    "parked" to parked.map {
        mapOf("operation" to it.operation, "waiter" to it.waiter, "frames" to it.frames.map(StackTraceElement::toString))
    },
)

private fun Duration.inSeconds(): Double = toMillis() / 1e3
