/**
 * How a connection is borrowed from a pool: asked for, checked, lent. Inner classes, not for users.
 *
 * <p>This room uses {@code lifecycle} and {@code futures}. What users hold is made by the
 * {@link io.netpark.callback.pool.Lender}.
 */
@org.jspecify.annotations.NullMarked
package io.netpark.callback.pool;
