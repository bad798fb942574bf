/**
 * What descriptors stand for: a {@link io.netpark.simulation.description.Description} and its kinds, but for sockets and epoll; and how
 * they take and give bytes ({@link io.netpark.simulation.description.IoVector}), fail
 * ({@link io.netpark.simulation.description.Failure}) and tell that they are ready
 * ({@link io.netpark.simulation.description.WaitQueue}).
 *
 * <p>Not modelled: O_DIRECT of pipes, writing to files, folders, inotify. All of it happens in the lock of the
 * {@link io.netpark.simulation.schedule.Timeline}, and nothing here waits.
 */
@org.jspecify.annotations.NullMarked
package io.netpark.simulation.description;
