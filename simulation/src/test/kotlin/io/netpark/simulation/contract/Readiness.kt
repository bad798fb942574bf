package io.netpark.simulation.contract

import io.kotest.assertions.withClue
import io.kotest.matchers.shouldBe
import io.netpark.core.linux.EpollEvent
import io.netpark.core.linux.Linux
import io.netpark.core.linux.PollFd
import io.netpark.core.sys.Errno

/** Longer than anything takes that is going to happen, in milliseconds. */
const val LONG = 20_000

/** What one wait has reported: event bits by token. */
typealias Events = Map<Long, Int>

fun Caller.epoll(): Int = own(libc.epollCreate(Linux.EPOLL_CLOEXEC))

/** epoll_ctl(2), for its result. */
fun Caller.control(epfd: Int, operation: Int, fd: Int, events: Int = 0, token: Long = fd.toLong()): Int {
    val event = memory(EpollEvent.SIZE)
    EpollEvent.write(event.buffer(), 0, events, token)
    return libc.epollCtl(epfd, operation, fd, event.address())
}

/** Registers [fd], whose number is the token unless there is another. */
fun Caller.watch(epfd: Int, fd: Int, events: Int, token: Long = fd.toLong()) {
    withClue("EPOLL_CTL_ADD of $fd") { control(epfd, Linux.EPOLL_CTL_ADD, fd, events, token) shouldBe 0 }
}

fun Caller.modify(epfd: Int, fd: Int, events: Int, token: Long = fd.toLong()) {
    withClue("EPOLL_CTL_MOD of $fd") { control(epfd, Linux.EPOLL_CTL_MOD, fd, events, token) shouldBe 0 }
}

fun Caller.unwatch(epfd: Int, fd: Int) {
    withClue("EPOLL_CTL_DEL of $fd") { libc.epollCtl(epfd, Linux.EPOLL_CTL_DEL, fd, 0) shouldBe 0 }
}

/** epoll_wait(2): what is reported, at most [capacity] of it. With [timeoutMillis] 0 it only looks. */
fun Caller.look(epfd: Int, capacity: Int = 16, timeoutMillis: Int = 0): Events {
    val events = memory(capacity * EpollEvent.SIZE)
    val found = libc.epollWait(epfd, events.address(), capacity, timeoutMillis)
    if (found < 0) throw AssertionError("epoll_wait: ${Errno.describe(-found)}")
    return (0 until found).associate { EpollEvent.data(events.buffer(), it) to EpollEvent.readiness(events.buffer(), it) }
}

/** As [look], for as long as it takes. */
fun Caller.await(epfd: Int, capacity: Int = 16): Events = look(epfd, capacity, LONG)

/** poll(2) of one descriptor, for what it reports. With [timeoutMillis] 0 it only looks. */
fun Caller.poll(fd: Int, events: Int, timeoutMillis: Int = 0): Int {
    val entry = memory(PollFd.SIZE)
    PollFd.write(entry.buffer(), 0, fd, events)
    val found = libc.poll(entry.address(), 1, timeoutMillis)
    val readiness = PollFd.readiness(entry.buffer(), 0)
    withClue("the result of poll(2), with ${readiness.toString(16)} reported") { found shouldBe if (readiness == 0) 0 else 1 }
    return readiness
}

/** Waits until [fd] has one of these, and returns all that poll(2) reports then. */
fun Caller.awaitAny(fd: Int, events: Int): Int = poll(fd, events, LONG).also {
    withClue("nothing happened to descriptor $fd") { (it != 0) shouldBe true }
}

fun Caller.awaitReadable(fd: Int) = awaitAny(fd, Linux.EPOLLIN)

fun Caller.awaitWritable(fd: Int) = awaitAny(fd, Linux.EPOLLOUT)
