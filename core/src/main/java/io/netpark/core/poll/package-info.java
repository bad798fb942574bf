/**
 * Waiting for readiness: {@link io.netpark.core.poll.Poller} is the contract, with one implementation by epoll and one by poll(2);
 * {@link io.netpark.core.poll.Pollable} is what it watches, {@link io.netpark.core.poll.WokenBatch} the waiters that a wait has woken.
 *
 * <p>Who waits, and for what, is not known here. This package uses {@code core.sys}, {@code core.linux} and {@code core.memory}.
 */
@org.jspecify.annotations.NullMarked
package io.netpark.core.poll;
