/**
 * How event loops count: {@link io.netpark.core.counting.Counters} for each, {@link io.netpark.core.counting.Totals} for a group.
 *
 * <p>Inner: users see the snapshots of {@code core.report}, which is all that this package uses.
 */
@org.jspecify.annotations.NullMarked
package io.netpark.core.counting;
