package io.netpark.coroutines.simulation

import io.netpark.core.loop.EventLoop
import java.util.concurrent.Executor
import java.util.concurrent.ScheduledExecutorService
import java.util.concurrent.ScheduledFuture
import java.util.concurrent.TimeUnit

/**
 * Threads besides event loops that take part in the order of a test, for kotlinx.coroutines to make a dispatcher of them. What that wants
 * to be run later, such as the end of a `delay`, waits on the loop of the test, and so by its time.
 */
internal class TestThreads(private val loop: EventLoop, private val threads: Executor) : ScheduledExecutorService by loop {

    override fun execute(command: Runnable): Unit = threads.execute(command)

    override fun schedule(command: Runnable, delay: Long, unit: TimeUnit): ScheduledFuture<*> =
        loop.schedule(Runnable { threads.execute(command) }, delay, unit)
}
