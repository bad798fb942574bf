/**
 * The writing half of a connection. Inner classes, not for users.
 *
 * <p>This room uses {@code state} and {@code futures}. It knows neither the reading half nor callbacks, and tells the connection above
 * through {@link io.netpark.callback.output.Output.Owner}.
 */
@org.jspecify.annotations.NullMarked
package io.netpark.callback.output;
