package io.netpark.core.net.streams

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.longs.shouldBeLessThan
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.netpark.core.fd.Direction
import io.netpark.core.linux.Linux
import io.netpark.core.net.listening.Admission
import io.netpark.core.net.listening.ListenerDescriptor
import io.netpark.core.net.listening.ListeningSocket
import io.netpark.core.net.messages.MessageListenerDescriptor
import io.netpark.core.net.options.NetOptions
import io.netpark.core.sys.Errno
import io.netpark.core.sys.LibC
import io.netpark.core.sys.NetparkException
import io.netpark.core.sys.UnixAddress
import io.netpark.core.testing.CallCounter
import io.netpark.core.testing.Flavour
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.TestReactor
import io.netpark.core.testing.async
import io.netpark.core.testing.awaitParkedThreads
import io.netpark.core.testing.failure
import io.netpark.core.testing.loopback
import io.netpark.core.testing.parkThread
import io.netpark.core.testing.temporaryPath
import java.util.concurrent.atomic.AtomicInteger

/** fcntl.h */
private const val F_DUPFD_CLOEXEC = 1030

/** A listening socket that another holder shuts down: a duplicate in another process, say. The kernel reports that for ever. */
class HangUpSpec : NetparkSpec(body = {
    class Shared(private val real: LibC) : LibC by real {
        val listening = AtomicInteger(-1)

        @Volatile
        var errno = 0

        override fun listen(fd: Int, backlog: Int): Int = real.listen(fd, backlog).also { listening.set(fd) }

        override fun accept4(fd: Int, sockaddr: Long, lengthAddress: Long, flags: Int): Int =
            if (errno != 0) -errno else real.accept4(fd, sockaddr, lengthAddress, flags)

        fun shutDown(how: Int = Linux.SHUT_RDWR) {
            val duplicate = real.fcntl(listening.get(), F_DUPFD_CLOEXEC, 0)
            real.shutdown(duplicate, how) shouldBe 0
            real.close(duplicate) shouldBe 0
        }
    }

    for (flavour in Flavour.all) {
        for (kind in listOf("TCP", "unix", "packets")) {
            context("$flavour, $kind") {
                fun run(admission: Admission? = null, body: TestReactor.(ListeningSocket<*>, Shared, CallCounter) -> Unit) {
                    val shared = Shared(flavour.libc)
                    val calls = CallCounter(shared)
                    TestReactor(calls.libc, flavour.poller.factory).use { reactor ->
                        val listener = when (kind) {
                            "TCP" -> ListenerDescriptor.listen(reactor.group, loopback(), NetOptions.DEFAULT, admission)
                            "unix" -> ListenerDescriptor.listen(reactor.group, UnixAddress.path(temporaryPath()), NetOptions.DEFAULT, admission)
                            else -> MessageListenerDescriptor.listen(reactor.group, UnixAddress.path(temporaryPath()), NetOptions.DEFAULT)
                        }
                        listener.use { reactor.body(it, shared, calls) }
                    }
                }

                fun accept(listener: ListeningSocket<*>) {
                    var accepted = listener.startAccept()
                    while (accepted == null) {
                        listener.parkThread(Direction.READ)
                        accepted = listener.retryAccept()
                    }
                    accepted.close()
                }

                /** Pauses of 5, 10 and 20 ms with up to three waits each are quiet; a loop that spins waits thousands of times. */
                fun shouldBeQuiet(calls: CallCounter) {
                    val waits = calls.waits
                    Thread.sleep(50)
                    calls.waits - waits shouldBeLessThan 30
                }

                test("an accept that waits ends with an error that says so, the listener is closed, and the loop sleeps") {
                    run { listener, shared, calls ->
                        val accept = async { accept(listener) }
                        awaitParkedThreads()
                        shared.shutDown()
                        val failure = accept.failure() as NetparkException.SystemError
                        failure.errno() shouldBe Errno.EINVAL
                        failure.message!! shouldContain "it does not listen any more"
                        listener.isClosed shouldBe true
                        shouldBeQuiet(calls)
                    }
                }

                test("so does one whose socket is shut down for reading only") {
                    run { listener, shared, calls ->
                        val accept = async { accept(listener) }
                        awaitParkedThreads()
                        shared.shutDown(Linux.SHUT_RD)
                        (accept.failure() as NetparkException.SystemError).errno() shouldBe Errno.EINVAL
                        shouldBeQuiet(calls)
                    }
                }

                test("while nobody accepts the loop sleeps, and the next accept is told") {
                    run { listener, shared, calls ->
                        shared.shutDown()
                        shouldBeQuiet(calls)
                        shouldThrow<NetparkException.SystemError> { accept(listener) }.errno() shouldBe Errno.EINVAL
                        shouldThrow<NetparkException.Closed> { accept(listener) }
                    }
                }

                test("during a pause for want of descriptors the loop sleeps") {
                    run { listener, shared, calls ->
                        shared.errno = Errno.EMFILE
                        val accept = async { accept(listener) }
                        awaitParkedThreads()
                        shared.shutDown()
                        shouldBeQuiet(calls)
                        shared.errno = 0
                        (accept.failure() as NetparkException.SystemError).errno() shouldBe Errno.EINVAL
                        reporter.drain()
                    }
                }
            }
        }
    }
})
