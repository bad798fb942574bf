/**
 * A connection below its users' interface: {@link io.netpark.callback.lifecycle.Lifecycle} composes the halves and is told by them;
 * what is done to a connection as a whole (dialing, detaching, copying, draining) works on it. Inner classes, not for users.
 *
 * <p>This room uses all rooms below: {@code input}, {@code output}, {@code delivery}, {@code state}, {@code futures}. It does not
 * know users' interfaces, which are in {@link io.netpark.callback}.
 */
@org.jspecify.annotations.NullMarked
package io.netpark.callback.lifecycle;
