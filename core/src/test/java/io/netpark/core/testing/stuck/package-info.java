/**
 * Where a test stands that hangs, for whoever has nothing but the log of the build.
 *
 * <p>{@code StuckTests} is told of every test of every module; {@code Standstill} is where all threads and coroutines are;
 * {@code SuspendedCoroutines} finds the latter.
 */
@org.jspecify.annotations.NullMarked
package io.netpark.core.testing.stuck;
