/** Waiting for readiness: the poller and its two implementations, interest and readiness. */
@org.jspecify.annotations.NullMarked
package io.netpark.core.poll;
