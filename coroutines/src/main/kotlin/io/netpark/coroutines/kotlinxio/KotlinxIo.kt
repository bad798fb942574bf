@file:JvmName("KotlinxIo")

package io.netpark.coroutines.kotlinxio

import io.netpark.core.buffer.BufferReader
import io.netpark.core.buffer.BufferWriter
import io.netpark.coroutines.Reader
import io.netpark.coroutines.Writer
import kotlinx.io.Buffer
import kotlinx.io.Sink
import kotlinx.io.Source
import kotlinx.io.asSink
import kotlinx.io.asSource

// Bytes to and from kotlinx-io. Each byte is copied once. kotlinx-io is an optional dependency, and nothing outside this file refers to it.
// So a program that does not call these functions does not need its jar.

/** How many bytes of a source are collected before the writer is looked at again, whether it is full. */
private const val PART = 64L * 1024

/**
 * Copies the input to [target], to the end of the stream or up to [count] bytes. Suspends while no byte is there. A [target] that is no
 * [Buffer] does its work on the caller's thread.
 *
 * **Cancelled**, timed out or failed, what has been copied is in [target], and all else is unread. The size of a [Buffer] says how much
 * has been copied.
 *
 * @param count how many bytes at most
 * @return how many bytes were copied: [count], or all there were
 * @throws io.netpark.core.sys.NetparkException as [Connection.read][io.netpark.coroutines.Connection.read]
 */
public suspend fun Reader.copyTo(target: Sink, count: Long = Long.MAX_VALUE): Long {
    require(count >= 0) { "a number of bytes cannot be negative: $count" }
    var copied = 0L
    while (copied < count && await()) {
        val part = minOf(count - copied, available())
        take(target, part)
        copied += part
    }
    return copied
}

/**
 * Takes the next [count] bytes that are there, or all, and writes them to [target]. Does not wait for more.
 *
 * @throws IndexOutOfBoundsException fewer bytes are there; none is taken
 */
public fun BufferReader.take(target: Sink, count: Long = available()) {
    if (count !in 0..available()) throw IndexOutOfBoundsException("take($count): there are ${available()} bytes")
    target.write(asInputStream().asSource(), count)
}

/**
 * Writes what [source] has, to its end or up to [count] bytes. Suspends to flush whenever more than
 * [Buffering.highWaterMark][io.netpark.coroutines.Buffering.highWaterMark] has been collected. A source that is no [Buffer] is read on the
 * caller's thread.
 *
 * **Cancelled**, timed out or failed in a flush, it has collected or sent what it has taken from [source]. [source] has the rest.
 *
 * @param count how many bytes at most
 * @return how many bytes were written: [count], or all there were
 * @throws io.netpark.core.sys.NetparkException as [Writer.flush]
 */
public suspend fun Writer.write(source: Source, count: Long = Long.MAX_VALUE): Long {
    require(count >= 0) { "a number of bytes cannot be negative: $count" }
    val part = Buffer()
    var written = 0L
    while (written < count) {
        flushIfFull()
        val length = source.readAtMostTo(part, minOf(count - written, PART, highWaterMark.toLong()))
        if (length < 0) break
        put(part)
        written += length
    }
    return written
}

/**
 * Puts everything that [source] has, to its end. Sends nothing, and does not suspend. A source that is no [Buffer] is read on the
 * caller's thread.
 *
 * @throws io.netpark.core.sys.NetparkException.LimitExceeded as for [BufferWriter.put] of an array: a part may have been put
 */
public fun BufferWriter.put(source: Source) {
    source.transferTo(asOutputStream().asSink())
}
