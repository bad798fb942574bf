@file:JvmName("Seam")

package io.netpark.coroutines.messages

import io.netpark.core.net.messages.Envelope
import io.netpark.core.net.messages.MessageBatch
import io.netpark.coroutines.parking.PARKED_TO_READ
import io.netpark.coroutines.parking.PARKED_TO_WRITE
import java.net.SocketAddress
import java.nio.ByteBuffer
import kotlin.coroutines.CoroutineContext
import kotlinx.coroutines.yield

/*
 * The seam between this package and code that is compiled against it, as that of io.netpark.coroutines.
 */

@PublishedApi
internal suspend fun MessageSocket.pause(outcome: Int): Unit = when (outcome) {
    PARKED_TO_READ -> awaitReceivable()
    PARKED_TO_WRITE -> awaitSendable()
    else -> yield()
}

@PublishedApi
internal fun MessageSocket.receiveStep(previous: Int, context: CoroutineContext, target: ByteBuffer, envelope: Envelope?): Int =
    receiveStep(previous, context, { core.startReceive(target, envelope, null) }, { core.retryReceive(target, envelope, null) })

@PublishedApi
internal fun MessageSocket.receiveStep(previous: Int, context: CoroutineContext, batch: MessageBatch): Int =
    receiveStep(previous, context, { core.startReceive(batch) }, { core.retryReceive(batch) })

@PublishedApi
internal fun MessageSocket.sendStep(previous: Int, context: CoroutineContext, source: ByteBuffer, to: SocketAddress?): Int =
    sendStep(previous, context, { core.startSend(source, to) }, { core.retrySend(source, to) })

@PublishedApi
internal fun MessageSocket.sendStep(previous: Int, context: CoroutineContext, batch: MessageBatch): Int =
    sendStep(previous, context, { core.startSend(batch) }, { core.retrySend(batch) })
