/**
 * Waiting for readiness: {@link io.netpark.core.poll.Poller} is the contract, with one implementation by epoll and one by poll(2);
 * {@link io.netpark.core.poll.Pollable} is what it watches, {@link io.netpark.core.poll.WokenBatch} the waiters that a wait has woken.
 *
 * <p>Nothing here knows what waits, and for what. This package uses {@code core.sys}, {@code core.linux} and {@code core.memory}.
 */
@org.jspecify.annotations.NullMarked
package io.netpark.core.poll;
