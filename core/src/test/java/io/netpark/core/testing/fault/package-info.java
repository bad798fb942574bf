/**
 * Programs of which every system call fails in turn.
 *
 * <p>{@code Failures} is what the manual pages let calls fail with; {@code FailingCall} is a C library in which one call does;
 * {@code FaultWalk} goes through all of them, or through some that a seed chooses.
 */
@org.jspecify.annotations.NullMarked
package io.netpark.core.testing.fault;
