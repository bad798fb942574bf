/**
 * Programs of which every system call fails in turn, and every segment is missing.
 *
 * <p>{@code Calls} is what a program has of the system: {@code CountedCalls} are made, of {@code FailingCall} one fails. {@code Failures}
 * is what the manual pages let calls fail with. {@code FaultChoice} makes a {@code Fault} of each call and each of its failures, or of
 * some that a seed draws; {@code FaultWalk} tries them.
 */
@org.jspecify.annotations.NullMarked
package io.netpark.core.testing.fault;
