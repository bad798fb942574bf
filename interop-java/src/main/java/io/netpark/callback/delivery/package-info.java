/**
 * Who calls the callbacks of a connection, and where: on its event loop, or by workers, one call at a time. Inner classes, not for
 * users.
 *
 * <p>This room uses {@code state} and {@code futures}. Callbacks are called through
 * {@link io.netpark.callback.delivery.UserCallbacks}, and {@link io.netpark.callback.delivery.CallSource} says when it is time for one.
 */
@org.jspecify.annotations.NullMarked
package io.netpark.callback.delivery;
