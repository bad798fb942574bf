/**
 * Futures of the callback API, and the place where each is completed: an event loop, or the executor that was given for it.
 *
 * <p>A chain of futures is never deeper for being long: what would run inside a call runs after it instead
 * ({@link io.netpark.callback.futures.OneByOne}). Inner classes, not for users. This room uses nothing of the other rooms here.
 */
@org.jspecify.annotations.NullMarked
package io.netpark.callback.futures;
