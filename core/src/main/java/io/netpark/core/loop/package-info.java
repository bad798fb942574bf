/**
 * Event loops: one thread, one poller, one queue of tasks and one of timers each; and {@linkplain
 * io.netpark.core.loop.EventLoopGroup groups} of them, which choose a loop for each new connection.
 *
 * <p>An {@link io.netpark.core.loop.EventLoop} composes what one does: {@code Turn} waits and runs what it has found, {@code Sleep}
 * lets other threads wake it, {@code Lifetime} and {@code Closing} are its end, {@code Reports} is what it says of itself. Each has its
 * state at its field. A {@code Watchdog} looks on from outside.
 *
 * <p>What runs on a loop is not known here. This package uses {@code core.poll}, {@code core.counting}, {@code core.report} and what
 * is below them.
 */
@org.jspecify.annotations.NullMarked
package io.netpark.core.loop;
