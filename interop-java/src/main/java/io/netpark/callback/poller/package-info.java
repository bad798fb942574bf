/**
 * A low-level poller: calls back when a descriptor is ready, and leaves reading and writing to the callback.
 *
 * <p>This room uses nothing of the other rooms of the callback API, and none of them uses it.
 */
@org.jspecify.annotations.NullMarked
package io.netpark.callback.poller;
