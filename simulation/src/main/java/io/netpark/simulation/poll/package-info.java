/**
 * epoll: {@link io.netpark.simulation.poll.Epoll}, level-triggered, edge-triggered and one-shot, and nested.
 *
 * <p>Not modelled: EPOLLEXCLUSIVE and EPOLLWAKEUP, which are taken and do nothing.
 */
@org.jspecify.annotations.NullMarked
package io.netpark.simulation.poll;
