package io.netpark.coroutines

import io.netpark.core.loop.EventLoopGroup
import io.netpark.core.net.dialing.Dialer
import io.netpark.core.net.options.NetOption
import io.netpark.core.net.options.NetOptions
import io.netpark.core.net.serving.Shutdown
import io.netpark.core.net.zerocopy.ZeroCopy
import io.netpark.core.pool.PoolOptions
import io.netpark.coroutines.messages.MessageSocket
import kotlin.time.Duration
import kotlin.time.toJavaDuration

// What the core takes as durations of Java, as those of Kotlin. Each does what the member of the same name does, and infinite is
// without end in all of them.

/**
 * How a listener comes to its end: `listener.shutdown(Shutdown(finish = 20.seconds, flush = 2.seconds))`.
 *
 * @param finish time for requests in progress
 * @param flush time for what is written by then
 * @param announce time to accept still, before all else
 * @param keepIdle whether connections are left alone in the second phase though they are idle
 * @throws IllegalArgumentException a time is negative
 */
public fun Shutdown(
    finish: Duration,
    flush: Duration = Duration.ZERO,
    announce: Duration = Duration.ZERO,
    keepIdle: Boolean = false,
): Shutdown = Shutdown(announce.toJavaDuration(), finish.toJavaDuration(), flush.toJavaDuration(), keepIdle)

/** As [Shutdown.announcing]. */
public fun Shutdown.announcing(time: Duration): Shutdown = announcing(time.toJavaDuration())

/** As [Shutdown.flushing]. */
public fun Shutdown.flushing(time: Duration): Shutdown = flushing(time.toJavaDuration())

/** As [Dialer.withTimeout]. */
public fun Dialer.withTimeout(limit: Duration): Dialer = withTimeout(limit.toJavaDuration())

/** As [Dialer.withAttemptDelay]. */
public fun Dialer.withAttemptDelay(delay: Duration): Dialer = withAttemptDelay(delay.toJavaDuration())

/** As [PoolOptions.withIdleTimeout]. */
public fun PoolOptions.withIdleTimeout(time: Duration): PoolOptions = withIdleTimeout(time.toJavaDuration())

/** As [PoolOptions.withMaxLifetime]. */
public fun PoolOptions.withMaxLifetime(time: Duration): PoolOptions = withMaxLifetime(time.toJavaDuration())

/** As [PoolOptions.withBorrowTimeout]. */
public fun PoolOptions.withBorrowTimeout(time: Duration): PoolOptions = withBorrowTimeout(time.toJavaDuration())

/** As [PoolOptions.withConnectTimeout]. */
public fun PoolOptions.withConnectTimeout(time: Duration): PoolOptions = withConnectTimeout(time.toJavaDuration())

/** As [PoolOptions.withBackOff]. */
public fun PoolOptions.withBackOff(first: Duration, last: Duration): PoolOptions =
    withBackOff(first.toJavaDuration(), last.toJavaDuration())

/** As [NetOptions.with], for an option that is a time: `NetOptions.DEFAULT.with(NetOption.USER_TIMEOUT, 30.seconds)`. */
public fun NetOptions.with(option: NetOption<java.time.Duration>, value: Duration): NetOptions = with(option, value.toJavaDuration())

/** As [NetOptions.withKeepAlive]. */
public fun NetOptions.withKeepAlive(idle: Duration, interval: Duration, count: Int): NetOptions =
    withKeepAlive(idle.toJavaDuration(), interval.toJavaDuration(), count)

/** As [Connection.setOption], for an option that is a time: `connection.setOption(NetOption.LINGER, 3.seconds)`. */
public fun Connection.setOption(option: NetOption<java.time.Duration>, value: Duration): Unit =
    setOption(option, value.toJavaDuration())

/** As [MessageSocket.setOption], for an option that is a time. */
public fun MessageSocket.setOption(option: NetOption<java.time.Duration>, value: Duration): Unit =
    setOption(option, value.toJavaDuration())

/** As [ZeroCopy.withLinger]. */
public fun ZeroCopy.withLinger(time: Duration): ZeroCopy = withLinger(time.toJavaDuration())

/** As [EventLoopGroup.Builder.watchdog]: `Reactor { watchdog(100.milliseconds) }`. */
public fun EventLoopGroup.Builder.watchdog(limit: Duration): EventLoopGroup.Builder = watchdog(limit.toJavaDuration())

/** As [EventLoopGroup.awaitTermination]. */
public fun EventLoopGroup.awaitTermination(time: Duration): Boolean = awaitTermination(time.toJavaDuration())
