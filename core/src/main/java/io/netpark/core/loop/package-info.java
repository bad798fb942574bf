/** Event loops: one thread, one poller, one task queue, one timer queue each; and groups of them. */
@org.jspecify.annotations.NullMarked
package io.netpark.core.loop;
