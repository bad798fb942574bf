/** The dialers under comparison, and the process that accepts what they dial. */
@org.jspecify.annotations.NullMarked
package io.netpark.bench.dial;
