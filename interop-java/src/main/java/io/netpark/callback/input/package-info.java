/**
 * The reading half of a connection: reads, keeps what is unread, and shows it to the callback. Inner classes, not for users.
 *
 * <p>This room uses {@code output} (a connection that has too much of it is not read), {@code delivery}, {@code state} and
 * {@code futures}. It tells the connection above through {@link io.netpark.callback.input.Input.Owner}.
 */
@org.jspecify.annotations.NullMarked
package io.netpark.callback.input;
