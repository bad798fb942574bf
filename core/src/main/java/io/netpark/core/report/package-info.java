/**
 * What event loops say of themselves: trouble, to a {@link io.netpark.core.report.Reporter}, as much of it as a
 * {@link io.netpark.core.report.Ration} allows; and numbers, in a {@link io.netpark.core.report.GroupSnapshot}.
 *
 * <p>A peer's {@linkplain io.netpark.core.report.PeerFault faults} against its own connection are numbers and no trouble. This
 * package uses the exceptions of {@code core.sys}.
 */
@org.jspecify.annotations.NullMarked
package io.netpark.core.report;
