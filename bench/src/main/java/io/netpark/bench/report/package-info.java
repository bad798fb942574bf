/** What a run leaves behind: a Markdown table, JSON, and a chart. */
@org.jspecify.annotations.NullMarked
package io.netpark.bench.report;
