package io.netpark.core.report;

import java.util.List;

/**
 * What a group has counted up to an instant.
 *
 * @param loops one by one, those that retire included
 * @param total of all there are and have been
 */
public record GroupSnapshot(List<LoopSnapshot> loops, LoopSnapshot total) {}
