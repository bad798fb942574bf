package io.netpark.core.loop

import io.netpark.core.linux.Linux
import io.netpark.core.poll.Interest
import io.netpark.core.poll.Pollable
import io.netpark.core.poll.WokenBatch
import io.netpark.core.sys.Binding
import io.netpark.core.sys.LibC
import java.nio.ByteBuffer
import java.util.concurrent.CompletableFuture
import java.util.concurrent.TimeUnit
import java.util.concurrent.atomic.AtomicInteger
import kotlin.system.exitProcess

/** A loop without memory. For a JVM of its own, with little of it. */
fun main(args: Array<String>) {
    when (args[0]) {
        "heap" -> aTaskThatUsesUpTheHeap()
        "tasks" -> aWaiterForWhichTheQueueHasNoMemory()
        "outside" -> noMemoryOutsideTheHeap()
    }
    exitProcess(0)
}

private class Block(val next: Block?, @Suppress("unused") val bytes: Array<Any?>)

@Volatile
private var full = false

@Volatile
private var held: Block? = null

/** To the last byte; throws. */
private fun fill() {
    var size = 1 shl 18
    while (size > 1) {
        try {
            while (true) held = Block(held, arrayOfNulls(size))
        } catch (_: OutOfMemoryError) {
            size /= 2
        }
    }
    while (true) held = Block(held, arrayOfNulls(0))
}

private fun aTaskThatUsesUpTheHeap() {
    try {
        fill()
    } catch (_: OutOfMemoryError) {
        held = null // what the probe itself needs is loaded
    }
    val loop = EventLoopGroup.builder().loops(1).daemon(true).open().first()
    loop.submit {}.get()
    repeat(2) {
        full = false
        val filling = Runnable {
            try {
                fill()
            } finally {
                full = true // and the report of what is thrown finds no memory
            }
        }
        loop.execute(filling)
        while (!full) Thread.onSpinWait() // this thread has no memory either
        val end = System.nanoTime() + 100_000_000
        while (System.nanoTime() - end < 0) Thread.onSpinWait()
        held = null
        val ran = CompletableFuture<Unit>()
        val marker = Runnable { ran.complete(Unit) }
        loop.execute(marker)
        ran.get(20, TimeUnit.SECONDS)
    }
    loop.close()
}

private fun aWaiterForWhichTheQueueHasNoMemory() {
    try {
        fill()
    } catch (_: OutOfMemoryError) {
        held = null
    }
    val loop = EventLoopGroup.builder().loops(1).daemon(true).open().first()
    val ran = AtomicInteger()
    val waiter = Runnable { ran.incrementAndGet() }
    val nothing = Runnable {}
    loop.submit { loop.wake(waiter) }.get()
    val holding = Runnable { while (!full) Thread.onSpinWait() }
    loop.execute(holding)
    try {
        fill()
    } catch (_: OutOfMemoryError) {
        // Now to the end of what the queue has room for.
    }
    try {
        while (true) loop.execute(nothing)
    } catch (_: OutOfMemoryError) {
        repeat(10) { loop.wake(waiter) }
    }
    held = null
    full = true
    loop.submit {}.get()
    check(ran.get() == 11) { "${ran.get()} of 11 waiters have run" }
    loop.close()
}

private fun noMemoryOutsideTheHeap() {
    class Watched : Pollable() {
        @Volatile
        var told = false

        override fun ready(readiness: Int, woken: WokenBatch) {
            told = true
        }

        override fun pollerClosed(woken: WokenBatch) = Unit
    }

    val real = Binding.defaultLibC()
    val libc = object : LibC by real {
        override fun epollWait(epfd: Int, events: Long, capacity: Int, timeoutMillis: Int): Int {
            check(capacity <= 128) { "the kernel is told of room for $capacity events" }
            return real.epollWait(epfd, events, capacity, timeoutMillis)
        }
    }
    val group = EventLoopGroup.builder().loops(1).daemon(true).libc(libc).open()
    val watched = List(300) { Watched() }
    val blocks = mutableListOf<ByteBuffer>()
    for (size in listOf(1 shl 20, 1 shl 10)) { // what is left is less than the larger array needs
        try {
            while (true) blocks += ByteBuffer.allocateDirect(size)
        } catch (_: OutOfMemoryError) {
            continue
        }
    }
    group.first().submit { // of one batch, as the loop looks after this
        watched.forEach { group.first().poller().add(real.eventfd(1, Linux.EFD_NONBLOCK), it, Interest.PARKING) }
    }.get()
    val end = System.nanoTime() + 20_000_000_000
    while (!watched.all { it.told }) {
        check(end - System.nanoTime() > 0) { "${watched.count { it.told }} of 300 were told" }
        Thread.sleep(1)
    }
    check(blocks.isNotEmpty())
}
