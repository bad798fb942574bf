package io.netpark.core.loop

import io.netpark.core.poll.Poller
import io.netpark.core.sys.LibC
import io.netpark.core.testing.Bindings
import io.netpark.core.testing.RecordingReporter

/** One loop for one test; closing it fails if anything was reported and not drained. */
class LoopRig(libc: LibC = Bindings.best, pollers: Poller.Factory = Poller.EPOLL) : AutoCloseable {
    val reporter = RecordingReporter()
    val loop: EventLoop = EventLoop.open("netpark-test", true, libc, pollers, reporter)

    override fun close() {
        loop.close()
        reporter.shouldBeSilent()
    }
}
