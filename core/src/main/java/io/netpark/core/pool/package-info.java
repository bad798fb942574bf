/**
 * Connections that are kept for later. {@link io.netpark.core.pool.Pool} is the whole of it; the coroutine and the callback
 * API lend what it holds.
 */
@NullMarked
package io.netpark.core.pool;

import org.jspecify.annotations.NullMarked;
