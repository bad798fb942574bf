package io.netpark.simulation.kernel

import io.kotest.assertions.withClue
import io.kotest.matchers.ints.shouldBeGreaterThanOrEqual
import io.netpark.core.linux.Linux
import io.netpark.core.sys.Clock
import io.netpark.core.sys.Errno
import io.netpark.core.testing.NetparkSpec
import io.netpark.simulation.contract.Caller
import io.netpark.simulation.contract.Family
import io.netpark.simulation.contract.dial
import io.netpark.simulation.contract.listener
import io.netpark.simulation.contract.shouldFailWith
import java.time.Instant

/** A kernel that has no memory, or no room for open files: each call that makes a descriptor says so, and works again afterwards. */
class LimitsSpec : NetparkSpec(body = {

    test("without memory no descriptor is made, and one is when there is memory again") {
        onKernel { limits ->
            for (maker in makers()) withClue(maker) {
                limits.memory(false)
                maker.call(this) shouldFailWith maker.withoutMemory
                limits.memory(true)
                make(maker)
            }
        }
    }

    test("at the limit of open files no descriptor is made, and one is when others have been closed") {
        onKernel { limits ->
            for (maker in makers()) withClue(maker) {
                val others = List(2) { eventfd() }
                limits.files(kernel.openDescriptors)
                maker.call(this) shouldFailWith Errno.ENFILE
                others.forEach { close(it) }
                make(maker)
                limits.files(Int.MAX_VALUE)
            }
        }
    }

    test("a call that makes two needs room for both") {
        onKernel { limits ->
            for (maker in makers().filter { it.makes == 2 }) withClue(maker) {
                limits.files(kernel.openDescriptors + 1)
                maker.call(this) shouldFailWith Errno.ENFILE
                limits.files(kernel.openDescriptors + 2)
                make(maker)
                limits.files(Int.MAX_VALUE)
            }
        }
    }

    test("another number for an open file needs no room for files") {
        onKernel { limits ->
            val fd = eventfd()
            limits.files(kernel.openDescriptors)
            duplicate(fd)
        }
    }
})

/** @property withoutMemory what it says if there is none */
private class Maker(private val name: String, val withoutMemory: Int, val makes: Int = 1, val call: Caller.() -> Int) {
    override fun toString() = name
}

/** All of them. */
private fun Caller.makers(): List<Maker> {
    val fds = memory(2 * Int.SIZE_BYTES).address()
    val listener = listener(Family.IPV4)
    dial(Family.IPV4, listener)
    model.writeFile("/file", ByteArray(1), Instant.EPOCH)
    return listOf(
        Maker("socket of TCP", Errno.ENOBUFS) { libc.socket(Linux.AF_INET, Linux.SOCK_STREAM, 0) },
        Maker("socket of UDP", Errno.ENOBUFS) { libc.socket(Linux.AF_INET6, Linux.SOCK_DGRAM, 0) },
        Maker("unix socket of streams", Errno.ENOBUFS) { libc.socket(Linux.AF_UNIX, Linux.SOCK_STREAM, 0) },
        Maker("unix socket of datagrams", Errno.ENOBUFS) { libc.socket(Linux.AF_UNIX, Linux.SOCK_DGRAM, 0) },
        Maker("socketpair", Errno.ENOBUFS, makes = 2) { libc.socketpair(Linux.AF_UNIX, Linux.SOCK_STREAM, 0, fds) },
        Maker("accept4", Errno.ENOBUFS) { libc.accept4(listener, 0, 0, 0) },
        Maker("pipe2", Errno.ENFILE, makes = 2) { libc.pipe2(fds, 0) },
        Maker("eventfd", Errno.ENOMEM) { libc.eventfd(0, 0) },
        Maker("timerfdCreate", Errno.ENOMEM) { libc.timerfdCreate(Linux.CLOCK_MONOTONIC, 0) },
        Maker("epollCreate", Errno.ENOMEM) { libc.epollCreate(0) },
        Maker("open", Errno.ENOMEM) { libc.open(name("/file"), Linux.O_RDONLY) },
    )
}

/** The call succeeds, and what it has made is the caller's. */
private fun Caller.make(maker: Maker) {
    val before = model.descriptors()
    maker.call(this) shouldBeGreaterThanOrEqual 0
    (model.descriptors() - before.toSet()).forEach { own(it) }
}

private val Caller.model: SimulatedKernel get() = libc as SimulatedKernel

private fun onKernel(body: Caller.(Limits) -> Unit) {
    val kernel = SimulatedKernel(Clock.SYSTEM)
    OneOf(kernel).use { one -> Caller(one).use { it.body(kernel.limits()) } }
}
